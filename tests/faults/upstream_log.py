"""What the simulated Thinkific was asked, and how fast."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from tests.integration.stacks import answered

_ALL = 200_000
WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """``at``: epoch seconds, to the millisecond. ``status`` None: no answer was sent."""

    id: int
    at: float
    method: str
    path: str
    status: int | None
    fault: str | None
    body: Any


def calls_of(simulator: httpx.Client, after: int = 0) -> list[Call]:
    """Behind the call ``after``, oldest first."""
    query: dict[str, int] = {"limit": _ALL} | ({"after": after} if after else {})
    rows = answered(simulator.get("/_simulator/calls", params=query))["calls"]
    return [
        Call(
            id=row["id"],
            at=datetime.fromisoformat(row["at"]).timestamp(),
            method=row["method"],
            path=row["path"],
            status=row["status"],
            fault=row["fault"],
            body=row["body"],
        )
        for row in rows
    ]


def last_call(simulator: httpx.Client) -> int:
    rows = answered(simulator.get("/_simulator/calls", params={"limit": 1}))["calls"]
    return int(rows[-1]["id"]) if rows else 0


def busiest_window(calls: list[Call]) -> int:
    """The most calls in any 60 seconds, wherever these begin."""
    moments = sorted(call.at for call in calls)
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - WINDOW_SECONDS:
            first += 1
        most = max(most, last - first + 1)
    return most


def faults_met(calls: list[Call]) -> Counter[str]:
    return Counter(call.fault for call in calls if call.fault is not None)
