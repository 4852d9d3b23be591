"""Dates as people and programs write them: ISO 8601, and the English forms with the month as a word.

Whoever sends one may end hundreds of students' access with it, so what can be read in two ways is refused: digits
alone (a time-stamp), 06/07/2027, a weekday that is not that day's, a zone that several countries call theirs.
python-dateutil and dateparser read all of those, ``datetime.fromisoformat`` takes any character between date and
time, and ``email.utils`` skips what it does not know; that is why the forms are spelled out here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FIRST_YEAR, LAST_YEAR = 1990, 2200

# Besides the usual ones, what programs put before PM so that no line breaks there.
_BLANKS = re.compile("[ \\t\u00a0\u2009\u202f]+")
_EXAMPLES = "2027-06-30, Jun 30 2027 or 2027-06-30T23:59:59Z"


class UnreadableDate(ValueError):
    """``str(error)`` reads behind "The ... field"."""


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """What a text says. ``moment`` is naive where no zone was written; ``is_day``: no time was."""

    moment: datetime
    is_day: bool

    def end(self, zone: str) -> datetime:
        """The moment in UTC that is meant as an end; without a zone of its own it is in ``zone`` (an IANA name).

        A day ends with its last second, the later one where clocks go back over midnight. Of a time that comes twice
        the later is taken; one that clocks leap over lies as far behind the leap as it was written (RFC 5545, 3.3.5).
        """
        moment = self.moment if self.moment.tzinfo else self.moment.replace(tzinfo=ZoneInfo(zone))
        before, after = (moment.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        return after if self.is_day else max(before, after)


def parse(text: str) -> WrittenDate:
    """Raises UnreadableDate."""
    plain = _rearranged(_BLANKS.sub(" ", text.strip()))
    for form in _DAYS:
        if found := form.match(plain):
            return _written(_day(found), plain[found.end() :])
    raise UnreadableDate(_why_not(plain))


# Some machines have more files there than the time zone database has zones.
_ZONE_NAME = re.compile(r"(?!posix/|right/|localtime|posixrules)[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone. Raises ValueError where there is none of this name."""
    try:
        if _ZONE_NAME.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        pass
    raise ValueError(f"There is no time zone {name}.")


# The day. Between its parts stands the same mark twice, or what English puts there.

_WEEKDAYS = (
    *("mon(?:day)?", "tue(?:s|sday)?", "wed(?:s|nesday)?", "thu(?:r|rs|rsday)?"),
    *("fri(?:day)?", "sat(?:urday)?", "sun(?:day)?"),
)
_MONTHS = (
    *("jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?"),
    *("july?", "aug(?:ust)?", "sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?"),
)
_WEEKDAY = rf"(?:(?P<weekday>{'|'.join(_WEEKDAYS)})[.,]?,? )?"
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_GAP = r"(?:[.,]? |[-/,.])"
# A comma behind the year belongs to the date: "Jun 30, 2027, 11:59 PM".
_YEAR = r"(?P<year>[0-9]{4}|[0-9]{2})(?![0-9])(?:,(?= ))?"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


_DAYS = (
    _form(r"(?P<year>[0-9]{4})(?P<mark>[-/])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})(?![0-9])"),
    _form(r"(?P<year>[0-9]{4})-W(?P<week>[0-9]{2})-(?P<day>[1-7])(?![0-9])"),
    _form(rf"{_WEEKDAY}{_DAY}{_GAP}?(?:of )?{_MONTH}{_GAP}?{_YEAR}"),
    _form(rf"{_WEEKDAY}{_MONTH}{_GAP}{_DAY}{_GAP}{_YEAR}"),
    _form(rf"(?P<year>[0-9]{{4}}){_GAP}{_MONTH}{_GAP}{_DAY}(?![0-9])"),
)
_MONTH_NUMBERS = {name[:3]: number for number, name in enumerate(_MONTHS, start=1)}
_WEEKDAY_NUMBERS = {name[:3]: number for number, name in enumerate(_WEEKDAYS)}


def _day(found: re.Match[str]) -> date:
    parts = found.groupdict()
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += _century(found)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UnreadableDate(f"must be a date in the years {FIRST_YEAR} to {LAST_YEAR}")
    day = _calendar_day(year, found)
    if not _is_weekday(day, parts):
        raise UnreadableDate(f'names the wrong weekday: "{found[0]}" is a {day:%A}')
    return day


def _century(found: re.Match[str]) -> int:
    """RFC 850 and RFC 822 write two digits, behind a weekday: it tells the century, and that they are a year at all."""
    parts = found.groupdict()
    for century in (2000, 1900):
        if parts["weekday"] and _is_weekday(_calendar_day(century + int(parts["year"]), found), parts):
            return century
    raise UnreadableDate("must be a date whose year has four digits")


def _calendar_day(year: int, found: re.Match[str]) -> date:
    parts = found.groupdict()
    day = int(parts["day"])
    try:
        if "week" in parts:
            return date.fromisocalendar(year, int(parts["week"]), day)
        month = parts["month"]
        return date(year, int(month) if month.isdigit() else _MONTH_NUMBERS[month[:3].lower()], day)
    except ValueError:
        raise UnreadableDate(f'is not a day of the calendar: "{found[0]}"') from None


def _is_weekday(day: date, parts: Mapping[str, str | None]) -> bool:
    weekday = parts.get("weekday")
    return weekday is None or day.weekday() == _WEEKDAY_NUMBERS[weekday[:3].lower()]


# The time and the zone behind the day.

