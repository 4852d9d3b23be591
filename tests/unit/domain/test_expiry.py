from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.unit.clock import START

from b2b.domain.enrollment import expiry

SOON, LATE = START + timedelta(days=1), START + timedelta(days=30)


def test_days_are_24_hours_each_from_the_call() -> None:
    assert expiry.after_days(START, 30) == datetime(2026, 4, 9, 12, tzinfo=UTC)


def test_no_days_are_no_end() -> None:
    assert expiry.after_days(START, 0) is None


def test_the_longest_term_can_be_counted() -> None:
    assert expiry.after_days(START, expiry.MAX_DAYS) == START + timedelta(days=36_500)


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [(SOON, LATE, LATE), (LATE, SOON, LATE), (SOON, SOON, SOON), (None, LATE, None), (LATE, None, None)],
)
def test_the_later_of_two_ends(one: datetime | None, other: datetime | None, later: datetime | None) -> None:
    assert expiry.later(one, other) == later


@pytest.mark.parametrize(
    ("end", "past"),
    [(None, False), (START - timedelta(microseconds=1), True), (START, True), (SOON, False)],
)
def test_an_end_is_past_from_its_own_moment_on(end: datetime | None, past: bool) -> None:
    assert expiry.is_past(end, START) is past


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (START, datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC), datetime(2026, 3, 8, 23, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 11, 1, tzinfo=timezone(timedelta(hours=3))), datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC)),
    ],
    ids=["at noon", "at midnight", "a second before midnight", "by a clock that is a day ahead"],
)
def test_yesterday_ends_by_the_utc_day(now: datetime, end: datetime) -> None:
    assert expiry.end_of_yesterday(now) == end


def test_lifting_a_limit_takes_a_date_beyond_any_term_that_can_be_asked_for() -> None:
    assert expiry.without_end(START) >= START + timedelta(days=expiry.MAX_DAYS)


@pytest.mark.parametrize(
    ("end", "sent"),
    [
        (LATE, LATE),
        (START, datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC)),
        (START - timedelta(hours=1), datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC)),
        (START - timedelta(days=3), START - timedelta(days=3)),
    ],
    ids=["to come", "now", "earlier today", "days ago"],
)
def test_an_end_as_thinkific_is_sent_it(end: datetime, sent: datetime) -> None:
    assert expiry.as_sent(end, START) == sent


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (START, datetime(2036, 3, 10, 12, tzinfo=UTC)),
        (datetime(2028, 2, 29, 8, tzinfo=UTC), datetime(2038, 2, 28, 8, tzinfo=UTC)),
    ],
)
def test_ten_years_from_now(now: datetime, end: datetime) -> None:
    assert expiry.in_ten_years(now) == end


@pytest.mark.parametrize(
    "now",
    [
        *(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)),
        *(datetime(9996, 2, 29, 8, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-23))),
    ],
)
def test_no_end_lies_beyond_the_calendar(now: datetime) -> None:
    ends = [expiry.after_days(now, expiry.MAX_DAYS), expiry.days_later(now, expiry.MAX_DAYS), expiry.without_end(now)]
    assert ends == [expiry.LATEST] * 3
    assert expiry.in_ten_years(now).year == 9999


@pytest.mark.parametrize("days", [1, 365, expiry.MAX_DAYS])
def test_where_the_calendar_goes_on_no_day_is_lost(days: int) -> None:
    assert expiry.days_later(START, days) - START == timedelta(days=days)
