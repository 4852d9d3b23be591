"""A local stack in which many wishes of one user wait for Thinkific, and how much of what it allows is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.contract.people import an_email, create_student, create_user
from tests.faults.stacks import Running
from tests.faults.upstream_log import WINDOW_SECONDS, Call, busiest_window, calls_of
from tests.integration.crowd import crowd, granted
from tests.integration.stacks import sync_catalogue
from tests.local_stack import LocalStack


@dataclass(frozen=True, slots=True)
class Use:
    """Of the calls to Thinkific between two moments. ``share``: of those allowed; ``busiest``: in any 60 s so far."""

    seconds: float
    share: float
    busiest: int
    refused: list[Call]
    waiting: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """``rate``: calls allowed a minute."""

    running: Running
    api: httpx.Client
    simulator: httpx.Client
    courses: list[int]
    rate: int

    def use(self, began: float, ended: float) -> Use:
        """Between two moments, in epoch seconds."""
        waiting = self.running.waiting()
        calls = calls_of(self.simulator)
        made = sum(1 for call in calls if began <= call.at < ended)
        return Use(
            seconds=ended - began,
            share=made / (self.rate * (ended - began) / WINDOW_SECONDS),
            busiest=busiest_window(calls),
            refused=[call for call in calls if call.status == 429],
            waiting=waiting,
        )


@contextmanager
def opened_backlog(data: Path, *, wishes: int, rate: int) -> Iterator[Backlog]:
    """As many new students of one user, each on its way into one course."""
    stack = LocalStack(data, "--workers", "2", environment={"THINKIFIC_RATE_PER_MINUTE": str(rate)})
    try:
        with stack.api() as api, stack.simulator() as simulator:
            opened = Backlog(Running(stack), api, simulator, sync_catalogue(stack), rate)
            client = create_user(api)["email"]

            def wish(number: int) -> int:
                email, course = an_email(f"pupil{number}"), opened.courses[number % 2]
                return int(create_student(api, email=email, user_email=client, enrollments=[course])["id"])

            assert len(granted(crowd(wish, range(wishes), threads=4))) == wishes
            yield opened
    finally:
        stack.stop()
