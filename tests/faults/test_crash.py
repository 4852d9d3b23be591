"""What a killed worker had in hand goes on soon, while a quarter of all calls to Thinkific go wrong."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.contract.people import create_user
from tests.faults.figures import Figures
from tests.faults.stacks import Running, await_calmly, state_of
from tests.faults.test_storm import FAULTS
from tests.integration.crowd import crowd, granted
from tests.integration.stacks import answered, enroll_new, note_of, statuses, sync_catalogue
from tests.local_stack import LocalStack

STUDENTS = 60
RATE = 1000
KILLED_AFTER_SECONDS = 6.0
ACTIVE_WITHIN_SECONDS = 120.0


@pytest.fixture
def stack(data: Path) -> Iterator[LocalStack]:
    running = LocalStack(data, "--workers", "1", environment={"THINKIFIC_RATE_PER_MINUTE": str(RATE)})
    yield running
    running.stop()


def test_a_crash_amid_faults_holds_nobody_up_for_long(stack: LocalStack, draw: random.Random, figures: Figures) -> None:
    courses = sync_catalogue(stack)[:2]
    with stack.api() as api, stack.simulator() as simulator:
        client = create_user(api)["email"]
        answered(simulator.put("/_simulator/faults", json=FAULTS | {"seed": draw.randrange(2**31)}))
        began = time.monotonic()
        killer = threading.Timer(KILLED_AFTER_SECONDS, os.kill, (note_of(stack)["worker_pid"], signal.SIGKILL))
        killer.start()
        enroll = partial(enroll_one, api, client, courses)
        student_ids = granted(crowd(enroll, range(STUDENTS), threads=4))
        killer.join()
        waiting_when_killed = STUDENTS - count_active(api, student_ids)
        await_calmly(
            lambda: count_active(api, student_ids) == STUDENTS,
            seconds=ACTIVE_WITHIN_SECONDS - KILLED_AFTER_SECONDS,
            what="Every enrollment",
        )
        seconds = time.monotonic() - began
        rows = Counter((row["user_email"], row["course_id"]) for row in state_of(simulator)["enrollments"])

    figures.note(
        "crash",
        students=STUDENTS,
        still_waiting_when_killed=waiting_when_killed,
        all_active_after_seconds=seconds,
        allowed_seconds=ACTIVE_WITHIN_SECONDS,
    )
    assert waiting_when_killed > 0
    assert set(rows.values()) == {1}
    assert len(rows) == STUDENTS * len(courses)
    assert Running(stack).dead_letters() == {}


def enroll_one(api: httpx.Client, client: str, courses: list[int], number: int) -> int:
    return enroll_new(api, f"student{number}@example.com", client, courses)


def count_active(api: httpx.Client, student_ids: list[int]) -> int:
    return sum(set(statuses(api, [student_id])) == {"active"} for student_id in student_ids)
