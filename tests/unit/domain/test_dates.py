"""Dates as people write them."""

from datetime import UTC, datetime

import pytest

from b2b.domain.dates import parse_end

END_OF_JUNE = datetime(2023, 6, 30, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2023-06-30",
        "20230630",
        "2023/06/30",
        "Jun 30 2023",
        "jun 30, 2023",
        "June 30 2023",
        "June 30th, 2023",
        "30 Jun 2023",
        "30th June 2023",
        "Friday, June 30, 2023",
        "  Jun   30   2023 ",
        "Jun. 30, 2023",
        "30th of June 2023",
        "2023-W26-5",
    ],
)
def test_a_bare_date_is_the_end_of_that_day(text: str) -> None:
    assert parse_end(text, "UTC") == END_OF_JUNE


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2023-06-30T14:30:00Z", 14, 30),
        ("2023-06-30 14:30", 14, 30),
        ("2023-06-30T16:30:00+02:00", 14, 30),
        ("Jun 30 2023 14:30", 14, 30),
        ("June 30, 2023 2:30 PM", 14, 30),
        ("30 June 2023 2pm", 14, 0),
        ("2023-06-30t14:30:00z", 14, 30),
        ("Fri, 30 Jun 2023 14:30:00 GMT", 14, 30),
        ("30 June 2023 2:30 pm UTC", 14, 30),
    ],
)
def test_a_time_is_kept(text: str, hour: int, minute: int) -> None:
    assert parse_end(text, "UTC") == datetime(2023, 6, 30, hour, minute, tzinfo=UTC)


def test_a_month_has_every_usual_name() -> None:
    moments = {parse_end(f"{name} 5 2023", "UTC") for name in ("Sep", "Sept", "Sept.", "September")}
    assert moments == {datetime(2023, 9, 5, 23, 59, 59, tzinfo=UTC)}


def test_a_zone_that_is_named_is_not_the_schools() -> None:
    assert parse_end("30 Jun 2023 14:30 GMT", "Europe/Berlin") == datetime(2023, 6, 30, 14, 30, tzinfo=UTC)


def test_what_names_no_zone_is_in_the_schools() -> None:
    assert parse_end("2023-06-30", "America/New_York") == datetime(2023, 7, 1, 3, 59, 59, tzinfo=UTC)
    assert parse_end("2023-06-30 12:00", "Europe/Berlin") == datetime(2023, 6, 30, 10, tzinfo=UTC)
    assert parse_end("2023-06-30T12:00Z", "Europe/Berlin") == datetime(2023, 6, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "31 Foo", "2023-02-30", "06/07/2023", "Jun 31 2023", "5", "2023"])
def test_what_is_no_date_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        parse_end(text, "UTC")
