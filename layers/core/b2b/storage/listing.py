"""Pages of a list: by number, which is an offset, or behind a row, which stays put while rows come and go."""

from dataclasses import dataclass

from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.items import Item
from b2b.storage.table import Table


@dataclass(frozen=True, slots=True)
class ListPage:
    """``rows`` carry the keys (a product: itself); ``has_more``: whether there are rows behind the last."""

    rows: list[Item]
    has_more: bool

    @property
    def ids(self) -> list[int]:
        return [int(row[keys.LIST_SORT]) for row in self.rows]

    def part(self, start: int, stop: int) -> "ListPage":
        return ListPage(self.rows[start:stop], self.has_more or stop < len(self.rows))


class Listing:
    """``descending``: by id from the last row to the first, in which order "behind" and "offset" are then meant."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def behind(self, kind: Kind, last_id: int, limit: int, *, descending: bool = False) -> ListPage:
        """The page behind the record ``last_id``, whether or not that still exists."""
        return self._page(kind, keys.padded(last_id), limit, descending)

    def at_offset(self, kind: Kind, offset: int, limit: int, *, descending: bool = False) -> ListPage:
        """Costs the reading of the keys before it: check against the total first."""
        if offset == 0:
            return self._page(kind, None, limit, descending)
        start = self._table.skip_in_list(kind, offset, descending=descending)
        return self.nothing() if start is None else self._page(kind, start, limit, descending)

    def nothing(self) -> ListPage:
        """The page beyond the end, which needs no reading."""
        return ListPage([], has_more=False)

    def count(self, kind: Kind) -> int:
        """How many rows there are, counted one by one: several thousand a round trip."""
        return self._table.count_list(kind)

    def _page(self, kind: Kind, after: str | None, limit: int, descending: bool) -> ListPage:
        # One row more than asked tells whether there is a next page.
        rows = self._table.list_page(kind, limit=limit + 1, after=after, descending=descending)
        return ListPage(rows[:limit], has_more=len(rows) > limit)
