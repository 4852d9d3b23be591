from datetime import UTC, datetime, timedelta, timezone

import pytest

from b2b.domain import timestamps


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC), "2026-06-30T23:59:59.000000Z"),
        (datetime(2026, 6, 30, 23, 59, 59, 7, tzinfo=UTC), "2026-06-30T23:59:59.000007Z"),
        (datetime(2026, 7, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-06-30T23:00:00.000000Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_microseconds(moment: datetime, text: str) -> None:
    assert timestamps.to_text(moment) == text


def test_what_was_written_is_read_back() -> None:
    moment = datetime(2026, 6, 30, 23, 59, 59, 123, tzinfo=UTC)
    assert timestamps.from_text(timestamps.to_text(moment)) == moment


def test_texts_sort_as_their_moments_do() -> None:
    start = datetime(2026, 3, 10, tzinfo=UTC)
    moments = [start + timedelta(microseconds=number * 1_999_999) for number in range(50)]
    assert sorted(timestamps.to_text(moment) for moment in moments) == [*map(timestamps.to_text, moments)]


def test_no_moment_is_no_text() -> None:
    assert timestamps.optional_text(None) is None
    assert timestamps.optional_moment(None) is None


def test_now_is_aware_and_in_utc() -> None:
    assert timestamps.utc_now().utcoffset() == timedelta(0)
