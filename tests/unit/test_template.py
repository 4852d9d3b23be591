"""What ``template.yaml`` promises, checked without an account."""

import re
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest
from tests.rights import FUNCTIONS, RESOURCES, listed, rights, role_of, statements

from b2b.config import Config, ThinkificConfig
from b2b.wiring.core import _BOTO
from b2b_cli.local.template import Template, load

GLOBALS: dict[str, Any] = load()["Globals"]["Function"]


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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_handler_is_there(name: str) -> None:
    module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
    assert function == "handler"
    assert module == f"{module.partition('.')[0]}.handler"
    assert import_module(module.partition(".")[0]).__file__


def test_a_throttled_function_is_seen_whichever_it_is() -> None:
    watched = str(of_type("AWS::CloudWatch::Alarm")["ThrottlesAlarm"]["Metrics"])
    assert [name for name in FUNCTIONS if f"'Ref': '{name}'" not in watched] == []


def test_every_variable_of_the_configuration_is_set() -> None:
    given = {name.lower() for name in GLOBALS["Environment"]["Variables"]}
    # The key itself is never in the environment of a deployed function, and Thinkific's address is the default.
    assert given >= {field.name for config in (Config, ThinkificConfig) for field in fields(config)} - {
        "thinkific_api_key",
        "thinkific_url",
    }


@pytest.mark.parametrize("name", WORK_QUEUES)
def test_what_fails_is_kept_and_an_alarm_is_raised(name: str) -> None:
    redrive = QUEUES[name]["RedrivePolicy"]
    dead = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert QUEUES[dead]["MessageRetentionPeriod"] == 14 * 24 * 3600
    watched = [
        alarm
        for alarm in ALARMS.values()
        if dead in str(alarm.get("Dimensions")) and alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    ]
    assert [(alarm["Threshold"], alarm["Statistic"]) for alarm in watched] == [(1, "Maximum")]


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
    for name, deletion in (("Table", "Retain"), ("ThinkificApiKey", "RetainExceptOnCreate")):
        assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == (deletion, "Retain")
    table = RESOURCES["Table"]["Properties"]
    assert table["DeletionProtectionEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_who_rings_for_students_may_ring_in_bulk_too() -> None:
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


def test_every_function_outlasts_all_tries_of_a_call_to_dynamodb_that_is_not_answered() -> None:
    """Else Lambda ends it before it can answer, or say what was the matter. botocore pauses up to 1 s, then 2."""
    config: Any = _BOTO
    tries = config.retries["total_max_attempts"]
    longest = tries * (config.connect_timeout + config.read_timeout) + sum(2**number for number in range(tries - 1))
    shortest = min(function.get("Timeout", GLOBALS["Timeout"]) for function in FUNCTIONS.values())
    assert longest < shortest
