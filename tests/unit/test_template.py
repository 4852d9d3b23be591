"""What ``template.yaml`` promises, checked without an account."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from tests.functions import ALL
from tests.rights import FUNCTIONS, RESOURCES, listed, rights, role_of, statements

from b2b.config import ApiConfig, QueuesConfig, TableConfig, ThinkificConfig
from b2b.wiring.aws import PATIENTLY
from b2b_cli.local.template import TEMPLATE, Template, load

ROOT = Path(__file__).parents[2]
GLOBALS: dict[str, Any] = load()["Globals"]["Function"]

CONFIGS = (ApiConfig, QueuesConfig, TableConfig, ThinkificConfig)


def of_type(kind: str) -> dict[str, Any]:
    return {name: found.get("Properties", {}) for name, found in RESOURCES.items() if found["Type"] == kind}


QUEUES = of_type("AWS::SQS::Queue")
WORK_QUEUES = [name for name in QUEUES if "DeadLetter" not in name]
ALARMS = of_type("AWS::CloudWatch::Alarm")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_named_things_to_named_resources(name: str) -> None:
    for statement in statements(name):
        for action in listed(statement["Action"]):
            assert re.fullmatch(r"[a-z]+:[A-Za-z]+", action), action
            assert action not in ("dynamodb:Scan", "dynamodb:DeleteTable")
        assert "*" not in str(statement)
    assert rights(name)  # each of them to one resource of this stack


def test_every_function_has_a_role_of_its_own() -> None:
    assert sorted(map(role_of, FUNCTIONS)) == sorted(of_type("AWS::IAM::Role"))
    assert len(set(map(role_of, FUNCTIONS))) == len(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_logs_that_end(name: str) -> None:
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert of_type("AWS::Logs::LogGroup")[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    logging = {right for right in rights(name) if right[0].startswith("logs:")}
    assert logging == {("logs:CreateLogStream", group), ("logs:PutLogEvents", group)}


def folder(function: str) -> str:
    """``api.users`` of ``UsersFunction``."""
    return str(FUNCTIONS[function]["Handler"]).removesuffix(".handler.handler")


def test_every_folder_of_a_function_is_deployed_once() -> None:
    assert sorted(map(folder, FUNCTIONS)) == sorted(ALL)


def own_name(function: str) -> str:
    """``users`` of ``UsersFunction``."""
    return folder(function).partition(".")[2]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_belongs_to_a_function_has_its_name(name: str) -> None:
    prefix = "".join(word.capitalize() for word in own_name(name).split("_"))
    log = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert (name, role_of(name), log) == (f"{prefix}Function", f"{prefix}Role", f"{prefix}Log")
    group = of_type("AWS::Logs::LogGroup")[log]["LogGroupName"]
    assert group == {"Fn::Sub": "/b2b/${AWS::StackName}/" + own_name(name).replace("_", "-")}
    assert [policy["PolicyName"] for policy in RESOURCES[role_of(name)]["Properties"]["Policies"]] == [own_name(name)]


def test_what_belongs_to_a_function_stands_in_its_block() -> None:
    prefixes = sorted((name.removesuffix("Function") for name in FUNCTIONS), key=len, reverse=True)
    owners = {name: next((prefix for prefix in prefixes if name.startswith(prefix)), None) for name in RESOURCES}
    blocks = blocks_of(TEMPLATE.read_text(encoding="utf-8"))
    for name in FUNCTIONS:
        owned = [other for other, owner in owners.items() if owner == name.removesuffix("Function")]
        block = blocks[folder(name).replace(".", "/")]
        assert block[:3] == [name, role_of(name), FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]]
        assert set(owned) <= set(block), name


def blocks_of(template: str) -> dict[str, list[str]]:
    """The logical ids under each banner."""
    _, *parts = re.split(r"^  # -{20,} (.+)$", template, flags=re.MULTILINE)
    return {
        title: re.findall(r"^  (\w+):$", body, flags=re.MULTILINE)
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def dimensions(alarm: dict[str, Any], metric: str) -> list[dict[str, Any]]:
    """Those of each time that the alarm looks at the metric."""
    found = [row["MetricStat"]["Metric"] for row in alarm.get("Metrics", []) if "MetricStat" in row] or [alarm]
    return [
        {row["Name"]: row["Value"] for row in each.get("Dimensions", [])}
        for each in found
        if each["MetricName"] == metric
    ]


def watched(metric: str) -> list[Any]:
    """The functions of which some alarm looks at the metric."""
    found = [each["FunctionName"]["Ref"] for alarm in ALARMS.values() for each in dimensions(alarm, metric)]
    return sorted(found)


def test_a_throttled_function_is_seen_whichever_it_is() -> None:
    """Without dimensions the metric is that of all functions; what throttles one of ours is what throttles all."""
    assert dimensions(ALARMS["ThrottlesAlarm"], "Throttles") == [{}]
    assert [name for name, function in FUNCTIONS.items() if "ReservedConcurrentExecutions" in function] == []


@pytest.mark.parametrize("schedule", Template().schedules(), ids=lambda schedule: schedule.name)
def test_a_schedule_that_stops_is_noticed(schedule: Any) -> None:
    (alarm,) = [
        alarm
        for alarm in ALARMS.values()
        if {"FunctionName": {"Ref": schedule.name}} in dimensions(alarm, "Invocations")
    ]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"
    seconds = alarm["Period"] * alarm["EvaluationPeriods"]
    assert 2 * schedule.every_seconds <= seconds <= max(600, 2 * schedule.every_seconds)
    # CloudWatch's limit; one day where the period is less than an hour (PutMetricAlarm).
    assert seconds <= (7 if alarm["Period"] >= 3600 else 1) * 86400


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_failing_function_is_noticed_by_an_alarm_of_its_own(name: str) -> None:
    (alarm,) = [alarm for alarm in ALARMS.values() if {"FunctionName": {"Ref": name}} in dimensions(alarm, "Errors")]
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Sum", "GreaterThanOrEqualToThreshold")
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 1)


def test_no_alarm_lists_functions() -> None:
    """Ten metrics are the most, and there are more functions than that to come (docs/decisions/0044)."""
    for name, alarm in ALARMS.items():
        metrics = [row["MetricStat"]["Metric"] for row in alarm.get("Metrics", []) if "MetricStat" in row]
        assert "FunctionName" not in str(metrics), name


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_what_missing_data_means(name: str) -> None:
    alarm = ALARMS[name]
    is_about_runs = bool(dimensions(alarm, "Invocations"))
    assert alarm["TreatMissingData"] == ("breaching" if is_about_runs else "notBreaching")


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_looks_at_no_more_metrics_than_cloudwatch_allows(name: str) -> None:
    assert len(ALARMS[name].get("Metrics", [])) <= 10


def test_throttles_of_the_table_and_of_each_index_are_seen() -> None:
    table = RESOURCES["Table"]["Properties"]
    wanted = [{"TableName": {"Ref": "Table"}}] + [
        {"TableName": {"Ref": "Table"}, "GlobalSecondaryIndexName": index["IndexName"]}
        for index in table["GlobalSecondaryIndexes"]
    ]
    for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
        assert dimensions(ALARMS["TableThrottlesAlarm"], metric) == wanted


def test_the_alarm_on_concurrency_is_about_the_whole_account() -> None:
    alarm = ALARMS["ConcurrencyAlarm"]
    assert dimensions(alarm, "ClaimedAccountConcurrency") == [{}]
    assert alarm["Threshold"] == {"Ref": "ConcurrencyAlarmAt"}


def test_queues_and_schedules_leave_the_api_something_of_a_new_accounts_ten_runs() -> None:
    """Schedules that run every minute take a second of it where nothing is due; only queues keep at it."""
    assert sum(source.concurrency for source in Template().event_sources()) <= 6
    assert all(source.concurrency == 2 for source in Template().event_sources()), "what Lambda allows at least"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_send_to_its_own_queue_for_ever_where_it_has_to(name: str) -> None:
    handler = FUNCTIONS[name]["Handler"]
    feeding = {source.queue for source in Template().event_sources() if source.handler == handler}
    targets = {resource for action, resource in rights(name) if action == "sqs:SendMessage"}
    is_loop = bool(feeding & targets)
    assert FUNCTIONS[name].get("RecursiveLoop") == ("Allow" if is_loop else None)
    assert (name in watched("RecursiveInvocationsDropped")) == is_loop


def test_everything_calls_a_published_version() -> None:
    assert GLOBALS["AutoPublishAlias"] == "live"
    # What makes SAM publish one; `make build` puts a digest in its place.
    assert GLOBALS["Environment"]["Variables"]["RELEASE"] == "unbuilt"


def test_only_functions_that_somebody_waits_for_can_start_from_a_snapshot() -> None:
    for name, function in FUNCTIONS.items():
        is_api = any(event["Type"] == "HttpApi" for event in function["Events"].values())
        assert ("SnapStart" in function) == is_api, name


NAMES = ("DashboardName", "FunctionName", "LayerName", "LogGroupName", "QueueName", "RoleName", "TableName", "Name")


@pytest.mark.parametrize("name", RESOURCES)
def test_what_has_a_name_of_its_own_has_the_stacks_in_it(name: str) -> None:
    """Else a second school cannot be deployed into the account."""
    for key in NAMES:
        if key in RESOURCES[name].get("Properties", {}):
            assert "${AWS::StackName}" in str(RESOURCES[name]["Properties"][key])


def test_the_gateway_leaves_methods_and_what_is_below_a_path_to_the_function() -> None:
    """So that a 405 is ours too, and the local stack chooses a function as the gateway does (b2b_cli/groups.py)."""
    events = [event for function in FUNCTIONS.values() for event in function["Events"].values()]
    routes = [event["Properties"] for event in events if event["Type"] == "HttpApi"]
    assert {(route["ApiId"]["Ref"], route["Method"]) for route in routes} == {("Api", "ANY")}
    paths = {route["Path"] for route in routes} - {"$default"}
    assert len(paths) == len(routes) - 1
    roots = {path for path in paths if re.fullmatch(r"/api/[a-z-]+", path)}
    assert paths == roots | {f"{root}/{{proxy+}}" for root in roots}


def test_schedules_have_no_names() -> None:
    events = [event for function in FUNCTIONS.values() for event in function["Events"].values()]
    assert all(event["Properties"]["OmitName"] for event in events if event["Type"] == "ScheduleV2")


def test_the_apis_log_does_not_fill_the_accounts_log_policy() -> None:
    (name,) = RESOURCES["ApiLog"]["Properties"]["LogGroupName"].values()
    assert name.startswith("/aws/vendedlogs/")


def test_every_role_is_within_the_accounts_boundary() -> None:
    boundary = {"Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    for role in of_type("AWS::IAM::Role").values():
        assert role["PermissionsBoundary"] == boundary
    events = [event for function in FUNCTIONS.values() for event in function["Events"].values()]
    for event in events:
        if event["Type"] == "ScheduleV2":
            assert event["Properties"]["PermissionsBoundary"] == boundary


def test_the_layers_have_the_services_that_clients_are_made_of() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "layers/core/b2b").rglob("*.py"))
    named = re.search(r"AWS_SERVICES = \((.*)\)", (ROOT / ".make/build.py").read_text(encoding="utf-8"))
    assert named is not None
    assert sorted({*re.findall(r'\bclient\("(\w+)"', code)}) == re.findall(r"\w+", named[1])


def test_every_variable_of_the_configuration_is_set() -> None:
    given = {name.lower() for name in GLOBALS["Environment"]["Variables"]}
    # No key or token is in the environment of a deployed function, and Thinkific's addresses are the defaults.
    assert given >= {field.name for config in CONFIGS for field in fields(config)} - {
        "thinkific_api_key",
        "thinkific_url",
        "thinkific_graphql_token",
        "thinkific_graphql_url",
    }


@pytest.mark.parametrize("name", WORK_QUEUES)
def test_what_fails_is_kept_and_an_alarm_is_raised(name: str) -> None:
    redrive = QUEUES[name]["RedrivePolicy"]
    dead = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert QUEUES[dead]["MessageRetentionPeriod"] == 14 * 24 * 3600
    # `b2b redrive` finds a queue by the name of its dead-letter queue.
    assert dead == f"{name.removesuffix('Queue')}DeadLetterQueue"
    (alarm,) = alarms_on(dead, "ApproximateNumberOfMessagesVisible")
    assert (alarm["Threshold"], alarm["Statistic"]) == (1, "Maximum")


@pytest.mark.parametrize("name", WORK_QUEUES)
def test_a_message_that_waits_for_long_raises_an_alarm(name: str) -> None:
    (alarm,) = alarms_on(name, "ApproximateAgeOfOldestMessage")
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Maximum", "GreaterThanOrEqualToThreshold")
    assert 0 < alarm["Threshold"] < QUEUES[name]["MessageRetentionPeriod"]


def alarms_on(queue: str, metric: str) -> list[dict[str, Any]]:
    wanted = {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}
    return [alarm for alarm in ALARMS.values() if wanted in dimensions(alarm, metric)]


@pytest.mark.parametrize("source", Template().event_sources(), ids=lambda source: source.queue)
def test_a_message_stays_hidden_while_its_function_may_work_on_it(source: Any) -> None:
    """Six times the function's time-out (Lambda developer guide, "Using Lambda with Amazon SQS")."""
    assert QUEUES[source.queue]["VisibilityTimeout"] >= 6 * source.timeout_seconds


