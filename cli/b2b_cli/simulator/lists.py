"""Lists: filters, pages and their envelope, the same for every kind of row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row
from b2b_cli.simulator.wire import Answer, Call

DEFAULT_LIMIT = 25
LARGEST_LIMIT = 250


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a list come from. `joins` add columns, never rows: they are left out of the count."""

    columns: str
    table: str
    joins: str = ""
    values: tuple[Any, ...] = ()
    key: str = "id"
    created: str | None = None
    """The column by which a stale list misses its newest rows."""


@dataclass(slots=True)
class Filter:
    """Conditions that must all hold."""

    clauses: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, clause: str, *values: Any) -> None:
        self.clauses.append(clause)
        self.values.extend(values)

    def __str__(self) -> str:
        return f"where {' and '.join(self.clauses)}" if self.clauses else ""


def list_answer(
    site: Site, call: Call, source: Source, shape: Callable[[Row], Any], condition: Filter | None = None
) -> Answer:
    """One page of rows in the list envelope, in the order of the switch `list_order`."""
    where = condition or Filter()
    if call.lists_until is not None and source.created is not None:
        where.add(f"{source.created} <= ?", call.lists_until)
    limit = min(_positive(call.query.get("limit"), DEFAULT_LIMIT), LARGEST_LIMIT)
    page = _positive(call.query.get("page"), 1)
    direction = "desc" if site.switches.list_order == "descending" else "asc"
    values: Sequence[Any] = (*source.values, *where.values)
    # The parts are constants of this package; what a caller sent is only ever bound.
    total = site.store.scalar(f"select count(*) from {source.table} {where}", *values)  # noqa: S608 - made of constants only
    rows = site.store.rows(
        f"select {source.columns} from {source.table} {source.joins} {where}"  # noqa: S608 - made of constants only
        f" order by {source.key} {direction} limit ? offset ?",
        *values,
        limit,
        min((page - 1) * limit, total),
    )
    return Answer(200, {"items": [shape(row) for row in rows], "meta": {"pagination": _pagination(page, limit, total)}})


def _pagination(page: int, limit: int, total: int) -> dict[str, Any]:
    pages = -(-total // limit)
    first, last = (page - 1) * limit + 1, min(page * limit, total)
    return {
        "current_page": page,
        "next_page": page + 1 if page < pages else None,
        "prev_page": page - 1 if 1 < page <= pages else None,
        "total_pages": pages,
        "total_items": total,
        "entries_info": f"{first}-{last} of {total}" if page <= pages else f"0-0 of {total}",
    }


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and 0 < int(text) < 2**31 else default
