"""The table and the queues of the template, made in the emulator, or brought up to it where they are older."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from b2b_cli.errors import CommandError
from b2b_cli.local.emulator import Emulator
from b2b_cli.local.template import Template

TABLE_NAME = "b2b"

_QUEUE_ATTRIBUTES = ("VisibilityTimeout", "MessageRetentionPeriod")


@dataclass(frozen=True, slots=True)
class Resources:
    """``queue_urls`` by the template's logical ids."""

    table_name: str
    queue_urls: dict[str, str]

    def environment(self) -> dict[str, str]:
        """As the template's ``Environment`` names them."""
        made = self.queue_urls | {"Table": self.table_name}
        return {variable: made[name] for variable, name in _variables().items() if name in made}


@cache
def _variables() -> dict[str, str]:
    return Template().variables()


def has_table(emulator: Emulator, table_name: str = TABLE_NAME) -> bool:
    return table_name in emulator.client("dynamodb").list_tables()["TableNames"]


def make_resources(emulator: Emulator, template: Template, table_name: str = TABLE_NAME) -> Resources:
    dynamodb = emulator.client("dynamodb")
    if has_table(emulator, table_name):
        _add_missing_indexes(dynamodb, table_name, template.table())
    else:
        dynamodb.create_table(TableName=table_name, **template.table())
    sqs = emulator.client("sqs")
    urls: dict[str, str] = {}
    for name, properties in template.queues().items():
        urls[name] = _queue_url(sqs, f"{table_name}-{name}", _attributes(sqs, properties, urls))
    return Resources(table_name, urls)


def _add_missing_indexes(dynamodb: Any, table_name: str, wanted: dict[str, Any]) -> None:
    """Of a table that an earlier release made, one after the other as DynamoDB wants it."""
    table = dynamodb.describe_table(TableName=table_name)["Table"]
    if table["KeySchema"] != wanted["KeySchema"]:
        raise CommandError(f"The table {table_name} has another key than this release's. Use the release that made it.")
    there = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}
    for index in wanted["GlobalSecondaryIndexes"]:
        if index["IndexName"] not in there:
            dynamodb.update_table(
                TableName=table_name,
                AttributeDefinitions=wanted["AttributeDefinitions"],
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            )


def _queue_url(sqs: Any, name: str, attributes: dict[str, str]) -> str:
    """Of the queue there is: the emulator tells queues apart by their addresses, which hold the port of their time."""
    try:
        url: str = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    else:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return url


def _attributes(sqs: Any, properties: dict[str, Any], urls: dict[str, str]) -> dict[str, str]:
    attributes = {name: str(properties[name]) for name in _QUEUE_ATTRIBUTES if name in properties}
    redrive = properties.get("RedrivePolicy")
    if redrive is not None:
        target = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
        answer = sqs.get_queue_attributes(QueueUrl=urls[target], AttributeNames=["QueueArn"])
        attributes["RedrivePolicy"] = json.dumps({**redrive, "deadLetterTargetArn": answer["Attributes"]["QueueArn"]})
    return attributes
