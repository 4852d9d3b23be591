"""Time in a test's hand: it stands still until it is moved, and whoever sleeps moves it."""

from datetime import UTC, datetime, timedelta
from math import ceil

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Clock:
    """Called, it is a Clock of the product; the methods are what else reads or spends time."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        """Since 1970."""
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> None:
        """At least for the smallest step there is, so that whoever waits for a moment reaches it."""
        self.moment += timedelta(microseconds=ceil(seconds * 1_000_000))

    def advance(self, **time: float) -> None:
        self.moment += timedelta(**time)
