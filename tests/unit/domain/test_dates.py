"""Dates as people and programs write them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from b2b.domain.dates import UnreadableDate, WrittenDate, parse, zone_named

# A Wednesday.
END_OF_JUNE = datetime(2027, 6, 30, 23, 59, 59, tzinfo=UTC)


def parse_end(text: str, zone: str) -> datetime:
    return parse(text).end(zone)


@pytest.mark.parametrize(
    "text",
    [
        "2027-06-30",
        "2027/06/30",
        "2027-6-30",
        "2027/6/30",
        "2027-W26-3",
        "Jun 30 2027",
        "jun 30, 2027",
        "June 30 2027",
        "June 30th, 2027",
        "JUNE 30, 2027",
        "30 Jun 2027",
        "30 June, 2027",
        "30. June 2027",
        "30th June 2027",
        "30th of June 2027",
        "Wednesday, June 30, 2027",
        "Wed 30 Jun 2027",
        "Weds, 30 June 2027",
        "Wed. June 30 2027",
        "  Jun \t 30   2027 \n",
        "Jun\u00a030,\u202f2027",
        "Jun. 30, 2027",
        "Jun-30-2027",
        "30-Jun-2027",
        "30/Jun/2027",
        "30.Jun.2027",
        "30JUN2027",
        "2027-Jun-30",
        "2027 June 30",
        "Wed, 30 Jun 27",
        "2027-06-30 UTC",
        "June 30, 2027 GMT",
    ],
)
def test_a_bare_date_is_the_end_of_that_day(text: str) -> None:
    written = parse(text)
    assert written.is_day
    assert written.end("UTC") == END_OF_JUNE


@pytest.mark.parametrize("number", range(1, 13))
def test_a_month_has_its_name_in_full_and_in_short(number: int) -> None:
    day = datetime(2027, number, 15, 23, 59, 59, tzinfo=UTC)
    assert {parse_end(f"{day:%B} 15, 2027", "UTC"), parse_end(f"15-{day:%b}-2027", "UTC")} == {day}


def test_september_has_a_third_name() -> None:
    assert parse_end("Sept. 5, 2027", "UTC") == datetime(2027, 9, 5, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2027-06-30T21:59:59Z",
        "2027-06-30t21:59:59z",
        "2027-06-30 21:59:59",
        "2027-06-30T21:59:59.000Z",
        "2027-06-30T21:59:59.000000",
        "2027-06-30T23:59:59+02:00",
        "2027-06-30T23:59:59+0200",
        "2027-06-30 23:59:59+02",
        "2027-06-30 23:59:59 +0200",
        "2027-06-30T23:59:59,000+02:00",
        "2027-06-30T23:59:59.0000000+02:00",
        "20270630T215959Z",
        "20270630T215959.000Z",
        "2027-06-30T23:59:59+02:00[Europe/Berlin]",
        "2027-06-30T21:59:59Z[UTC]",
        "2027-06-30 21:59:59 UTC",
        "2027-06-30 23:59:59 UTC+2",
        "2027-06-30 23:59:59 GMT+02:00",
        "2027-06-30 23:59:59 Europe/Berlin",
        "2027-06-30 23:59:59.000000000 +0200 CEST",
        "2027-06-30 23:59:59.000000000 +0200 CEST m=+0.012345678",
        "2027-06-30 21:59:59 +0000 UTC",
        "2027-06-30 18:59:59 -0300 -03",
        "Wed, 30 Jun 2027 21:59:59 GMT",
        "Wed, 30 Jun 2027 23:59:59 +0200",
        "Wed, 30 Jun 2027 23:59:59 +0200 (CEST)",
        "30 Jun 2027 17:59:59 EDT",
        "Wed, 30 Jun 27 21:59:59 +0000",
        "Wednesday, 30-Jun-27 21:59:59 GMT",
        "Wednesday, 30-Jun-2027 23:59:59 CEST",
        "Wed, 30-Jun-2027 21:59:59 GMT",
        "Wed Jun 30 2027 23:59:59 GMT+0200 (Central European Summer Time)",
        "Wed Jun 30 2027 23:59:59 GMT+0200",
        "Wed Jun 30 23:59:59 CEST 2027",
        "Wed Jun 30 21:59:59 2027",
        "Wed Jun 30 23:59:59 2027 +0200",
        "Wed Jun 30 23:59:59 +0200 2027",
        "Wed Jun 30 09:59:59 PM UTC 2027",
        "Wed 30 Jun 22:59:59 BST 2027",
        "Wed 30 Jun 2027 09:59:59 PM UTC",
        "Wednesday, June 30, 2027 9:59:59 PM",
        "Jun 30, 2027, 9:59:59 PM",
        "Jun 30, 2027, 9:59:59\u202fPM",
        "June 30 2027 21:59:59",
    ],
)
def test_a_time_and_a_zone_are_kept(text: str) -> None:
    """As ISO 8601, RFC 2822, RFC 850, RFC 9557, PHP, JavaScript, Java, .NET, Go, Python, Ruby and `date` write them."""
    assert parse(text).end("UTC") == datetime(2027, 6, 30, 21, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2027-06-30 14:30", 14, 30),
        ("2027-06-30 9:05", 9, 5),
        ("2027-06-30T1430", None, None),
        ("20270630T1430", 14, 30),
        ("Jun 30 2027 14:30", 14, 30),
        ("June 30, 2027 2:30 PM", 14, 30),
        ("30 June 2027 2pm", 14, 0),
        ("30 June 2027 2 p.m.", 14, 0),
        ("Jun 30 2027 02:30PM", 14, 30),
        ("2027-06-30 12:00 AM", 0, 0),
        ("2027-06-30 12:00 PM", 12, 0),
        ("30 June 2027 12:01 a.m.", 0, 1),
        ("2027-06-30 11:30 pm UTC", 23, 30),
        ("2027-06-30 13:00 PM", None, None),
        ("2027-06-30 0:30 AM", None, None),
        ("2027-06-30 14", None, None),
        ("2027-06-30T14", None, None),
    ],
)
def test_minutes_and_halves_of_the_day(text: str, hour: int | None, minute: int | None) -> None:
    if hour is None or minute is None:
        with pytest.raises(UnreadableDate):
            parse(text)
    else:
        assert parse_end(text, "UTC") == datetime(2027, 6, 30, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2027-06-30T24:00", "2027-07-01T00:00:00"),
        ("2027-06-30 24:00:00", "2027-07-01T00:00:00"),
        ("2027-12-31T24:00:00Z", "2028-01-01T00:00:00"),
        ("2200-12-31T24:00:00Z", "2201-01-01T00:00:00"),
        ("2027-06-30T23:59:60Z", "2027-06-30T23:59:59"),
        ("2027-06-30T15:59:60-08:00", "2027-06-30T23:59:59"),
        ("2027-06-30T00:00:00.999999999Z", "2027-06-30T00:00:00.999999"),
        ("2027-06-30T00:00:00-00:00", "2027-06-30T00:00:00"),
        ("2027-06-30T00:00:00-00:30", "2027-06-30T00:30:00"),
        ("2027-06-30T00:00:00+05:45", "2027-06-29T18:15:00"),
        ("2027-06-30T23:00:00-23:59", "2027-07-01T22:59:00"),
        ("2200-12-31T23:59:59-23:59", "2201-01-01T23:58:59"),
        ("1990-01-01T00:00:00+23:59", "1989-12-31T00:01:00"),
    ],
)
def test_the_ends_of_clock_and_calendar(text: str, end: str) -> None:
    assert parse_end(text, "UTC") == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "1820102400000",
        "1820102400",
        "1820102400.5",
        "-1820102400",
        "+1820102400",
        "@1820102400",
        "20270630",
        "20270630235959",
        "20270630 235959",
        "270630",
        "2027",
        "46568",
        "0",
        "2016020417",
    ],
)
def test_digits_alone_are_no_date(text: str) -> None:
    with pytest.raises(UnreadableDate, match="must be a date, not a number or a time-stamp"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["06/07/2027", "6/7/27", "06/30/2027", "30/06/2027", "30.06.2027", "30-06-2027", "06-07-27", "6/30/2027 11:59 PM"],
)
def test_a_month_in_digits_stands_behind_the_year(text: str) -> None:
    with pytest.raises(UnreadableDate, match="with the year first or the month as a word"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("0000-00-00", "0000-00-00 00:00:00", "0001-01-01T00:00:00", "0001-01-01T00:00:00+23:00", "1820-10-24"),
        *("1899-12-30", "1970-01-01T00:00:00Z", "1989-12-31", "Dec 31 1989", "2201-01-01", "Jan 1, 2201", "2999-12-31"),
        *("9999-12-31", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-23:00", "Fri Dec 31 23:59:59 9999"),
    ],
)
def test_years_that_nobody_can_mean(text: str) -> None:
    with pytest.raises(UnreadableDate, match="in the years 1990 to 2200"):
        parse(text)


@pytest.mark.parametrize("text", ["1990-01-01", "2200-12-31", "Jan 1 1990", "31 December 2200"])
def test_the_first_and_the_last_year(text: str) -> None:
    assert parse(text).end("UTC").year in (1990, 2200)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Sunday, 06-Nov-94 08:49:37 GMT", 1994),
        ("Sat, 06 Nov 94 08:49:37 GMT", 2094),
        ("Mon, 06 Nov 00 08:49:37 GMT", 2000),
        ("30-Jun-27", None),
        ("Jun 30 27", None),
        ("Jun 30, '27", None),
        ("december-30-11 1:14 pm", None),
        ("Mon, 30 Jun 27", None),
        ("Saturday, 30-Jun-84 00:00:00 GMT", None),
    ],
)
def test_two_digits_are_a_year_where_the_weekday_proves_it(text: str, year: int | None) -> None:
    if year is None:
        with pytest.raises(UnreadableDate):
            parse(text)
    else:
        assert parse(text).moment.year == year


@pytest.mark.parametrize(
    "between",
    [
        "_",
        "-",
        "x",
        ",",
        ", ",
        ";",
        "/",
        ".",
        ":",
        " at ",
        "T ",
        " T",
        " T ",
        "|",
        "TT",
        "+",
        "\u2014",
        "\0",
        "\n",
        "\v",
        "\x1c",
        "\u2028",
    ],
)
def test_nothing_but_t_and_blanks_stands_between_date_and_time(between: str) -> None:
    with pytest.raises(UnreadableDate):
        parse(f"2027-06-30{between}23:59:59")


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "tomorrow", "next friday", "+1 week", "now", "first day of December", "M", "null", "NaN"),
        *("Invalid Date", "infinity", "1.8e9", "/Date(1820102400000)/", "\uff12\uff10\uff12\uff17-06-30"),
        *("\u0662\u0660\u0662\u0667-06-30", "2027-06", "2027-W26", "2027W263", "2027-181", "2027-13-01", "2027-02-30"),
        *("2027-02-29", "Jun 31 2027", "Jun 0 2027", "31 Foo", "31 Foo 2027", "Jun 30", "June 2027", "11/11", "5"),
        *("2027-06-30T", "2027-06-30T25:00", "2027-06-30T24:00:01", "2027-06-30T23:60", "2027-06-30T23:59:61"),
        *("2027-06-30T23:58:60", "2027-06-30T020:00:00Z", "2027-06-30T2:3", "2027-06-30 23:59:59 junk"),
        *("2027-06-30Z", "2027-06-30+02:00", "2027-06-30-05:00", "2027-06/30", "2027--06--30", "12027-06-30"),
        *("2027-06-30T23:59+24:00", "2027-06-30T23:59+02:60", "2027-06-30T23:59+2", "2027-06-30T23:59 ++02:00"),
        *("Tue, 1 Feb 2022 00:44:49 _0600", "2016020417:10", "Wed Jun 30 23:59:59 +0200 2027 -0700"),
        *("2027-06-30 noon", "2027-06-30 midnight", "2027-06-30 IST", "2027-06-30 23:59 XYZ"),
        *("2027-06-30 23:59 Mars/Olympus", "2027-06-30 23:59 ../etc/passwd", "2027-06-30 23:59 right/UTC"),
        *('{"date": "2027-06-30"}', "2027-06-30\0", "\u200b2027-06-30", "2027-06-30 - 2027-07-30", "x" * 255),
    ],
)
def test_what_is_no_date_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(UnreadableDate):
        parse(text)


@pytest.mark.parametrize(
    "text", ["Mon, 30 Jun 2027", "Thursday, June 30 2027", "Sun Jun 30 2027 00:00:00 GMT+0200", "Fri Jun 30 10:00 2027"]
)
def test_a_weekday_that_is_not_that_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(UnreadableDate, match="is a Wednesday"):
        parse(text)


@pytest.mark.parametrize("letters", ["-", " ", "9", "a", "1:", "Jun ", "(", "[", "+0"])
def test_no_text_takes_long_to_be_refused(letters: str) -> None:
    text = (f"Wed Jun 30 1:{letters}" + letters * 255)[:255]
    with pytest.raises(UnreadableDate):
        parse(text)


# In a zone


def test_what_names_no_zone_is_in_the_schools() -> None:
    assert parse_end("2027-06-30", "America/New_York") == datetime(2027, 7, 1, 3, 59, 59, tzinfo=UTC)
    assert parse_end("2027-06-30 12:00", "Europe/Berlin") == datetime(2027, 6, 30, 10, tzinfo=UTC)
    assert parse_end("2027-06-30T12:00Z", "Europe/Berlin") == datetime(2027, 6, 30, 12, tzinfo=UTC)
    assert parse_end("30 Jun 2027 14:30 GMT", "Europe/Berlin") == datetime(2027, 6, 30, 14, 30, tzinfo=UTC)
    assert parse_end("2027-06-30 Asia/Kathmandu", "Europe/Berlin") == datetime(2027, 6, 30, 18, 14, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("America/Santiago", "2027-04-03", "2027-04-04T03:59:59"),
        ("America/Santiago", "2027-09-04", "2027-09-05T03:59:59"),
        ("Africa/Cairo", "2027-10-28", "2027-10-28T21:59:59"),
        ("Africa/Cairo", "2027-04-29", "2027-04-29T21:59:59"),
        ("Asia/Beirut", "2027-10-30", "2027-10-30T21:59:59"),
        ("America/Nuuk", "2027-10-30", "2027-10-31T01:59:59"),
        ("America/Nuuk", "2027-03-27", "2027-03-28T00:59:59"),
        ("America/Asuncion", "2024-03-23", "2024-03-24T03:59:59"),
        ("America/Havana", "2027-11-07", "2027-11-08T04:59:59"),
        ("America/Sao_Paulo", "2018-02-17", "2018-02-18T02:59:59"),
        ("America/Sao_Paulo", "2017-10-15", "2017-10-16T01:59:59"),
        ("Asia/Tehran", "2022-09-21", "2022-09-21T20:29:59"),
        ("Asia/Amman", "2021-10-28", "2021-10-28T20:59:59"),
        ("Australia/Lord_Howe", "2027-04-04", "2027-04-04T13:29:59"),
        ("Pacific/Apia", "2011-12-29", "2011-12-30T09:59:59"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T09:59:59"),
        ("Pacific/Kwajalein", "1993-08-20", "1993-08-21T11:59:59"),
        ("Europe/Berlin", "2027-10-31", "2027-10-31T22:59:59"),
    ],
)
def test_a_day_ends_with_its_last_second_wherever_the_clocks_change(zone: str, day: str, end: str) -> None:
    assert parse_end(day, zone) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "zone",
    [
        *("America/Santiago", "America/Nuuk", "America/Havana", "America/New_York", "America/St_Johns"),
        *("Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Jerusalem", "Asia/Gaza", "Asia/Kathmandu"),
        *("Europe/Berlin", "Europe/Chisinau", "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Easter", "UTC"),
    ],
)
def test_behind_the_end_of_a_day_nothing_of_it_comes(zone: str) -> None:
    there = ZoneInfo(zone)
    for number in range(365):
        day = date(2027, 1, 1) + timedelta(days=number)
        end = parse_end(day.isoformat(), zone)
        assert end.astimezone(there).date() == day
        later = [end + timedelta(seconds=1), *(end + timedelta(minutes=minutes) for minutes in (1, 20, 59, 61, 119))]
        assert all(moment.astimezone(there).date() > day for moment in later), day


@pytest.mark.parametrize(
    ("text", "zone", "end"),
    [
        # Twice: the later one.
        ("2027-11-07 01:30", "America/New_York", "2027-11-07T06:30:00"),
        ("2027-10-31 02:30:00", "Europe/Berlin", "2027-10-31T01:30:00"),
        ("2027-04-03 23:30", "America/Santiago", "2027-04-04T03:30:00"),
        ("2027-10-28 23:59:59", "Africa/Cairo", "2027-10-28T21:59:59"),
        # Not at all: as far behind the leap as it was written.
        ("2027-03-14 02:30", "America/New_York", "2027-03-14T07:30:00"),
        ("2027-03-28 02:00", "Europe/Berlin", "2027-03-28T01:00:00"),
        ("2027-09-04 24:00", "America/Santiago", "2027-09-05T04:00:00"),
        ("2027-09-05 00:30", "America/Santiago", "2027-09-05T04:30:00"),
        ("2011-12-30 12:00", "Pacific/Apia", "2011-12-30T22:00:00"),
        # A zone that the text names itself.
        ("2027-11-07 01:30 America/New_York", "UTC", "2027-11-07T06:30:00"),
        ("2027-11-07 01:30 EDT", "UTC", "2027-11-07T05:30:00"),
        ("2027-03-14 02:30 -0500", "America/New_York", "2027-03-14T07:30:00"),
    ],
)
def test_times_that_come_twice_or_not_at_all(text: str, zone: str, end: str) -> None:
    assert parse_end(text, zone) == datetime.fromisoformat(end).replace(tzinfo=UTC)


_AMERICAN = {"EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"}


def test_a_name_of_a_zone_has_one_meaning_in_the_whole_time_zone_database() -> None:
    offsets: dict[str, set[float]] = {}
    for key in available_timezones():
        for month in (1, 7):
            moment = datetime(2027, month, 15, 12, tzinfo=ZoneInfo(key))
            hours = (moment.utcoffset() or timedelta()) / timedelta(hours=1)
            offsets.setdefault(moment.tzname() or "", set()).add(hours)
    named = {name: hours for name, hours in offsets.items() if name.isalpha() and name.isupper()}
    assert {"CEST", "IST", "JST"} <= named.keys()
    for name, meant in named.items():
        try:
            found = parse(f"2027-06-30 12:00 {name}").moment.utcoffset()
        except UnreadableDate:
            continue
        assert found is not None
        assert found / timedelta(hours=1) in meant
        assert len(meant) == 1 or name in _AMERICAN, name


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"])
def test_a_time_zone_by_its_name(name: str) -> None:
    assert zone_named(name).key == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "Mars/Olympus",
            "../etc/passwd",
            "/etc/localtime",
            "Europe",
            "America/Argentina",
            "europe/../UTC",
            "CEST",
        ),
        *("localtime", "posixrules", "posix/UTC", "right/UTC", "zone.tab", "UTC\0", "\u0415urope/Berlin", "x" * 300),
    ],
)
def test_what_is_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="There is no time zone"):
        zone_named(name)


def test_a_day_in_a_zone_of_its_own_keeps_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    written = WrittenDate(datetime.combine(date(2027, 6, 30), time(23, 59, 59), berlin), is_day=True)
    assert parse("2027-06-30 Europe/Berlin") == written
