"""Time in a test's hand: it stands still until it is moved, and whoever sleeps moves it."""

from datetime import UTC, datetime, timedelta

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
        self.moment += timedelta(seconds=seconds)

    def advance(self, **time: float) -> None:
        self.moment += timedelta(**time)
