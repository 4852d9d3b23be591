"""Whatever e-mails several students are given, in whatever order the sync looks, whatever goes wrong meanwhile:
each account ends with its student's e-mail, unless somebody else has it there, and then that shows.

SYNC_EXAMPLES sets how many stories are made up; without it there are as many as take a second, the same each time.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.unit.aws import Aws
from tests.unit.clock import Clock
from tests.unit.in_process import Open
from tests.unit.services.deliveries import Deliveries
from tests.unit.services.mortal import Life, MortalTable, mortal_http
from tests.unit.services.upstream import Upstream
from tests.unit.services.world import World

from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.errors import InvalidInput, NotFound
from b2b.domain.identity.emails import email_key
from b2b.domain.kinds import Kind
from b2b.domain.work.operations import OperationStatus
from b2b.services.enrollment.removals import Removals, StudentDelete
from b2b.services.enrollment.students import Names
from b2b_cli.simulator import Store

STUDENTS, OUTSIDERS, FREE = 4, 2, 2
FAULTS = ("error_before", "error_after", "reset_before", "reset_after", "rate_limited")
CALLS = ("GET ^/users$", "GET ^/users/", "PUT ^/users/", "POST ^/users$", "* ")

# s0.. are the e-mails that the students have at first, o0.. those of accounts that nobody here knows.
Address = str
ADDRESSES: tuple[Address, ...] = (
    *(f"s{number}" for number in range(STUDENTS)),
    *(f"o{number}" for number in range(OUTSIDERS)),
    *(f"f{number}" for number in range(FREE)),
)


@dataclass(frozen=True)
class Event:
    """``student``: by its place. ``address``: its new e-mail, in capitals if ``shouts``."""

    what: Literal["put", "exchange", "enroll", "delete", "delete there too", "looks", "outsider leaves"]
    student: int = 0
    address: Address = ""
    shouts: bool = False
    number: int = 0


@dataclass(frozen=True)
class Story:
    """``dies``: after how many steps each of the workers is killed. ``faults``: kind and call."""

    students: int
    outsiders: int
    events: tuple[Event, ...]
    faults: tuple[tuple[str, str], ...]
    dies: tuple[int, ...]


PLACES = st.integers(0, STUDENTS - 1)
PUTS = st.builds(Event, st.just("put"), PLACES, st.sampled_from(ADDRESSES), st.booleans())
EVENTS = st.one_of(
    PUTS,
    PUTS,
    st.builds(Event, st.just("exchange"), PLACES, number=PLACES),
    st.builds(Event, st.just("looks"), number=st.integers(1, 4)),
    st.builds(Event, st.just("enroll"), address=st.sampled_from(ADDRESSES)),
    st.builds(Event, st.sampled_from(("delete", "delete there too")), PLACES),
    st.builds(Event, st.just("outsider leaves"), number=st.integers(0, OUTSIDERS - 1)),
)
STORIES = st.builds(
    Story,
    st.integers(2, STUDENTS),
    st.integers(0, OUTSIDERS),
    st.lists(EVENTS, min_size=1, max_size=9).map(tuple),
    st.lists(st.tuples(st.sampled_from(FAULTS), st.sampled_from(CALLS)), max_size=3).map(tuple),
    st.lists(st.integers(1, 12), max_size=3).map(tuple),
)


class School:
    """One for each story."""

    def __init__(self, world: World, life: Life, story: Story) -> None:
        self.world = world
        self.life = life
        self.dies = [*story.dies]
        self.boss = world.user()
        self.course = world.course()
        self.ids = [self._enroll(f"s{number}") for number in range(story.students)]
        self.outsiders = [self._come_from_elsewhere(f"o{number}") for number in range(story.outsiders)]
        self.deliveries = Deliveries(world)
        self.deliveries.all()
        planned = [_planned(kind, call) for kind, call in story.faults]
        world.upstream.control("PUT", "/faults", next=planned)

    def happen(self, event: Event) -> None:
        student_id = self.ids[event.student % len(self.ids)]
        if event.what == "put":
            self._put(student_id, event.address.upper() if event.shouts else event.address)
        elif event.what == "exchange":
            self._exchange(student_id, self.ids[event.number % len(self.ids)])
        elif event.what == "enroll":
            self.ids.append(self._enroll(event.address))
        elif event.what in ("delete", "delete there too") and len(self.ids) > 1:
            self._delete(student_id, in_thinkific=event.what == "delete there too")
        elif event.what == "looks":
            self.look(event.number)
        elif event.what == "outsider leaves" and self.outsiders:
            self._leave(self.outsiders.pop())

    def look(self, number: int | None = None) -> None:
        """At as many students, None = until all are done. The worker is killed on the way, and comes back."""
        while self.dies:
            self.life.left = self.dies.pop()
            for _ in range(number or 40):
                self.deliveries.one()
            self.life.left = None
            if number is not None:
                return
        if number is None:
            self.deliveries.all()
        else:
            for _ in range(number):
                self.deliveries.one()

    def everybody_else_leaves(self) -> None:
        ours = {record.student.thinkific_id for record in self.records()}
        for account in self.accounts().keys() - ours:
            self._leave(account)

    def records(self) -> list[StudentRecord]:
        ids = self.world.store.listing.behind(Kind.STUDENTS, 0, 100).ids
        return self.world.store.students.get_each_record(ids)

    def accounts(self) -> dict[int, str]:
        with self._untroubled():
            return {user["id"]: user["email"] for user in self.world.upstream.users()}

    @contextmanager
    def _untroubled(self) -> Iterator[None]:
        """The faults are for the worker."""
        planned = self.world.upstream.control("GET", "/faults")["next"]
        self.world.upstream.heal()
        yield
        self.world.upstream.control("PUT", "/faults", next=planned)

    def _enroll(self, address: Address) -> int:
        return self.world.enroll(self.boss, self.course, email=_email(address)).student.id

    def _put(self, student_id: int, address: Address) -> None:
        names = Names(first_name="Ada", last_name="Lovelace")
        with suppress(InvalidInput, NotFound):
            self.world.students.update(student_id, names, _email(address))

    def _exchange(self, one: int, other: int) -> None:
        """By an e-mail between, as the API has it."""
        records = [self.world.store.students.get_record(student_id) for student_id in (one, other)]
        if one == other or None in records:
            return
        first, second = [record.student.email for record in records if record is not None]
        for student_id, email in ((one, "between"), (other, first), (one, second)):
            self._put(student_id, email)

    def _delete(self, student_id: int, *, in_thinkific: bool) -> None:
        world, removals = self.world, Removals(self.world.store, self.world.operations)
        record = world.store.students.get_record(student_id)
        if record is None:
            return
        removals.delete_student(record, in_thinkific=in_thinkific)
        operation_id = [sent.body["operation_id"] for sent in world.sqs.sent if sent.queue == "operations"][-1]
        runner = StudentDelete(world.store, removals, world.thinkific, world.retries, world.clock)
        operation, _ = world.operations.get(operation_id)
        with self._untroubled():
            while (step := runner.step(operation)).operation.status is not OperationStatus.SUCCEEDED:
                world.clock.advance(seconds=step.pause)
                operation = step.operation

    def _come_from_elsewhere(self, address: Address) -> int:
        body = {"first_name": "Out", "last_name": "Sider", "email": _email(address)}
        return int(self.world.upstream.call("POST", "/users", **body)["id"])

    def _leave(self, account: int) -> None:
        if account in self.accounts():
            with self._untroubled():
                self.world.upstream.call("DELETE", f"/users/{account}")


def _email(address: Address) -> str:
    return address if "@" in address else f"{address}@example.com"


def _planned(kind: str, call: str) -> dict[str, Any]:
    method, _, path = call.partition(" ")
    return {"kind": kind, "method": method, "path": path, "seconds": 5}


class Schools:
    def __init__(self, aws: Aws, open_app: Open) -> None:
        self._aws = aws
        self._open_app = open_app

    def run(self, story: Story) -> None:
        name, store, clock = self._aws.new_table(), Store(), Clock()
        try:
            life = Life()
            upstream = Upstream(store, clock, self._open_app)
            world = World(MortalTable(self._aws.client, name, life), upstream, clock)
            world.sync = world.worker("worker-1", world.thinkific_over(mortal_http(upstream, life)))
            self._tell(School(world, life, story), story)
        finally:
            store.close()
            self._aws.delete_table(name)

    def _tell(self, school: School, story: Story) -> None:
        for event in story.events:
            school.happen(event)
        school.look()
        check_as_far_as_it_goes(school)
        school.everybody_else_leaves()
        school.deliveries.day()
        check_all_is_as_wanted(school)


@pytest.fixture(scope="module")
def schools(aws: Aws, open_app: Open) -> Schools:
    return Schools(aws, open_app)


@settings(
    max_examples=int(os.environ.get("SYNC_EXAMPLES", "15")),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(story=STORIES)
def test_each_account_has_its_students_e_mail_unless_another_has_it_there(schools: Schools, story: Story) -> None:
    note(str(story))
    schools.run(story)


def check_as_far_as_it_goes(school: School) -> None:
    accounts, records = school.accounts(), school.records()
    holders = {email_key(email): account for account, email in accounts.items()}
    ours = [record.student.thinkific_id for record in records if record.student.thinkific_id is not None]
    assert len(ours) == len(set(ours)), "no account is two students'"
    for record in records:
        student, wanted = record.student, email_key(record.student.email)
        assert record.wish is None
        if record.sync_error is None:
            assert student.thinkific_id is not None
            assert email_key(accounts[student.thinkific_id]) == wanted, "the account has the e-mail"
        else:
            assert holders.get(wanted) not in (None, student.thinkific_id), "somebody else has the e-mail"
            assert student.id in school.world.store.refusals.ids()
        statuses = {found.status(school.world.clock()).value for found in record.enrollments}
        assert statuses == ({"failed"} if student.thinkific_id is None else {"active"})
        if student.email_before_stand_in is not None:
            was = holders.get(email_key(student.email_before_stand_in))
            assert was not in (None, student.thinkific_id), "it would have its e-mail back if it could"
        elif student.thinkific_id is not None:
            assert "+seats-" not in accounts[student.thinkific_id]


def check_all_is_as_wanted(school: School) -> None:
    accounts = school.accounts()
    for record in school.records():
        assert record.sync_error is None
        assert email_key(accounts[record.student.thinkific_id or 0]) == email_key(record.student.email)
        assert {found.status(school.world.clock()).value for found in record.enrollments} == {"active"}
        assert record.student.email_before_stand_in is None
    assert len(accounts) == len(school.records()), "nobody has two accounts"
    assert school.world.store.refusals.ids() == []
