"""Ids that are never used twice, and the totals of the lists."""

from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.actions import Action, Update
from b2b.storage.items import Item
from b2b.storage.table import Table


class Counters:
    def __init__(self, table: Table) -> None:
        self._table = table

    def next_id(self, kind: Kind) -> int:
        """Ascending in order of the calls. A repeat after a lost answer leaves a gap, which is allowed."""
        action = Update(keys.last_id(kind)).add(last=1).always()
        return int(self._table.write(action, returning="UPDATED_NEW")["last"])

    def count(self, kind: Kind, record_id: int, change: int) -> Action:
        """Part of the transaction that adds (+1) or removes (-1) a record.

        The total is spread over several items, so that no single one is in every transaction.
        """
        shard = record_id % keys.TOTAL_SHARDS
        return Update(keys.total(kind, shard)).add(records=change, writes=1).always()

    def total(self, kind: Kind) -> int:
        return sum(item["records"] for item in self._shards(kind))

    def total_and_writes(self, kind: Kind) -> tuple[int, int]:
        """With the total how often it was written to, which never comes back to what it was."""
        items = self._shards(kind)
        return sum(item["records"] for item in items), sum(item.get("writes", 0) for item in items)

    def correct_total(self, kind: Kind, change: int) -> None:
        """Brings the total of a list into line with its rows."""
        self._table.write(Update(keys.total(kind, 0)).add(records=change).always())

    def _shards(self, kind: Kind) -> list[Item]:
        shards = [keys.total(kind, shard) for shard in range(keys.TOTAL_SHARDS)]
        return list(self._table.get_many(shards).values())
