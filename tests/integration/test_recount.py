"""The recount: finds every counter that has drifted, none that has not, whatever others write meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from tests.emulated import Emulated
from tests.integration.desk import NAMES, Desk, enrolling
from tests.integration.recount import recount

from b2b.domain.identity.users import User
from b2b.domain.integrity.recount import Drift, SeatsDrift, StudentsDrift, TotalDrift
from b2b.domain.kinds import Kind
from b2b.services.integrity.recount import RecountReport, RecountService
from b2b.storage import keys
from b2b.storage.actions import Update, delete
from b2b.storage.keys import Key

ENOUGH = 1000.0


@pytest.fixture
def desk(school: Emulated) -> Desk:
    return Desk(school)


@pytest.fixture
def users(desk: Desk) -> list[User]:
    """Two users who share a student and have one more each, all in two courses."""
    courses = desk.add_courses(2)
    users = [desk.add_user(f"client{number}@example.com") for number in range(2)]
    for user in users:
        desk.add_student("shared@example.com", user, courses)
        desk.add_student(f"of-{user.id}@example.com", user, courses[:1])
    return users


def walk(desk: Desk) -> RecountReport:
    report = desk.recount.continue_walk(lambda: ENOUGH)
    assert report is not None
    assert report.finished
    return report


def shift(desk: Desk, key: Key, name: str, change: int) -> None:
    """What a bug or a careless hand would do to a counter."""
    desk.table.write(Update(key).add(**{name: change}).always())


def test_right_counters_are_right(desk: Desk, users: list[User]) -> None:
    report = walk(desk)
    assert (report.users, report.drifts, report.busy) == (2, [], 0)


def test_each_drift_is_found_told_and_set_right(desk: Desk, school: Emulated, users: list[User]) -> None:
    first, second = users
    shift(desk, keys.user(first.id), "seats_used", 3)
    shift(desk, keys.grant(first.id, 1001), "seats_used", -2)
    shift(desk, keys.grant(second.id, 1002), "seats_used", 1)
    shift(desk, keys.total(Kind.STUDENTS, 5), "records", -1)
    report = walk(desk)
    expected: list[Drift] = [
        StudentsDrift(user_id=first.id, counted=5, found=2),
        SeatsDrift(user_id=first.id, product_id=1001, counted=0, found=2),
        SeatsDrift(user_id=second.id, product_id=1002, counted=2, found=1),
        TotalDrift(kind=Kind.STUDENTS, counted=2, found=3),
    ]
    assert report.drifts == expected
    assert str(report.drifts[0]) == "User 1 counts 5 students and has 2."

    assert all(desk.recount.correct(drift) for drift in report.drifts)
    assert recount(school) == []


def test_a_lost_counter_is_made_again(desk: Desk, school: Emulated, users: list[User]) -> None:
    desk.table.write(delete(keys.grant(users[0].id, 1002)))
    (drift,) = walk(desk).drifts
    assert drift == SeatsDrift(user_id=users[0].id, product_id=1002, counted=0, found=1)
    assert desk.recount.correct(drift)
    assert recount(school) == []


def test_a_counter_that_moved_since_is_not_touched(desk: Desk, school: Emulated, users: list[User]) -> None:
    shift(desk, keys.user(users[0].id), "seats_used", 1)
    (drift,) = walk(desk).drifts
    desk.add_student("meanwhile@example.com", users[0])
    assert not desk.recount.correct(drift)
    report = RecountReport()
    desk.recount.check_user(users[0].id, report)
    assert [desk.recount.correct(found) for found in report.drifts] == [True]
    assert recount(school) == []


def test_a_walk_goes_on_where_its_time_ran_out_and_then_rests(desk: Desk, school: Emulated, users: list[User]) -> None:
    one_user = iter([ENOUGH, 0.0])
    report = desk.recount.continue_walk(lambda: next(one_user))
    assert report is not None
    assert (report.users, report.finished) == (1, False)
    shift(desk, keys.user(users[0].id), "seats_used", 1)  # behind the walk's back
    assert walk(desk).users == 1
    assert desk.recount.continue_walk(lambda: ENOUGH) is None

    tomorrow = RecountService(desk.store, lambda: datetime.now(UTC) + timedelta(days=1))
    report = tomorrow.continue_walk(lambda: ENOUGH)
    assert report is not None
    assert [type(drift) for drift in report.drifts] == [StudentsDrift]


def test_writes_at_the_same_time_are_no_drift(desk: Desk, school: Emulated, users: list[User]) -> None:
    """Eight threads move seats of the same users back and forth while these are recounted."""
    courses = desk.store.products.all()
    stopping = threading.Event()

    def write(number: int) -> int:
        rounds = 0
        while not stopping.is_set():
            user, email = users[number % 2], f"restless{number}@example.com"
            desk.students.upsert(email, NAMES, enrolling(user, courses))
            desk.students.dissociate(email, user.email)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        try:
            report = RecountReport()
            for _ in range(3):
                for user in users:
                    desk.recount.check_user(user.id, report)
                desk.recount.check_totals(report)
        finally:
            stopping.set()
        assert min(writer.result() for writer in writers) > 0
    assert report.drifts == []
    assert recount(school) == []
