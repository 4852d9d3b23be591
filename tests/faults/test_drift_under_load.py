"""`b2b verify --all --fix` and `b2b recount` while everything moves: they report no difference that is none."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contract.people import add_seats, an_email, create_student, create_user
from tests.faults.figures import Figures
from tests.faults.stacks import Running, await_calmly
from tests.integration.recount import recount
from tests.integration.stacks import answered, sync_catalogue
from tests.integration.test_operator_commands import Said, b2b
from tests.local_stack import LocalStack

Json = dict[str, Any]
HANDS = 3
ROUNDS = 4
# Most students are to be at rest, or nothing of them is compared.
_BREATH_SECONDS = 0.2
_THERE_BEFORE = 60
_DAYS = (0, 30, 365)


class Office:
    """Clients whose people come, stay longer, leave and are enrolled by others, all at once."""

    def __init__(self, api: httpx.Client, courses: list[int], draw: random.Random) -> None:
        self._api = api
        self._courses = courses
        self._draw = draw
        self._lock = threading.Lock()
        self._users = [create_user(api) for _ in range(4)]
        for user in self._users:
            for course in courses:
                self._grant(user, course)
        self._students: list[Json] = []
        self.done: Counter[str] = Counter()

    def do_something(self) -> None:
        acts: dict[Callable[[], None], int] = {self.enroll: 8, self._again: 4, self._remove: 3, self._change: 1}
        with self._lock:
            (act,) = self._draw.choices([*acts], [*acts.values()])
        act()
        self.done[act.__name__.strip("_")] += 1

    def enroll(self) -> None:
        user, courses = self._one_of(self._users), self._some_courses()
        student = create_student(self._api, email=an_email(), user_email=user["email"], enrollments=courses)
        with self._lock:
            self._students.append(student)

    def _again(self) -> None:
        """By another user, perhaps, and for another time."""
        if not self._students:
            return
        user, student = self._one_of(self._users), self._one_of(self._students)
        body = {"email": student["email"], "user_email": user["email"], "enrollments": self._some_courses()}
        assert self._api.post("/students/enroll", json=body).status_code in (200, 422)  # deleted meanwhile

    def _change(self) -> None:
        """When all of a user's students end in one course, or what its grant gives from now on."""
        user, course = self._one_of(self._users), self._one_of(self._courses)
        self._grant(user, course)
        body = {"product": course, "type": "days", "expiry_days": self._draw.randint(1, 3_000)}
        answered(self._api.post(f"/users/enrollments/{user['id']}", json=body))

    def _remove(self) -> None:
        with self._lock:
            student = self._students.pop(0) if self._students else None
        if student is not None:
            self._api.delete(f"/students/{student['id']}").raise_for_status()

    def _grant(self, user: Json, course: int) -> None:
        days = self._one_of(_DAYS)
        add_seats(self._api, user, {"productable_id": course}, 10, enrollment_days=days)

    def _some_courses(self) -> list[int]:
        with self._lock:
            return self._draw.sample(self._courses, self._draw.randint(1, 2))

    def _one_of(self, items: Any) -> Any:
        with self._lock:
            return self._draw.choice(items)


@pytest.fixture
def stack(data: Path) -> Iterator[LocalStack]:
    running = LocalStack(data, "--workers", "2", "--sweep-every", "1")
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def busy(office: Office) -> Iterator[None]:
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(_BREATH_SECONDS):
            office.do_something()

    with ThreadPoolExecutor(HANDS) as pool:
        hands = [pool.submit(work) for _ in range(HANDS)]
        try:
            yield
        finally:
            ended.set()
    for hand in hands:
        hand.result()


def test_what_moves_is_no_difference(stack: LocalStack, draw: random.Random, figures: Figures) -> None:
    running = Running(stack)
    courses = sync_catalogue(stack)[:3]
    with stack.api() as api:
        office = Office(api, courses, draw)
        for _ in range(_THERE_BEFORE):
            office.enroll()
        await_calmly(lambda: not running.waiting(), seconds=120, what="Those who are there before")
        verified: list[Said] = []
        recounted: list[Said] = []
        with busy(office):
            for _ in range(ROUNDS):
                verified.append(b2b(stack, "verify", "--all", "--fix"))
                recounted.append(b2b(stack, "recount"))
        await_calmly(lambda: not running.waiting(), seconds=300, what="All that is wanted")
        await_calmly(lambda: not running.school.store.operations.open(1), seconds=60, what="All operations")
    compared = sum(int(said.lines[-1].partition(" ")[0]) for said in verified)
    figures.note(
        "verify and recount amid changes",
        changes=office.done.total(),
        runs=ROUNDS,
        students_compared=compared,
        differences=sum(len(said.lines) - 1 for said in verified),
        counters_wrong=sum(len(said.lines) - 1 for said in recounted),
    )
    for said in verified:
        assert said.lines[:-1] == []
        assert " 0 different" in said.lines[-1]
        assert said.code == 0
    for said in recounted:
        assert said.lines[:-1] == []
        assert ": 0 counters wrong" in said.lines[-1]
        assert said.code == 0
    at_rest = b2b(stack, "verify", "--all")
    assert (at_rest.code, len(at_rest.lines)) == (0, 1), at_rest
    assert b2b(stack, "recount").code == 0
    assert recount(running.school) == []
    assert running.dead_letters() == {}