_TIME = (
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
    r"(?: ?(?P<half>[ap])\.?m\b\.?)?"
)
_OFFSET = r"(?:(?:UTC|GMT|UT)(?P<sign>[-+])(?P<hours>[0-9]{1,2})|(?P<plain>[-+][0-9]{2}))(?::?(?P<minutes>[0-9]{2}))?"
# Behind an offset Go names the zone once more, and how long its process has been running.
_AGAIN = r"(?: (?:[A-Z]{3,5}|(?P=plain)(?:[0-9]{2})?))?(?: m=[-+][0-9.]+)?"
_NAME = r"(?P<name>[A-Z]+(?:/[A-Z0-9_+-]+)*)"
# JavaScript and RFC 2822 explain the zone in brackets, Java and RFC 9557 in square ones.
_EXPLAINED = r"(?:\[[^][]*\])*(?: ?\([^()]*\))?"
_REST = _form(rf"(?:[T ]{_TIME})?(?: ?(?P<zone>{_OFFSET}{_AGAIN}|{_NAME}){_EXPLAINED})?")


def _written(day: date, rest: str) -> WrittenDate:
    found = _REST.fullmatch(rest)
    if found is None or (found["hour"] is None and rest[:1] not in ("", " ")):
        raise UnreadableDate(f'has text after the date that is not a time: "{rest}"')
    zone = _zone(found) if found["zone"] else None
    if found["hour"] is None:
        return WrittenDate(datetime.combine(day, time(23, 59, 59), zone), is_day=True)
    hour, minute, second = _hour(found), int(found["minute"] or 0), int(found["second"] or 0)
    if second == 60 and minute == 59:
        second = 59  # a leap second, which the clocks of computers do not show
    microsecond = int((found["fraction"] or "0").ljust(6, "0")[:6])
    try:
        if (hour, minute, second, microsecond) == (24, 0, 0, 0):
            return WrittenDate(datetime.combine(day + timedelta(days=1), time(), zone), is_day=False)
        return WrittenDate(datetime.combine(day, time(hour, minute, second, microsecond), zone), is_day=False)
    except ValueError:
        raise UnreadableDate(f'has a time that does not exist: "{rest.strip()}"') from None


def _hour(found: re.Match[str]) -> int:
    hour, half = int(found["hour"]), found["half"]
    if half is None:
        if found["minute"] is None:
            raise UnreadableDate(f"has an hour without minutes: write {hour:02}:00")
        return hour
    if not 1 <= hour <= 12:
        raise UnreadableDate(f"has a time that does not exist: {hour} {half}m")
    return hour % 12 + (12 if half in "pP" else 0)


# Hours from UTC. The American names are those of RFC 2822, section 4.3; the others mean one offset in the whole
# time zone database. Those that mean several (IST: India, Ireland, Israel) are not here.
_NAMES: Mapping[str, float] = (
    {"Z": 0, "UTC": 0, "GMT": 0, "UT": 0}
    | {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
    | {"AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5, "AKST": -9, "AKDT": -8, "HST": -10}
    | {"WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2}
    | {"JST": 9, "KST": 9, "HKT": 8, "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11}
    | {"NZST": 12, "NZDT": 13}
)


def _zone(found: re.Match[str]) -> tzinfo:
    name = found["name"]
    if name is None:
        return _offset(found)
    if name.upper() in _NAMES:
        return timezone(timedelta(hours=_NAMES[name.upper()]))
    if "/" in name:
        try:
            return zone_named(name)
        except ValueError:
            pass
    raise UnreadableDate(f'has a time zone that is unknown or ambiguous: "{name}". Write its offset, such as +02:00')


def _offset(found: re.Match[str]) -> tzinfo:
    hours = int(found["plain"] or found["sign"] + found["hours"])
    minutes = int(found["minutes"] or 0)
    if abs(hours) > 23 or minutes > 59:
        raise UnreadableDate(f'has an offset that does not exist: "{found["zone"]}"')
    is_west = (found["plain"] or found["sign"]).startswith("-")
    return timezone(timedelta(hours=hours, minutes=-minutes if is_west else minutes))


# Forms whose parts stand in another order, or close together.

# `date`, C, Git, Java, Perl and Twitter put the year behind the time.
_YEAR_LAST = _form(
    rf"(?P<day_and_month>{_WEEKDAY}(?:[a-z]{{3,9}} [0-9]{{1,2}}|[0-9]{{1,2}} [a-z]{{3,9}}))"
    r" (?P<time>[0-9]{1,2}:.*?) (?P<only_year>[0-9]{4})(?P<offset> [-+][0-9]{4})?"
)
_BASIC = _form(r"([0-9]{4})([0-9]{2})([0-9]{2})(T)([0-9]{2})([0-9]{2})([0-9]{2})?(.*)")


def _rearranged(text: str) -> str:
    if found := _YEAR_LAST.fullmatch(text):
        return f"{found['day_and_month']} {found['only_year']} {found['time']}{found['offset'] or ''}"
    if found := _BASIC.fullmatch(text):
        year, month, day, mark, hour, minute, second, rest = found.groups()
        return f"{year}-{month}-{day}{mark}{hour}:{minute}:{second or '00'}{rest}"
    return text


_DIGITS = _form(r"[-+@]?[0-9][0-9 ]*(?:[.,][0-9]+)?")
_NUMBERS = _form(r"[0-9]{1,2}([-/. ])[0-9]{1,2}\1[0-9]{2,4}(?![0-9]).*")


def _why_not(text: str) -> str:
    if _DIGITS.fullmatch(text):
        return f"must be a date, not a number or a time-stamp: write {_EXAMPLES}"
    if _NUMBERS.fullmatch(text):
        return f"must be a date with the year first or the month as a word: write {_EXAMPLES}"
    return f"must be a date such as {_EXAMPLES}"
