"""What ``template.yaml`` promises, checked without an account."""

import re
from typing import Any

import pytest
import yaml

from b2b.config import Config, ThinkificConfig
from b2b_cli.local.template import TEMPLATE, Template, _Loader

CONTENT: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader=_Loader)
RESOURCES: dict[str, Any] = CONTENT["Resources"]
GLOBALS: dict[str, Any] = CONTENT["Globals"]["Function"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: found.get("Properties", {}) for name, found in RESOURCES.items() if found["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
WORK_QUEUES = [name for name in QUEUES if "DeadLetter" not in name]
ALARMS = of_type("AWS::CloudWatch::Alarm")


def statements(name: str) -> list[dict[str, Any]]:
    return [statement for policy in FUNCTIONS[name]["Policies"] for statement in policy["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_named_things_to_named_resources(name: str) -> None:
    for statement in statements(name):
        for action in listed(statement["Action"]):
            assert re.fullmatch(r"[a-z]+:[A-Za-z]+", action), action
            assert action not in ("dynamodb:Scan", "dynamodb:DeleteTable")
        for resource in listed(statement["Resource"]):
            assert isinstance(resource, dict), f"{resource} is not a resource of this stack"
            assert "*" not in str(resource)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_logs_that_end(name: str) -> None:
    groups = of_type("AWS::Logs::LogGroup").values()
    (group,) = [group for group in groups if f"${{{name}}}" in str(group.get("LogGroupName"))]
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_variable_of_the_configuration_is_set() -> None:
    given = {name.lower() for name in GLOBALS["Environment"]["Variables"]}
    # The key itself is never in the environment of a deployed function, and Thinkific's address is the default.
    assert given >= (Config.model_fields.keys() | ThinkificConfig.model_fields.keys()) - {
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
    for name in ("Table", "ThinkificApiKey"):
        assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")
    table = RESOURCES["Table"]["Properties"]
    assert table["DeletionProtectionEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_who_rings_may_send_to_every_queue_it_rings() -> None:
    """Whoever rings for students rings in bulk too."""
    for name in FUNCTIONS:
        targets = {
            resource["Fn::GetAtt"][0]
            for statement in statements(name)
            if "sqs:SendMessage" in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }
        assert ("SyncQueue" in targets) == ("SyncBulkQueue" in targets), name
