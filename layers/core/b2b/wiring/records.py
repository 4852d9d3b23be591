"""The table, and what is read from and written to it."""

from collections.abc import Mapping

from b2b.config import load_table_config
from b2b.storage.store import Store
from b2b.storage.table import Table
from b2b.wiring.aws import client


class Records:
    def __init__(self, table: Table) -> None:
        self.table = table
        self.store = Store(table)


def records(environment: Mapping[str, str]) -> Records:
    """With the table's client made: Lambda lends a start more of a processor than a call. Raises ConfigError."""
    config = load_table_config(environment)
    return Records(Table(client("dynamodb"), config.table_name))
