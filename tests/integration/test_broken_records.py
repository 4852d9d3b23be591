"""Records that contradict each other: told at once, not taken for others' writes, and mended by ``b2b recount``."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from tests.emulated import Emulated
from tests.integration.crowd import crowd
from tests.integration.desk import NAMES, Desk, enrolling, reference
from tests.integration.mending import contradictions, mend
from tests.integration.queued import asked_for
from tests.integration.recount import recount

from b2b.domain.errors import BrokenInvariant, TooManyRequests
from b2b.domain.work.operations import OperationStatus
from b2b.services.enrollment.expiries import ExpiryChange
from b2b.services.enrollment.students import StudentService
from b2b.services.work.operation_worker import AdvanceOutcome
from b2b.storage import keys
from b2b.storage.actions import delete, put
from b2b.storage.items import Item, unmarshal
from b2b.storage.keys import Key
from b2b_cli.recounting import recount as counted_anew

if TYPE_CHECKING:
    from b2b.domain.identity.users import User

SOON_SECONDS = 3.0
PRODUCT = 1001


class Broken:
    """A user with two students in a course, of whom the first's records are to be broken."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.course = desk.add_courses(2)[0]
        self.user = desk.add_user("client@example.com")
        self.student_id = desk.add_student("ada@example.com", self.user, [self.course])
        self.other_id = desk.add_student("bob@example.com", self.user, [self.course])

    def rows(self) -> list[Item]:
        """The whole table but the last ids given out."""
        pages = self.desk.school.dynamodb.get_paginator("scan").paginate(
            TableName=self.desk.school.resources.table_name, ConsistentRead=True
        )
        items = [unmarshal(raw) for page in pages for raw in page["Items"]]
        return sorted((item for item in items if not item["pk"].startswith("LASTID#")), key=str)

    def lose(self, key: Key) -> None:
        """As a bug or a careless hand would."""
        self.desk.table.write(delete(key))

    def add_stray(self, key: Key, **item: int) -> None:
        self.desk.table.write(put(key, item))

    @property
    def students(self) -> StudentService:
        return self.desk.students

    def contradictions(self) -> list[str]:
        return contradictions(self.desk)

    def repair(self) -> bool:
        return mend(self.desk) and counted_anew(self.desk.recount, _ignore, _ignore, repair=True)


def _ignore(_: str) -> None:
    """Nobody reads it."""


@pytest.fixture
def broken(school: Emulated) -> Broken:
    return Broken(Desk(school))


def no_seat_row(broken: Broken) -> None:
    broken.lose(keys.seat(broken.user.id, PRODUCT, broken.student_id))


def stray_seat_row(broken: Broken) -> None:
    broken.add_stray(
        keys.seat(broken.user.id, 1002, broken.student_id),
        user_id=broken.user.id,
        product_id=1002,
        student_id=broken.student_id,
    )


def no_grant_row(broken: Broken) -> None:
    broken.lose(keys.grant(broken.user.id, PRODUCT))


def not_in_the_users_list(broken: Broken) -> None:
    broken.lose(keys.user_student(broken.user.id, broken.student_id))


def not_with_the_student(broken: Broken) -> None:
    broken.lose(keys.student_user(broken.student_id, broken.user.id))


def listed_student_that_never_was(broken: Broken) -> None:
    broken.add_stray(keys.user_student(broken.user.id, 999), user_id=broken.user.id, student_id=999, version=1)


def seat_of_a_student_that_never_was(broken: Broken) -> None:
    key = keys.seat(broken.user.id, PRODUCT, 999)
    broken.add_stray(key, user_id=broken.user.id, product_id=PRODUCT, student_id=999)


def no_student(broken: Broken) -> None:
    broken.lose(keys.student(broken.student_id))


FLAWS = (
    no_seat_row,
    stray_seat_row,
    not_in_the_users_list,
    not_with_the_student,
    listed_student_that_never_was,
    seat_of_a_student_that_never_was,
)


def dissociate(broken: Broken) -> object:
    return broken.students.dissociate("ada@example.com", "client@example.com")


def enroll(broken: Broken) -> object:
    return broken.students.enroll("ada@example.com", enrolling(broken.user, [broken.course]))


def upsert(broken: Broken) -> object:
    return broken.students.upsert("ada@example.com", NAMES, enrolling(broken.user, [broken.course]))


