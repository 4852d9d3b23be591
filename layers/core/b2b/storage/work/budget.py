"""The item through which all workers share the calls allowed to Thinkific."""

from boto3.dynamodb.conditions import Attr

from b2b.domain.errors import ConditionFailed
from b2b.domain.work.budget import BudgetState
from b2b.storage import keys
from b2b.storage.actions import put
from b2b.storage.items import Item
from b2b.storage.table import Table


class BudgetItem:
    """Keeps a BudgetState by compare-and-set."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self) -> BudgetState:
        item = self._table.get(keys.BUDGET)
        return _from_item(item) if item else BudgetState()

    def replace(self, state: BudgetState) -> BudgetState | None:
        """Write ``state`` if its version is one above the stored one's. None = done, else what is stored."""
        item = {
            "version": state.version,
            "arrival": state.arrival,
            "paused_until": state.paused_until,
            "pause_reason": state.pause_reason,
        }
        first = state.version == 1
        unchanged = Attr("version").not_exists() if first else Attr("version").eq(state.version - 1)
        try:
            self._table.write(put(keys.BUDGET, item, when=unchanged))
        except ConditionFailed:
            return self.read()
        return None


def _from_item(item: Item) -> BudgetState:
    return BudgetState(
        version=item["version"],
        arrival=float(item["arrival"]),
        paused_until=float(item.get("paused_until", 0)),
        pause_reason=item.get("pause_reason"),
    )
