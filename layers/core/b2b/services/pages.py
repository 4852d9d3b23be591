"""Pages of lists: how a caller asks for one, and what it gets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from b2b.domain.kinds import Kind

if TYPE_CHECKING:
    from b2b.storage.listing import ListPage
    from b2b.storage.store import Store

Record = TypeVar("Record")
Record_contra = TypeVar("Record_contra", contravariant=True)

# Loaded before it is known how large they are. The pages that people ask for are no longer than this.
_FIRST_BATCH = 25


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a walk: behind the record ``last_id``, before row ``position`` + 1 of page ``page``."""

    last_id: int
    page: int
    position: int


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``page`` counts from 1. With a ``cursor`` the page is the one behind it, wherever that is by now.

    Rows come by id ascending; ``newest_first``: descending.
    """

    page: int
    per_page: int
    cursor: Cursor | None = None
    newest_first: bool = False

    @property
    def offset(self) -> int:
        return self.cursor.position if self.cursor is not None else (self.page - 1) * self.per_page


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """``position``: rows before the first of this page. ``next_cursor`` None: the last page."""

    request: PageRequest
    records: Sequence[Record]
    position: int
    total: int
    next_cursor: Cursor | None


class SizeLimit(Protocol[Record_contra]):
    """What fits into an answer. A page ends where its answer is full, however many rows were asked for."""

    def take(self, record: Record_contra) -> bool:
        """Whether the record fits behind those taken. The first always does, so that a walk goes on."""
        ...

    def estimate(self) -> int:
        """How many more records fit if they are like those taken so far."""
        ...


class Unlimited:
    """Everything fits."""

    def take(self, record: object) -> bool:
        del record
        return True

    def estimate(self) -> int:
        return 2**31


UNLIMITED = Unlimited()


def read_page(
    store: "Store",
    kind: Kind,
    request: PageRequest,
    load: "Callable[[ListPage], Mapping[int, Record]]",
    size_limit: SizeLimit[Record] = UNLIMITED,
) -> Page[Record]:
    """One page of the list ``kind``; ``load`` finds the records of rows by id (those deleted meanwhile are absent)."""
    total = store.counters.total(kind)
    found = _rows(store, kind, request, total)
    records: list[Record] = []
    passed = 0
    for record in _loaded(found, load, size_limit):
        if record is not None:
            if not size_limit.take(record):
                break
            records.append(record)
        passed += 1
    next_cursor = None
    if found.has_more or passed < len(found.rows):
        next_cursor = Cursor(found.ids[passed - 1], request.page + 1, request.offset + passed)
    return Page(request, records, request.offset, total, next_cursor)


def page_of(
    records: Sequence[Record],
    request: PageRequest,
    id_of: Callable[[Record], int],
    size_limit: SizeLimit[Record] = UNLIMITED,
) -> Page[Record]:
    """As ``read_page``, of a list that is at hand whole, in any order."""
    ordered = sorted(records, key=id_of, reverse=request.newest_first)
    start = request.offset
    if request.cursor is not None:
        start = sum(_is_passed(id_of(record), request.cursor, request) for record in ordered)
    shown = [*takewhile(size_limit.take, ordered[start : start + request.per_page])]
    next_cursor = None
    if shown and start + len(shown) < len(ordered):
        next_cursor = Cursor(id_of(shown[-1]), request.page + 1, request.offset + len(shown))
    return Page(request, shown, request.offset, len(ordered), next_cursor)


def _is_passed(id_: int, cursor: Cursor, request: PageRequest) -> bool:
    return id_ >= cursor.last_id if request.newest_first else id_ <= cursor.last_id


def _rows(store: "Store", kind: Kind, request: PageRequest, total: int) -> "ListPage":
    listing = store.listing
    if request.cursor is not None:
        return listing.behind(kind, request.cursor.last_id, request.per_page, descending=request.newest_first)
    if request.offset >= max(total, 1):
        return listing.nothing()
    return listing.at_offset(kind, request.offset, request.per_page, descending=request.newest_first)


def _loaded(
    found: "ListPage", load: "Callable[[ListPage], Mapping[int, Record]]", size_limit: SizeLimit[Record]
) -> Iterator[Record | None]:
    """Each row's record. Batches follow the size_limit, so that little is loaded that does not fit."""
    start, size = 0, _FIRST_BATCH
    while start < len(found.rows):
        batch = found.part(start, start + size)
        records = load(batch)
        yield from map(records.get, batch.ids)
        start, size = start + size, max(1, size_limit.estimate())