def test_failed_messages_come_back_one_by_one() -> None:
    sources = [
        event["Properties"]
        for function in FUNCTIONS.values()
        for event in function["Events"].values()
        if event["Type"] == "SQS"
    ]
    assert len(sources) == len(WORK_QUEUES)
    assert {tuple(source["FunctionResponseTypes"]) for source in sources} == {("ReportBatchItemFailures",)}


def test_every_alarm_reaches_the_topic() -> None:
    for name, alarm in ALARMS.items():
        assert alarm["AlarmActions"]["Fn::If"][0] == "HasAlarmTopic", name
        assert alarm["AlarmDescription"], name


def test_data_outlives_the_stack() -> None:
    # A secret that no deployment has ever filled may go with a first deployment that fails.
    secrets = ("ThinkificApiKey", "ThinkificGraphQLToken")
    for name, deletion in (("Table", "Retain"), *((secret, "RetainExceptOnCreate") for secret in secrets)):
        assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == (deletion, "Retain")
    table = RESOURCES["Table"]["Properties"]
    assert table["DeletionProtectionEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_who_enqueues_students_may_enqueue_in_bulk_too() -> None:
    for name in FUNCTIONS:
        targets = {resource for action, resource in rights(name) if action == "sqs:SendMessage"}
        assert "SyncQueue" not in targets or "SyncBulkQueue" in targets, name


@pytest.mark.parametrize("source", Template().event_sources(), ids=lambda source: source.queue)
def test_a_function_may_take_messages_from_its_queue_and_no_other(source: Any) -> None:
    (name,) = [name for name, function in FUNCTIONS.items() if function["Handler"] == source.handler]
    wanted = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
    taken = {right for right in rights(name) if right[0] in wanted}
    feeding = {other.queue for other in Template().event_sources() if other.handler == source.handler}
    assert taken == {(action, queue) for action in wanted for queue in feeding}


@pytest.mark.parametrize("name", ["UsersFunction", "StudentsFunction", "OperationsFunction"])
def test_whoever_looks_an_address_up_may_move_a_guard_of_the_earlier_release(name: str) -> None:
    needed = {"BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"}
    assert {(f"dynamodb:{action}", "Table") for action in needed} <= rights(name)


def test_every_function_outlasts_all_tries_of_a_call_to_dynamodb_that_is_not_answered() -> None:
    """Else Lambda ends it before it can answer, or say what was the matter. botocore pauses up to 1 s, then 2."""
    config: Any = PATIENTLY
    tries = config.retries["total_max_attempts"]
    longest = tries * (config.connect_timeout + config.read_timeout) + sum(2**number for number in range(tries - 1))
    shortest = min(function.get("Timeout", GLOBALS["Timeout"]) for function in FUNCTIONS.values())
    assert longest < shortest
