"""How the last reading of the catalogue through GraphQL ended, for a person to see."""

from datetime import datetime

from b2b.domain import timestamps
from b2b.storage import keys
from b2b.storage.actions import put
from b2b.storage.table import Table


class GraphQLItem:
    def __init__(self, table: Table) -> None:
        self._table = table

    def trouble(self) -> str | None:
        """Why it failed; None: it did not, or there was none."""
        item = self._table.get(keys.GRAPHQL)
        return item.get("trouble") if item else None

    def note(self, trouble: str | None, now: datetime) -> None:
        self._table.write(put(keys.GRAPHQL, {"trouble": trouble, "noted_at": timestamps.to_text(now)}))
