"""One user's 2,000 wishes use all of the calls that Thinkific allows, and hold nobody else up."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.contract.people import an_email, create_student, create_user, statuses
from tests.faults.figures import Figures
from tests.faults.stacks import Running, await_calmly
from tests.faults.upstream_log import WINDOW_SECONDS, busiest_window, calls_of
from tests.integration.crowd import crowd, granted
from tests.integration.stacks import answered, sync_catalogue
from tests.local_stack import LocalStack

WISHES = 2_000
RATE = 240
CALLS_OF_PATIENCE = 10
PATIENCE_SECONDS = CALLS_OF_PATIENCE * 60 / RATE
USED_SHARE = 0.9
SINGLES = 6
_MEASURED_SECONDS = 75.0


@dataclass
class Backlog:
    running: Running
    api: httpx.Client
    simulator: httpx.Client
    courses: list[int]


@pytest.fixture
def backlog(data: Path) -> Iterator[Backlog]:
    """2,000 new students of one user, each on its way into one course."""
    stack = LocalStack(data, "--workers", "2", environment={"THINKIFIC_RATE_PER_MINUTE": str(RATE)})
    try:
        with stack.api() as api, stack.simulator() as simulator:
            opened = Backlog(Running(stack), api, simulator, sync_catalogue(stack))
            client = create_user(api)["email"]

            def wish(number: int) -> int:
                email, course = an_email(f"pupil{number}"), opened.courses[number % 2]
                return int(create_student(api, email=email, user_email=client, enrollments=[course])["id"])

            assert len(granted(crowd(wish, range(WISHES), threads=4))) == WISHES
            yield opened
    finally:
        stack.stop()


def test_a_backlog_uses_the_limit_and_holds_nobody_else_up(
    backlog: Backlog, draw: random.Random, figures: Figures
) -> None:
    began = time.time()
    moments = sorted(began + draw.uniform(0.1, 0.8) * _MEASURED_SECONDS for _ in range(SINGLES))
    took = [single(backlog, moment) for moment in moments]
    await_calmly(lambda: time.time() >= began + _MEASURED_SECONDS, seconds=_MEASURED_SECONDS, what="The window's end")
    ended = time.time()
    waiting = backlog.running.waiting()

    calls = calls_of(backlog.simulator)
    made = sum(1 for call in calls if began <= call.at < ended)
    share = made / (RATE * (ended - began) / WINDOW_SECONDS)
    busiest = busiest_window(calls)
    figures.note(
        "backlog",
        wishes=WISHES,
        still_waiting=waiting,
        calls_a_minute_allowed=RATE,
        used_share=f"{share:.1%} over {ended - began:.0f} s",
        most_calls_in_60_s=busiest,
    )
    figures.note(
        "another user amid the backlog",
        new_students=len(took),
        active_after_seconds=", ".join(f"{seconds:.2f}" for seconds in took),
        allowed_seconds=PATIENCE_SECONDS,
    )
    assert ended - began >= WINDOW_SECONDS
    assert waiting > WISHES / 2
    assert busiest <= RATE
    assert [call for call in calls if call.status == 429] == []
    assert share >= USED_SHARE
    assert max(took) <= PATIENCE_SECONDS


def single(backlog: Backlog, moment: float) -> float:
    """Another user's new student in one course, at the ``moment``: the seconds until it is active."""
    api = backlog.api
    email = create_user(api)["email"]
    await_calmly(lambda: time.time() >= moment, seconds=_MEASURED_SECONDS, what="The moment")
    began = time.monotonic()
    student = create_student(api, user_email=email, enrollments=[backlog.courses[0]])
    while statuses(student) != {"active"}:
        assert time.monotonic() - began < 60, student
        time.sleep(0.05)
        student = answered(api.get(f"/students/{student['id']}"))["data"]
    return time.monotonic() - began
