"""``?page=&per_page=&sort=&cursor=`` and the ``data, links, meta`` of a list, as Laravel's paginator has them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, WithJsonSchema

from b2b.domain.errors import InvalidInput
from b2b.http.api.cursors import Mark, decoded, encoded, name_of_list
from b2b.services.pages import Page, PageRequest, SizeLimit

DEFAULT_PER_PAGE = 15
MAX_PER_PAGE = 100
# Beyond any list.
_MAX_PAGE = 10**9
# Lambda lets 6 MB of an answer through (AWS, "Lambda quotas"); what is left is for links, meta and headers.
MAX_ROWS_BYTES = 5_000_000

Record = TypeVar("Record")
Resource = TypeVar("Resource")


class Links(BaseModel):
    first: str
    last: str
    prev: str | None
    next: str | None


class Meta(BaseModel):
    """``from`` and ``to`` count the rows of the list from 1; null on an empty page."""

    current_page: int
    from_: Annotated[int | None, Query(alias="from")]
    last_page: int
    path: str
    per_page: int
    to: int | None
    total: int
    next_cursor: str | None


class ListBody(BaseModel, Generic[Resource]):
    """A page of a list. Follow ``links.next`` to the end to see every record once."""

    data: list[Resource]
    links: Links
    meta: Meta


class DataBody(BaseModel, Generic[Resource]):
    data: Resource


# Any text is taken, and brought into range.
_NUMBER = WithJsonSchema({"type": "integer"})
_TEXT = WithJsonSchema({"type": "string"})
_SORT = WithJsonSchema({"type": "string", "enum": ["id", "-id"]})
_NOT_FILTERS = {"page", "per_page", "sort", "cursor"}


class ReadPage(Protocol[Record]):
    def __call__(self, request: PageRequest, size_limit: SizeLimit[Record]) -> Page[Record]: ...


@dataclass(frozen=True, slots=True)
class ListCall:
    """A call for a page of the list ``name``."""

    request: Request
    page: PageRequest
    name: str

    def answer(self, read: ReadPage[Record], present: Callable[[Record], dict[str, Any]]) -> Response:
        """Of as many rows as were asked for, or as one answer can hold."""
        rows = _Rows(present)
        page = read(self.page, rows)
        content = b'{"data":[%b],"links":%b,"meta":%b}' % (rows.joined(), *map(_json, self._frame(page)))
        return Response(content, media_type="application/json")

    def _frame(self, page: Page[Record]) -> tuple[dict[str, Any], dict[str, Any]]:
        """``links`` and ``meta``."""
        wanted = self.page
        path = str(self.request.url.replace(query="", fragment=""))
        last_page = max(1, -(-page.total // wanted.per_page))
        count = len(page.records)
        cursor = page.next_cursor and encoded(Mark(page.next_cursor, wanted.per_page, wanted.newest_first, self.name))
        links = {
            "first": self._link(path, 1),
            "last": self._link(path, last_page),
            "prev": self._link(path, wanted.page - 1) if wanted.page > 1 else None,
            "next": self._link(path, wanted.page + 1, cursor=cursor) if cursor else None,
        }
        meta = {
            "current_page": wanted.page,
            "from": page.position + 1 if count else None,
            "last_page": last_page,
            "path": path,
            "per_page": wanted.per_page,
            "to": page.position + count if count else None,
            "total": page.total,
            "next_cursor": cursor,
        }
        return links, meta

    def _link(self, path: str, number: int, **more: str) -> str:
        """With whatever else the query of this call has."""
        others = [pair for pair in self.request.query_params.multi_items() if pair[0] not in _NOT_FILTERS]
        sort = {"sort": "-id"} if self.page.newest_first else {}
        own = {"page": number, "per_page": self.page.per_page}
        return f"{path}?{urlencode([*own.items(), *sort.items(), *others, *more.items()])}"


class ListQuery:
    """Dependency: which page of its list a call asks for. ``filters``: the parameters that make it another list.

    A cursor is refused where path, filters or order are not those it was made for: its walk would miss rows.
    """

    def __init__(self, *filters: str) -> None:
        self._filters = filters

    async def __call__(
        self,
        request: Request,
        page: Annotated[str | None, Query(), _NUMBER] = None,
        per_page: Annotated[str | None, Query(), _NUMBER] = None,
        sort: Annotated[str | None, Query(), _SORT] = None,
        cursor: Annotated[str | None, Query(), _TEXT] = None,
    ) -> ListCall:
        name = name_of_list(request.url.path, {name: request.query_params.get(name) for name in self._filters})
        newest_first = _newest_first(sort)
        number = _clamped(page, default=1, most=_MAX_PAGE)
        mark = _mark(cursor, name, newest_first) if cursor else None
        if mark is None:
            size = _clamped(per_page, default=DEFAULT_PER_PAGE, most=MAX_PER_PAGE)
            return ListCall(request, PageRequest(number, size, newest_first=bool(newest_first)), name)
        size = _clamped(per_page, default=mark.per_page or DEFAULT_PER_PAGE, most=MAX_PER_PAGE)
        # Whoever changes the page number of a link wants that page.
        goes_on = number in (1, mark.cursor.page)
        wanted = PageRequest(number, size, newest_first=mark.newest_first)
        if goes_on:
            wanted = replace(wanted, page=mark.cursor.page, cursor=mark.cursor)
        return ListCall(request, wanted, name)


WantedPage = Annotated[ListCall, Depends(ListQuery())]


class _Rows(Generic[Record]):
    """The rows of an answer as JSON, as many as Lambda lets through: it takes an answer as a text within JSON."""

    def __init__(self, present: Callable[[Record], dict[str, Any]]) -> None:
        self._present = present
        self._rows: list[bytes] = []
        self._size = 0

    def take(self, record: Record) -> bool:
        row = _json(self._present(record))
        size = len(row) + 1 + row.count(b'"') + row.count(b"\\")
        if self._rows and self._size + size > MAX_ROWS_BYTES:
            return False
        self._rows.append(row)
        self._size += size
        return True

    def estimate(self) -> int:
        if not self._rows:
            return MAX_PER_PAGE
        return (MAX_ROWS_BYTES - self._size) * len(self._rows) // self._size

    def joined(self) -> bytes:
        return b",".join(self._rows)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _newest_first(sort: str | None) -> bool | None:
    """None where nothing is said. Raises InvalidInput."""
    if not sort:
        return None
    if sort not in ("id", "-id"):
        raise InvalidInput.field("sort", 'The sort field must be "id" or "-id".')
    return sort == "-id"


def _mark(cursor: str, list_name: str, newest_first: bool | None) -> Mark:
    """Raises InvalidInput unless the cursor is one of this list in this order."""
    mark = decoded(cursor)
    if mark is None or not mark.belongs_to(list_name):
        raise InvalidInput.field("cursor", "The cursor field is not one that this list gave.")
    if newest_first not in (None, mark.newest_first):
        raise InvalidInput.field("cursor", "The cursor field belongs to this list in the other order.")
    return mark


def _clamped(text: str | None, *, default: int, most: int) -> int:
    """Text that is no number counts as not given."""
    try:
        number = int(text) if text is not None else default
    except ValueError:
        return default
    return min(most, max(1, number))
