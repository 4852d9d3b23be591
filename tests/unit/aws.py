"""DynamoDB and SQS in this process (tests.in_memory); with ``--emulated`` the emulator's DynamoDB in its place."""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import boto3
import pytest
from tests.emulated import running_emulator
from tests.in_memory.dynamodb import DynamoDB, Watcher
from tests.in_memory.sqs import Sqs

from b2b.storage.table import Table
from b2b_cli.local.resources import Resources
from b2b_cli.local.template import Template

REGION = "us-east-1"

_numbers = itertools.count(1)


class Aws:
    """An account with tables and queues. ``client``: DynamoDB's."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.sqs = Sqs()
        self._template = Template()

    def new_table(self) -> str:
        """Its name."""
        name = f"table-{next(_numbers)}"
        self.client.create_table(TableName=name, **self._template.table())
        return name

    def delete_table(self, name: str) -> None:
        self.client.delete_table(TableName=name)

    def new_resources(self) -> Resources:
        """The template's table and queues."""
        name = self.new_table()
        urls = {queue: f"https://sqs.{REGION}.amazonaws.com/1/{name}-{queue}" for queue in self._template.queues()}
        return Resources(name, urls)

    def received(self, url: str) -> list[dict[str, Any]]:
        """The messages that may be received now, and no longer are."""
        found = [sent for sent in self.sqs.sent if (sent.queue, sent.delay) == (url, 0)]
        self.sqs.sent = [sent for sent in self.sqs.sent if sent not in found]
        return [sent.body for sent in found]

    def watched(self, watcher: Watcher) -> AbstractContextManager[None]:
        """``watcher`` is told of each call of DynamoDB before it is carried out. What it raises, the caller gets."""
        return self.client.watched(watcher) if isinstance(self.client, DynamoDB) else _watched(self.client, watcher)

    def session(self) -> "Session":
        """In the place of boto3.Session."""
        return Session(self)


class Session:
    """Makes clients as boto3's does: of this account where it has the service, else boto3's own."""

    def __init__(self, aws: Aws) -> None:
        self._clients = {"dynamodb": aws.client, "sqs": aws.sqs}
        self._boto = boto3.session.Session(region_name=REGION)

    def client(self, name: str, **options: Any) -> Any:
        return self._clients.get(name) or self._boto.client(name, **options)  # type: ignore[call-overload] # any of them


@contextmanager
def _watched(client: Any, watcher: Watcher) -> Iterator[None]:
    def tell(params: dict[str, Any], model: Any, **_: Any) -> None:
        watcher(model.name, params)

    client.meta.events.register("provide-client-params.dynamodb", tell)
    try:
        yield
    finally:
        client.meta.events.unregister("provide-client-params.dynamodb", tell)


@pytest.fixture(scope="session")
def aws(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    if not pytestconfig.getoption("--emulated"):
        yield Aws(DynamoDB())
        return
    with running_emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield Aws(emulator.client("dynamodb"))


@pytest.fixture
def table(aws: Aws) -> Iterator[Table]:
    """An empty table, one a test."""
    name = aws.new_table()
    yield Table(aws.client, name)
    aws.delete_table(name)
