"""Moments: aware datetimes in UTC inside, ISO 8601 with microseconds and ``Z`` outside and in the table.

The text form has a fixed width, so it sorts as the moments do.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """``2026-06-30T23:59:59.000000Z``"""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    return datetime.fromisoformat(text)


def optional_text(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)


def optional_moment(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)
