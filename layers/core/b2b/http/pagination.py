"""``?page=&per_page=`` and the ``data, links, meta`` of a list, as Laravel's paginator has them."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import BaseModel, WithJsonSchema

from b2b.services.pages import Cursor, Page, PageRequest

DEFAULT_PER_PAGE = 15
MAX_PER_PAGE = 100
# Beyond any list; keeps the arithmetic of an absurd page number within what the table's client takes.
_MAX_PAGE = 10**9

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
_NUMBER = WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
_CURSOR = WithJsonSchema({"type": "string"})


async def _page_request(
    page: Annotated[str | None, Query(), _NUMBER] = None,
    per_page: Annotated[str | None, Query(), _NUMBER] = None,
    cursor: Annotated[str | None, Query(), _CURSOR] = None,
) -> PageRequest:
    number = _clamped(page, default=1, most=_MAX_PAGE)
    found = _decoded(cursor) if cursor else None
    # Whoever changes the page number of a link wants that page.
    if found is not None and found.page != number:
        found = None
    return PageRequest(number, _clamped(per_page, default=DEFAULT_PER_PAGE, most=MAX_PER_PAGE), found)


WantedPage = Annotated[PageRequest, Depends(_page_request)]


def page_body(request: Request, page: Page[Record], present: Callable[[Record], dict[str, Any]]) -> dict[str, Any]:
    """The body of a list call."""
    path = str(request.url.replace(query="", fragment=""))
    wanted = page.request
    last_page = max(1, -(-page.total // wanted.per_page))
    count = len(page.records)
    cursor = _encoded(page.next_cursor) if page.next_cursor else None

    def link(number: int, **more: str) -> str:
        return f"{path}?{urlencode({'page': number, 'per_page': wanted.per_page, **more})}"

    return {
        "data": [present(record) for record in page.records],
        "links": {
            "first": link(1),
            "last": link(last_page),
            "prev": link(wanted.page - 1) if wanted.page > 1 else None,
            "next": link(wanted.page + 1, cursor=cursor) if cursor else None,
        },
        "meta": {
            "current_page": wanted.page,
            "from": page.position + 1 if count else None,
            "last_page": last_page,
            "path": path,
            "per_page": wanted.per_page,
            "to": page.position + count if count else None,
            "total": page.total,
            "next_cursor": cursor,
        },
    }


def _clamped(text: str | None, *, default: int, most: int) -> int:
    try:
        number = int(text) if text is not None else default
    except ValueError:
        return default
    return min(most, max(1, number))


def _encoded(cursor: Cursor) -> str:
    content = json.dumps([cursor.last_id, cursor.page, cursor.position], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _decoded(text: str) -> Cursor | None:
    """None for what is no cursor of ours: the page number then decides."""
    try:
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        last_id, page, position = content
    except (ValueError, TypeError, RecursionError, binascii.Error):
        return None
    parts = (last_id, page, position)
    if any(not isinstance(part, int) or isinstance(part, bool) or not 0 <= part < 2**63 for part in parts):
        return None
    return Cursor(last_id, page, position)
