"""The expiry sweep: each end noted once, and seats freed where the grant is reusable, whatever stands in the way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from tests.emulated import Emulated
from tests.integration.desk import NAMES, Desk, enrolling, reference
from tests.integration.recount import recount

from b2b.domain.catalogue.products import Product
from b2b.domain.identity.users import GrantTerms, User
from b2b.services.enrollment.expiries import ExpiryChange, ExpiryRunner
from b2b.services.enrollment.sweep import SweepReport, SweepService
from b2b.storage import keys
from b2b.storage.actions import Update

ENOUGH = 1000.0
REUSABLE = GrantTerms(active=True, enrollment_days=1, reusable=True)
USED_UP = GrantTerms(active=True, enrollment_days=1)


@pytest.fixture
def desk(school: Emulated) -> Desk:
    return Desk(school)


@pytest.fixture
def course(desk: Desk) -> Product:
    return desk.add_courses(1)[0]


def client(desk: Desk, course: Product, terms: GrantTerms, students: int = 1) -> User:
    """A user whose students' enrollments end tomorrow."""
    user = desk.add_user(f"client-{terms.reusable}-{students}@example.com")
    desk.users.set_access(user.id, reference(course), terms, None)
    for number in range(students):
        desk.add_student(f"student{number}-of-{user.id}@example.com", user, [course])
    return user


def sweep(desk: Desk, *, days: float = 2, seconds: float = ENOUGH) -> SweepReport:
    """As it runs in so many days."""
    then = datetime.now(UTC) + timedelta(days=days)
    return SweepService(desk.store, lambda: then).sweep(lambda: seconds)


def left(desk: Desk) -> int:
    then = datetime.now(UTC) + timedelta(days=30)
    return sum(
        len(desk.store.enrollments.due(shard, then, limit=1000)) for shard in desk.store.enrollments.expiry_shards()
    )


def test_a_natural_end_frees_the_seat_where_the_grant_is_reusable(
    desk: Desk, school: Emulated, course: Product
) -> None:
    reusable, used_up = client(desk, course, REUSABLE), client(desk, course, USED_UP)
    assert sweep(desk, days=0.9).swept == 0
    assert sweep(desk).swept == 2
    assert (desk.seats_used(reusable, course), desk.seats_used(used_up, course)) == (0, 1)
    assert sweep(desk).swept == left(desk) == 0
    assert recount(school) == []


def test_who_is_enrolled_again_takes_the_seat_again(desk: Desk, school: Emulated, course: Product) -> None:
    user = client(desk, course, REUSABLE)
    sweep(desk)
    desk.students.upsert(f"student0-of-{user.id}@example.com", NAMES, enrolling(user, [course]))
    assert desk.seats_used(user, course) == 1
    assert recount(school) == []


def test_a_run_stops_in_time_and_the_next_goes_on(desk: Desk, school: Emulated, course: Product) -> None:
    client(desk, course, REUSABLE, students=30)
    then = datetime.now(UTC) + timedelta(days=2)
    first = SweepService(desk.store, lambda: then).sweep(lambda: ENOUGH if left(desk) > 23 else 0.0)
    assert (first.swept, left(desk)) == (7, 23)
    # What is left is enough for a row, and not to look for more rows.
    assert sweep(desk, seconds=7.0).swept == 0
    assert sweep(desk).swept == 23
    assert recount(school) == []


def test_several_runs_at_once_free_each_seat_once(desk: Desk, school: Emulated, course: Product) -> None:
    user = client(desk, course, REUSABLE, students=40)
    with ThreadPoolExecutor(8) as pool:
        reports = [run.result() for run in [pool.submit(sweep, desk) for _ in range(8)]]
    assert sum(report.swept for report in reports) == 40
    assert [report.failures for report in reports] == [[]] * 8
    assert desk.seats_used(user, course) == 0
    assert recount(school) == []


def test_more_holders_than_one_write_can_free(desk: Desk, school: Emulated, course: Product) -> None:
    """One student, whom 90 users enrolled."""
    for number in range(90):
        user = desk.add_user(f"client{number}@example.com")
        desk.users.set_access(user.id, reference(course), REUSABLE, None)
        desk.add_student("everybodys@example.com", user, [course])
    assert sweep(desk).swept == 1
    assert [desk.users.get(user_id).grants[0][0].seats_used for user_id in (1, 45, 90)] == [0, 0, 0]
    assert left(desk) == 0
    assert recount(school) == []


def test_a_row_that_cannot_be_read_does_not_stop_the_others(desk: Desk, course: Product) -> None:
    client(desk, course, REUSABLE, students=20)
    (student_id,) = desk.store.students.ids_of_user(1, after=7, limit=1)
    key = keys.enrollment(student_id, course.id)
    desk.table.write(Update(key).set(productable_type="Riddle").always())
    report = sweep(desk)
    assert report.swept == 19
    assert [(failure.student_id, failure.product_id) for failure in report.failures] == [(student_id, course.id)]
    assert sweep(desk).swept == 0
    desk.table.write(Update(key).set(productable_type="Course").always())
    assert sweep(desk).swept == 1


def test_a_mass_expiry_of_more_holders_than_one_write_can_move(desk: Desk, school: Emulated, course: Product) -> None:
    """Ended, and the end taken back: 90 seats are freed and taken again."""
    for number in range(90):
        desk.add_student("everybodys@example.com", desk.add_user(f"client{number}@example.com"), [course])
    student_id = desk.store.students.ids_of_user(1, after=0, limit=1)[0]
    runner = ExpiryRunner(desk.store, desk.notifier)
    for change, holders in ((ExpiryChange(kind="expire_now"), 0), (ExpiryChange(kind="days", days=5), 90)):
        runner.step(desk.expiries.change_expiry(1, reference(course), change))
        enrollment = desk.store.enrollments.get_enrollment(student_id, course.id)
        assert enrollment is not None
        assert len(enrollment.seat_holders) == holders
        assert recount(school) == []
