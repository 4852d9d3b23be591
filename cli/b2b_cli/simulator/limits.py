"""The site's limits, of calls and of GraphQL's points a minute, and what a call beyond a limit is answered with."""

from collections import deque
from math import ceil
from typing import Literal

from b2b_cli.simulator.switches import Switches
from b2b_cli.simulator.wire import Answer

WINDOW_MS = 60_000


class RateWindow:
    """The admitted calls of the last minute. Refused ones do not count. It starts empty with the process."""

    def __init__(self) -> None:
        self._admitted: deque[int] = deque()

    def admit(self, now: int, limit: int | Literal["off"], shape: Literal["sliding", "fixed"]) -> int | None:
        """Counts a call and answers None, or, where that would exceed the limit, the time at which one may come."""
        self._forget(now)
        refused_until = None if limit == "off" else self._refused_until(now, limit, shape)
        if refused_until is None:
            self._admitted.append(now)
        return refused_until

    def used(self, now: int) -> int:
        """How many calls were admitted in the last minute."""
        self._forget(now)
        return len(self._admitted)

    def clear(self) -> None:
        self._admitted.clear()

    def _refused_until(self, now: int, limit: int, shape: Literal["sliding", "fixed"]) -> int | None:
        if len(self._admitted) < limit:
            return None
        if shape == "sliding":
            return self._admitted[-limit] + WINDOW_MS
        minute = now // WINDOW_MS * WINDOW_MS
        return minute + WINDOW_MS if self._admitted[-limit] >= minute else None

    def _forget(self, now: int) -> None:
        while self._admitted and self._admitted[0] <= now - WINDOW_MS:
            self._admitted.popleft()


class PointsWindow:
    """The points spent in the last minute. It starts empty with the process."""

    def __init__(self) -> None:
        self._spent: list[tuple[int, int]] = []

    def spend(self, now: int, cost: int, limit: int) -> int | None:
        """Counts them and answers None, or, where that would exceed the limit, the time at which they may be spent."""
        self._spent = [(at, points) for at, points in self._spent if at > now - WINDOW_MS]
        if sum(points for _, points in self._spent) + cost > limit:
            return self._spent[0][0] + WINDOW_MS if self._spent else now + WINDOW_MS
        self._spent.append((now, cost))
        return None

    def clear(self) -> None:
        self._spent.clear()


def too_many_calls(switches: Switches, now: int, reset_at: int) -> Answer:
    """The 429, with the headers and the body that the switches ask for. Times are milliseconds since 1970."""
    headers: dict[str, str] = {}
    if switches.ratelimit_reset == "ms":
        headers["RateLimit-Reset"] = str(reset_at)
    elif switches.ratelimit_reset == "s":
        headers["RateLimit-Reset"] = str(ceil(reset_at / 1000))
    if switches.retry_after == "present":
        headers["Retry-After"] = str(max(1, ceil((reset_at - now) / 1000)))
    match switches.body_429:
        case "json":
            return Answer(429, {"error": "Rate limit exceeded"}, headers=headers)
        case "html":
            return Answer(429, text="<html><body><h1>429 Too Many Requests</h1></body></html>", headers=headers)
        case "empty":
            return Answer(429, headers=headers)
