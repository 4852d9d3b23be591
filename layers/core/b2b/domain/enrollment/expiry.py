"""When an enrollment ends. ``None`` as a moment means: it does not."""

from datetime import UTC, datetime, timedelta

MAX_DAYS = 36_500
# Where the calendar of datetime ends: what would lie beyond is this.
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def after_days(now: datetime, days: int) -> datetime | None:
    """The end of an enrollment of ``days`` x 24 h made now; 0 days = it does not end."""
    return None if days == 0 else days_later(now, days)


def days_later(now: datetime, days: int) -> datetime:
    """``days`` x 24 h from now, at most ``LATEST``."""
    try:
        return now.astimezone(UTC) + timedelta(days=days)
    except OverflowError:
        return LATEST


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two ends; not ending is the latest."""
    return None if one is None or other is None else max(one, other)


def is_past(expiry: datetime | None, now: datetime) -> bool:
    return expiry is not None and expiry <= now


def end_of_yesterday(now: datetime) -> datetime:
    """Yesterday 23:59:59 UTC: what ends access in Thinkific at once.

    Thinkific applies an expiry by the day ("today or earlier removes access"), so that a moment of today
    may not (fact sheet, 5.2, removing access).
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(seconds=1)


def without_end(now: datetime) -> datetime:
    """The date that lifts a limit in Thinkific.

    Whether Thinkific accepts ``null`` to clear an expiry is not known (fact sheet, 5.2); a date a
    hundred years away is, and means the same to a student.
    """
    return days_later(now, MAX_DAYS)


def is_endless(expiry: datetime | None, now: datetime) -> bool:
    """Whether an end that Thinkific tells means none: it may be a date of ``without_end``, set some years ago."""
    return expiry is None or expiry - now > timedelta(days=MAX_DAYS // 2)


def as_sent(expiry: datetime, now: datetime) -> datetime:
    """An end as Thinkific is sent it: a past one never later than the end of yesterday."""
    return min(expiry, end_of_yesterday(now)) if expiry <= now else expiry


def in_ten_years(now: datetime) -> datetime:
    """What the published API calls no expiry."""
    year = min(now.year + 10, LATEST.year)
    try:
        return now.replace(year=year)
    except ValueError:  # 29 February
        return now.replace(year=year, day=28)
