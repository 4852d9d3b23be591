"""The text of a cursor: where a walk through a list goes on, and the list that it belongs to."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter

from b2b.services.pages import Cursor

_DIGITS_OF_A_NAME = 16

_Number = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
_CONTENT: TypeAdapter[tuple[int, int, int, int, bool, str]] = TypeAdapter(
    tuple[_Number, _Number, _Number, _Number, bool, str]
)
# How a cursor looked before it knew its list: an update of the API must not end the walks that are under way.
_BARE_CONTENT: TypeAdapter[tuple[int, int, int]] = TypeAdapter(tuple[_Number, _Number, _Number])


@dataclass(frozen=True, slots=True)
class Mark:
    """A cursor with what its walk asked for, so that it alone is enough to go on.

    ``per_page`` and ``list_name`` None: an earlier release made it, which did not note them.
    """

    cursor: Cursor
    per_page: int | None = None
    newest_first: bool = False
    list_name: str | None = None

    def belongs_to(self, list_name: str) -> bool:
        return self.list_name in (None, list_name)


def name_of_list(path: str, filters: Mapping[str, str | None]) -> str:
    """Differs where path or filters do. It is a digest, since a filter may hold personal data."""
    given = {name: value for name, value in filters.items() if value}
    whole = json.dumps([path, given], sort_keys=True).encode()
    return hashlib.sha256(whole).hexdigest()[:_DIGITS_OF_A_NAME]


def encoded(mark: Mark) -> str:
    cursor = mark.cursor
    parts = [cursor.last_id, cursor.page, cursor.position, mark.per_page, mark.newest_first, mark.list_name]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decoded(text: str) -> Mark | None:
    """None for what is no cursor of ours."""
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return _current(content) or _bare(content)


def _current(content: bytes) -> Mark | None:
    try:
        last_id, page, position, per_page, newest_first, list_name = _CONTENT.validate_json(content)
    except ValueError:
        return None
    return Mark(Cursor(last_id, page, position), per_page, newest_first, list_name)


def _bare(content: bytes) -> Mark | None:
    try:
        return Mark(Cursor(*_BARE_CONTENT.validate_json(content)))
    except ValueError:
        return None
