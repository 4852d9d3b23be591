"""Shapes on the wire: calls and answers, dates, flags and errors, as the Admin API reads and writes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import parse_qsl

_DAY_MS = 86_400_000
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API. `path` is below the base path and has neither doubled nor trailing slashes."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    readable: bool = True
    """False where a body was sent that is no JSON object; `body` is then empty."""
    lists_until: int | None = None
    """Lists miss what was created after this time (a fault); None: they miss nothing."""

    def filter(self, name: str) -> str | None:
        """The value of `query[name]`, or None where it is absent or blank. Un-nested parameters have no effect."""
        return self.query.get(f"query[{name}]") or None


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. A `text` is sent as it is, else the body as JSON, and None as no bytes at all."""

    status: int
    body: Any = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> tuple[bytes, str]:
        """The bytes and their content type."""
        if self.text is not None:
            return self.text.encode(), "text/html; charset=UTF-8"
        encoded = b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()
        return encoded, "application/json; charset=utf-8"


class Refused(Exception):
    """An operation ends with this error answer; whatever it wrote until then stays."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.body)
        self.answer = answer


def refuse(status: int, errors: Any) -> NoReturn:
    """Ends the call with `{"errors": ...}`, a dict by field or a list of sentences."""
    raise Refused(Answer(status, {"errors": errors}))


def refuse_missing(error: Any = "Record not found.") -> NoReturn:
    """Ends the call with 404; `error` is text on most resources, a list or an object on groups and analysts."""
    raise Refused(Answer(404, {"error": error}))


def parse_query(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True))


def parse_body(raw: bytes, content_type: str) -> Mapping[str, Any] | None:
    """A JSON object or a form; None for anything else. One public client posts forms, and it works."""
    if not raw.strip():
        return {}
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _form(raw.decode("utf-8", "replace"))
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def path_id(text: str) -> int | None:
    """An id in a path or a filter; None for what cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and int(text) <= _LARGEST_ID else None


def body_id(value: Any) -> int | None:
    """An id in a body, where it may be a number or a text of digits."""
    return None if isinstance(value, bool) else path_id(str(value))


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def is_longer(value: Any, limit: int | str) -> bool:
    """Whether a text has more characters than ``limit``, which may be "off"."""
    return isinstance(limit, int) and value is not None and len(str(value)) > limit


def too_long(limit: int | str) -> str:
    return f"is too long (maximum is {limit} characters)"


def is_true(value: str) -> bool:
    return value.lower() in ("true", "1")


def write_time(time_ms: int | None) -> str | None:
    """`2024-02-22T20:32:52.726Z`, or None."""
    if time_ms is None:
        return None
    instant = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03}Z"


def read_time(value: Any) -> int:
    """A moment set by a caller; fractions of a second are dropped. Raises ValueError."""
    return _milliseconds(_instant(value)) // 1000 * 1000


def read_span(value: str) -> tuple[int, int]:
    """The first moment of a filter's date and the first after it: a day, or the millisecond of a time stamp.

    Raises ValueError.
    """
    start = _milliseconds(_instant(value))
    return (start, start + _DAY_MS) if len(value.strip()) == len("2021-04-27") else (start, start + 1)


def day_of(time_ms: int) -> int:
    """00:00 UTC of the day of a moment."""
    return time_ms // _DAY_MS * _DAY_MS


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no date")  # noqa: TRY004 - one error for everything that is no date
    instant = datetime.fromisoformat(value.strip())
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _milliseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _form(text: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name.endswith("[]"):
            body.setdefault(name.removesuffix("[]"), []).append(value)
        else:
            body[name] = value
    return body
