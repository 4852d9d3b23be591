"""DynamoDB and SQS in this process (moto), for tests of one thread: what races belongs to the emulator."""

import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from b2b.storage.table import Table
from b2b_cli.local.resources import Resources, make_resources
from b2b_cli.local.template import Template

if TYPE_CHECKING:
    from b2b_cli.local.emulator import Emulator

REGION = "us-east-1"

_numbers = itertools.count(1)


class Aws:
    """The emulator's part that makes tables and queues."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self.template = Template()

    def client(self, service: str, config: Config | None = None) -> Any:
        if service not in self._clients:
            make: Any = boto3.client
            quick = Config(parameter_validation=False).merge(config or Config())
            self._clients[service] = make(service, region_name=REGION, config=quick)
        return self._clients[service]

    def new_table_name(self) -> str:
        return f"table-{next(_numbers)}"

    def make(self, table_name: str) -> Resources:
        """The template's table and queues."""
        return make_resources(cast("Emulator", self), self.template, table_name)

    def remove(self, made: Resources) -> None:
        self.client("dynamodb").delete_table(TableName=made.table_name)
        for url in made.queue_urls.values():
            self.client("sqs").delete_queue(QueueUrl=url)

    def received(self, url: str) -> list[dict[str, Any]]:
        """The messages that may be received now, and no longer are."""
        answer = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    with mock_aws():
        yield Aws()


@pytest.fixture
def table(aws: Aws) -> Iterator[Table]:
    """An empty table, one a test."""
    name = aws.new_table_name()
    aws.client("dynamodb").create_table(TableName=name, **aws.template.table())
    yield Table(aws.client("dynamodb"), name)
    aws.client("dynamodb").delete_table(TableName=name)