@pytest.mark.parametrize(
    ("flaw", "call"),
    [
        (no_seat_row, dissociate),
        (no_grant_row, dissociate),
        (not_with_the_student, enroll),
        (not_with_the_student, upsert),
        (no_student, enroll),
        (no_student, upsert),
    ],
)
def test_a_call_that_can_never_succeed_says_so_at_once_and_changes_nothing(
    broken: Broken, flaw: Callable[[Broken], None], call: Callable[[Broken], object]
) -> None:
    flaw(broken)
    before = broken.rows()
    began = time.monotonic()
    with pytest.raises(BrokenInvariant) as fault:
        call(broken)
    assert time.monotonic() - began < SOON_SECONDS
    assert "example.com" not in str(fault.value)
    assert broken.rows() == before


def test_a_mass_expiry_lists_the_student_whose_records_are_broken_and_does_the_others(broken: Broken) -> None:
    no_seat_row(broken)
    operation = broken.desk.expiries.change_expiry(
        broken.user.id, reference(broken.course), ExpiryChange(kind="expire_now")
    )
    assert broken.desk.advance(operation.id) is AdvanceOutcome.POSTPONED
    found, failures = broken.desk.operations.get(operation.id)
    assert [failure.student_id for failure in failures] == [broken.student_id]
    assert "recount --repair" in failures[0].error
    assert (found.total, found.failed) == (2, 1)


def test_an_operation_that_can_never_succeed_fails(broken: Broken) -> None:
    no_seat_row(broken)
    broken.students.delete(broken.student_id)
    (operation_id,) = asked_for(broken.desk.school)
    assert broken.desk.advance(operation_id) is AdvanceOutcome.BROKEN
    operation, _ = broken.desk.operations.get(operation_id)
    assert operation.status is OperationStatus.FAILED
    assert "recount --repair" in str(operation.error)


def test_deleting_a_user_takes_the_students_whose_records_are_whole(broken: Broken) -> None:
    no_grant_row(broken)
    admin = broken.desk.add_user("admin@example.com")
    broken.desk.user_removal.delete(broken.user.id, acting_user_id=admin.id)
    broken.desk.finish_removals()
    assert broken.desk.store.users.get(broken.user.id) is None
    assert broken.repair()
    assert broken.contradictions() == []
    for student_id in (broken.student_id, broken.other_id):
        assert broken.students.get(student_id).users == ()


@pytest.mark.parametrize("flaw", FLAWS)
def test_recount_finds_and_mends_each_flaw(broken: Broken, school: Emulated, flaw: Callable[[Broken], None]) -> None:
    assert broken.contradictions() == []
    flaw(broken)
    assert len(broken.contradictions()) == 2  # the flaw and the summary
    assert broken.repair()
    assert broken.contradictions() == []
    assert recount(school) == []
    dissociate(broken)
    assert recount(school) == []


def test_what_a_broken_record_stopped_is_finished_by_the_repair(broken: Broken, school: Emulated) -> None:
    no_seat_row(broken)
    broken.students.delete(broken.student_id)
    assert broken.repair()
    assert broken.contradictions() == []
    assert recount(school) == []
    assert [row for row in broken.rows() if row["pk"] == keys.student_partition(broken.student_id)] == []


def associate(broken: Broken) -> object:
    return broken.students.associate("ada@example.com", "client@example.com")


def test_crowds_that_undo_each_others_writes_are_no_broken_record(broken: Broken, school: Emulated) -> None:
    """32 threads that associate and dissociate one student: each loses race after race, none is told of a fault."""

    def back_and_forth(number: int) -> None:
        for _ in range(6):
            with suppress(TooManyRequests):
                (associate if number % 2 else dissociate)(broken)

    assert crowd(back_and_forth, range(32)) == [None] * 32
    assert broken.contradictions() == []
    assert recount(school) == []


def test_looking_amid_others_writes_finds_nothing(broken: Broken) -> None:
    users: list[User] = [broken.desk.add_user(f"c{number}@example.com") for number in range(4)]

    def work(number: int) -> None:
        for step in range(5):
            email = f"s{step}@example.com"
            with suppress(TooManyRequests):
                broken.students.upsert(email, NAMES, enrolling(users[number % 4], [broken.course]))
                broken.students.dissociate(email, users[number % 4].email)

    def look(_: int) -> None:
        assert broken.contradictions() == []

    assert crowd(lambda number: work(number) if number % 4 else look(number), range(16)) == [None] * 16
