"""Pages of lists: how a caller asks for one, and what it gets."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from b2b.domain.kinds import Kind

if TYPE_CHECKING:
    from b2b.storage.listing import ListPage
    from b2b.storage.store import Store

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a walk: behind the record ``last_id``, before row ``position`` + 1 of page ``page``."""

    last_id: int
    page: int
    position: int


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``page`` counts from 1. With a ``cursor`` the page is the one behind it, wherever that is by now."""

    page: int
    per_page: int
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """``position``: rows before the first of this page. ``next_cursor`` None: the last page."""

    request: PageRequest
    records: Sequence[Record]
    position: int
    total: int
    next_cursor: Cursor | None


def read_page(
    store: "Store",
    kind: Kind,
    request: PageRequest,
    load: "Callable[[ListPage], Sequence[Record]]",
) -> Page[Record]:
    """One page of the list ``kind``; ``load`` turns its rows into records (those deleted meanwhile drop out)."""
    total = store.counters.total(kind)
    if request.cursor is not None:
        position = request.cursor.position
        found = store.listing.behind(kind, request.cursor.last_id, request.per_page)
    else:
        position = (request.page - 1) * request.per_page
        found = store.listing.at_offset(kind, position, request.per_page)
    next_cursor = None
    if found.has_more:
        next_cursor = Cursor(found.ids[-1], request.page + 1, position + len(found.rows))
    return Page(request, load(found), position, total, next_cursor)


def page_of(records: Sequence[Record], request: PageRequest, id_of: Callable[[Record], int]) -> Page[Record]:
    """As ``read_page``, of a list that is at hand whole, by id ascending."""
    if request.cursor is not None:
        position = request.cursor.position
        start = bisect_right(records, request.cursor.last_id, key=id_of)
    else:
        position = start = (request.page - 1) * request.per_page
    shown = records[start : start + request.per_page]
    next_cursor = None
    if start + request.per_page < len(records):
        next_cursor = Cursor(id_of(shown[-1]), request.page + 1, position + len(shown))
    return Page(request, shown, position, len(records), next_cursor)
