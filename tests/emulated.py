"""A table and queues in the emulator, as the template describes them, for tests that race or break things."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config

from b2b.gateways.queues import Queues
from b2b.storage.store import Store
from b2b.storage.table import Table
from b2b_cli.local.emulator import Emulator
from b2b_cli.local.resources import Resources, make_resources
from b2b_cli.local.template import Template


@dataclass(frozen=True, slots=True)
class Emulated:
    """One school's table and queues, apart from every other test's."""

    resources: Resources
    dynamodb: Any
    sqs: Any

    @property
    def table(self) -> Table:
        return Table(self.dynamodb, self.resources.table_name)

    @property
    def store(self) -> Store:
        return Store(self.table)

    @property
    def queues(self) -> Queues:
        urls = self.resources.queue_urls
        return Queues(
            self.sqs,
            sync_url=urls["SyncQueue"],
            sync_bulk_url=urls["SyncBulkQueue"],
            operations_url=urls["OperationsQueue"],
        )


@contextmanager
def running_emulator(directory: Path, *, every_service: bool = False) -> Iterator[Emulator]:
    emulator = Emulator(log=directory / "emulator.log", state=None, every_service=every_service)
    try:
        yield emulator
    finally:
        emulator.stop()


def new_school(emulator: Emulator) -> Emulated:
    resources = make_resources(emulator, Template(), table_name=f"t{uuid.uuid4().hex[:12]}")
    config = Config(max_pool_connections=64)
    return Emulated(resources, emulator.client("dynamodb", config), emulator.client("sqs", config))
