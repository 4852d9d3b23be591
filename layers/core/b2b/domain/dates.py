"""Dates as people write them: ISO 8601 and the English forms of the published examples (``Jun 30 2023``)."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

# The day in words or numbers, in the order in which people write it. An ambiguous 06/07/2023 is not taken.
_DAYS = ("%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y", "%Y/%m/%d")
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p")
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\s+", re.IGNORECASE)
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_SEPTEMBER = re.compile(r"\bsept\b", re.IGNORECASE)
_FILLING = re.compile(r"(?<=[a-z])\.|\bof\b", re.IGNORECASE)  # Jun. 30; 30th of June
_UTC = re.compile(r"\s+(?:GMT|UTC|Z)$", re.IGNORECASE)
_ISO_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}(?:-?\d)?")


def parse_end(text: str, timezone: str) -> datetime:
    """The moment that ``text`` means as an end, in UTC.

    A bare date is the end of that day in ``timezone``; a time without an offset is in ``timezone``. Raises ValueError
    for what is no date.
    """
    zone = ZoneInfo(timezone)
    words = " ".join(text.replace(",", " ").split())
    moment = _iso(words) or _english(words)
    if moment is None:
        raise ValueError(f"{text!r} is no date")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return _end_of_day(moment) if _ISO_DATE.fullmatch(text.upper()) else moment


def _english(text: str) -> datetime | None:
    plain = _FILLING.sub("", text)
    plain = _SEPTEMBER.sub("Sep", _ORDINAL.sub("", _WEEKDAY.sub("", plain)))
    if _UTC.search(plain):
        moment = _english(_UTC.sub("", plain))
        return moment.replace(tzinfo=UTC) if moment is not None else None
    plain = " ".join(plain.split())
    for day in _DAYS:
        try:
            return _end_of_day(datetime.strptime(plain, day))  # noqa: DTZ007 - the zone is the caller's
        except ValueError:
            pass
        for hour in _TIMES:
            try:
                return datetime.strptime(plain, f"{day} {hour}")  # noqa: DTZ007 - the zone is the caller's
            except ValueError:
                pass
    return None


def _end_of_day(day: datetime) -> datetime:
    return datetime.combine(day, time(23, 59, 59))
