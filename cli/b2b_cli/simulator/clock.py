"""Two readings of time, both in whole milliseconds since 1970 (UTC)."""

import time
from collections.abc import Callable


class Clock:
    """`wall` is real time: rate limits and the call log go by it, because clients wait in real time.

    `now` is the school's time: dates, expiry and delayed work go by it. It is real time plus an offset, so that
    a test can move a school a month ahead and see what has expired.
    """

    def __init__(self, source: Callable[[], float] = time.time, offset_ms: int = 0) -> None:
        self._source = source
        self.offset_ms = offset_ms

    def wall(self) -> int:
        return int(self._source() * 1000)

    def now(self) -> int:
        return self.wall() + self.offset_ms
