"""One user's 2,000 wishes use all of the calls that Thinkific allows, and hold nobody else up."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.people import create_student, create_user, statuses
from tests.faults.backlogs import Backlog, opened_backlog
from tests.faults.figures import Figures
from tests.faults.stacks import await_calmly
from tests.faults.upstream_log import WINDOW_SECONDS
from tests.integration.stacks import answered

WISHES = 2_000
RATE = 240
CALLS_OF_PATIENCE = 10
PATIENCE_SECONDS = CALLS_OF_PATIENCE * 60 / RATE
USED_SHARE = 0.9
SINGLES = 6
_MEASURED_SECONDS = 75.0


@pytest.fixture
def backlog(data: Path) -> Iterator[Backlog]:
    with opened_backlog(data, wishes=WISHES, rate=RATE) as opened:
        yield opened


def test_a_backlog_uses_the_limit_and_holds_nobody_else_up(
    backlog: Backlog, draw: random.Random, figures: Figures
) -> None:
    began = time.time()
    moments = sorted(began + draw.uniform(0.1, 0.8) * _MEASURED_SECONDS for _ in range(SINGLES))
    took = [single(backlog, moment) for moment in moments]
    await_calmly(lambda: time.time() >= began + _MEASURED_SECONDS, seconds=_MEASURED_SECONDS, what="The window's end")
    use = backlog.use(began, time.time())

    figures.note(
        "backlog",
        wishes=WISHES,
        still_waiting=use.waiting,
        calls_a_minute_allowed=RATE,
        used_share=f"{use.share:.1%} over {use.seconds:.0f} s",
        most_calls_in_60_s=use.busiest,
    )
    figures.note(
        "another user amid the backlog",
        new_students=len(took),
        active_after_seconds=", ".join(f"{seconds:.2f}" for seconds in took),
        allowed_seconds=PATIENCE_SECONDS,
    )
    assert use.seconds >= WINDOW_SECONDS
    assert use.waiting > WISHES / 2
    assert use.busiest <= RATE
    assert use.refused == []
    assert use.share >= USED_SHARE
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
