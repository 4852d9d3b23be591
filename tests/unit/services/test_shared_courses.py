"""Courses that a student has by themselves and by bundles: Thinkific has one row for each, the last to end decides."""

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import pytest
from tests.unit.services.world import World

from b2b.domain.catalogue.products import Product, ProductableType
from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.enrollments import EnrollmentStatus, with_expiry
from b2b.domain.identity.users import User
from b2b.services.enrollment.seat_moves import SeatMoves
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.services.enrollment.sync.verification import Verification


@pytest.fixture
def courses(world: World) -> Sequence[Product]:
    return [world.course(name) for name in "ABCD"]


@pytest.fixture
def bundles(world: World, courses: Sequence[Product]) -> Sequence[Product]:
    """A is in both, B in the first, C and D in the second."""
    return [world.bundle_of(*courses[:2]), world.bundle_of(courses[0], *courses[2:])]


def enroll(world: World, boss: User, *products: Product, days: int = 0) -> int:
    for product in products:
        world.grant(boss, product, None, days=days)
    student_id = world.enroll(boss, *products).student.id
    settle(world, student_id)
    return student_id


def end(world: World, student_id: int, product: Product, moment: datetime) -> None:
    write_end(world, student_id, product, moment)
    settle(world, student_id)


def write_end(world: World, student_id: int, product: Product, moment: datetime) -> None:
    """As a change of the expiry of a user's students leaves it."""
    before = world.enrollment(student_id, product)
    after = with_expiry(before, moment, world.clock())
    seats = SeatMoves(world.store, world.clock).moves(before, after)
    wish = world.store.wishes.add_wish(student_id, world.clock(), bulk=False)
    world.store.transact([world.store.enrollments.change_enrollment(before, after), wish, *seats])


def settle(world: World, student_id: int) -> None:
    """Where there is something to do; a call may have changed nothing."""
    world.settle(student_id)
    assert world.record(student_id).wish is None


def there(world: World, course: Product) -> datetime | None:
    """Where Thinkific ends it; None = not within fifty years."""
    (row,) = world.upstream.enrollments(course_id=course.productable_id)
    moment = datetime.fromisoformat(row["expiry_date"]) if row["expiry_date"] else None
    return None if expiry.is_endless(moment, world.clock()) else moment


def test_a_bundle_opens_a_course_whose_own_enrollment_was_ended(
    world: World, boss: User, courses: Sequence[Product], bundles: Sequence[Product]
) -> None:
    student_id = enroll(world, boss, courses[0])
    end(world, student_id, courses[0], world.clock() - timedelta(days=2))
    enroll(world, boss, bundles[0])
    assert [there(world, course) for course in courses[:2]] == [None, None]
    # What is said of the course itself stays said.
    assert world.status(student_id, courses[0]) == "expired"


def test_the_end_of_a_course_does_not_end_what_a_bundle_gives(
    world: World, boss: User, courses: Sequence[Product], bundles: Sequence[Product]
) -> None:
    student_id = enroll(world, boss, courses[0], bundles[0])
    end(world, student_id, courses[0], world.clock() - timedelta(days=2))
    assert there(world, courses[0]) is None
    later = world.clock() + timedelta(days=20)
    end(world, student_id, bundles[0], later)
    assert there(world, courses[0]) == later


@pytest.mark.parametrize("days", [(10, 5), (5, 10), (0, 5), (5, 0)])
def test_of_two_bundles_the_later_end_decides(
    world: World, boss: User, courses: Sequence[Product], bundles: Sequence[Product], days: tuple[int, int]
) -> None:
    for bundle, number in zip(bundles, days, strict=True):
        enroll(world, boss, bundle, days=number)
    ends = [expiry.after_days(world.clock(), number) for number in days]
    last = expiry.later(*ends)
    assert [_about(there(world, course), world) for course in courses] == [
        _about(moment, world) for moment in (last, ends[0], ends[1], ends[1])
    ]


@pytest.mark.parametrize("days", [(5, 60), (60, 5)])
def test_two_bundles_of_one_call_give_a_shared_course_the_later_end_at_once(
    world: World, boss: User, courses: Sequence[Product], bundles: Sequence[Product], days: tuple[int, int]
) -> None:
    for bundle, number in zip(bundles, days, strict=True):
        world.grant(boss, bundle, None, days=number)
    student_id = world.enroll(boss, *bundles).student.id
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert there(world, courses[0]) == world.clock() + timedelta(days=60)
    # The user, looked for and made, and the two bundles.
    assert len(world.upstream.calls()) == 4


def test_the_end_of_one_bundle_leaves_the_course_to_the_other(
    world: World, boss: User, courses: Sequence[Product], bundles: Sequence[Product]
) -> None:
    student_id = enroll(world, boss, *bundles)
    past = world.clock() - timedelta(days=2)
    end(world, student_id, bundles[1], past)
    assert [there(world, course) for course in courses] == [None, None, past, past]
    assert world.status(student_id, bundles[0]) == "active"


def test_a_worker_that_dies_after_ending_the_one_bundle_is_replaced_by_one_that_mends_the_other(
    world: World, boss: User, courses: Sequence[Product], bundles: Sequence[Product]
) -> None:
    student_id = enroll(world, boss, *bundles)
    write_end(world, student_id, bundles[1], world.clock() - timedelta(days=2))
    # Its answer is lost, and so is the worker's next call.
    world.upstream.fault("reset_after", "PUT", "/bundles/.*/enrollments")
    world.upstream.fault("error_before", "*", "", status=500)
    world.settle(student_id)
    assert world.record(student_id).wish is None
    assert there(world, courses[0]) is None


def test_bundles_that_thinkific_builds_by_and_by_end_as_they_should(open_world: Callable[..., World]) -> None:
    world = open_world(async_delay=60, bundle_async_threshold=1)
    boss, course = world.user(), world.course()
    shorter, longer = (world.bundle_of(course, world.course(name)) for name in "BC")
    world.grant(boss, shorter, None, days=5)
    world.grant(boss, longer, None, days=60)
    student_id = world.enroll(boss, longer, shorter).student.id
    assert world.settle(student_id, looks=40) is SyncOutcome.FULFILLED
    (row,) = world.upstream.enrollments(course_id=course.productable_id)
    assert datetime.fromisoformat(row["expiry_date"]) > world.clock() + timedelta(days=50)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rows", ["per_course", "per_user"])
def test_whatever_comes_in_whatever_order(open_world: Callable[..., World], seed: int, rows: str) -> None:
    world = open_world(bundle_rows=rows)
    boss = world.user()
    courses = [world.course(name) for name in "ABCD"]
    bundles = [
        world.bundle_of(*courses[:2]),
        world.bundle_of(courses[0], *courses[2:]),
        world.bundle_of(*courses[1:3]),
    ]
    chance = random.Random(seed)
    enrolled: list[Product] = []
    student_id = 0
    for _ in range(8):
        product = chance.choice([*courses, *bundles])
        if product in enrolled and chance.random() < 0.6:
            days = chance.choice([-3, 3, 20, 3650])
            end(world, student_id, product, world.clock() + timedelta(days=days))
        else:
            student_id = enroll(world, boss, product, days=chance.choice([0, 5, 10, 40]))
            enrolled.append(product)
        world.clock.advance(hours=chance.choice([1, 30, 24 * 6]))
    world.settle(student_id)
    for course in courses:
        ends = list(_live_ends(world, student_id, course, enrolled))
        if ends:
            wanted = None if None in ends else max(moment for moment in ends if moment)
            assert _about(there(world, course), world) == _about(wanted, world)
        elif world.upstream.enrollments(course_id=course.productable_id):
            assert expiry.is_past(there(world, course), world.clock())
    verification = Verification(world.store, world.thinkific, world.notifier, world.clock)
    assert verification.compare(student_id) == []


def _live_ends(
    world: World, student_id: int, course: Product, enrolled: Iterable[Product]
) -> Iterable[datetime | None]:
    for product in set(enrolled):
        is_bundle = product.productable_type is ProductableType.BUNDLE
        enrollment = world.enrollment(student_id, product)
        contains = course.productable_id in product.course_ids if is_bundle else product == course
        if contains and enrollment.status(world.clock()) is not EnrollmentStatus.EXPIRED:
            yield enrollment.expiry_date


def _about(moment: datetime | None, world: World) -> int | None:
    """In minutes from now."""
    return None if moment is None else round((moment - world.clock()).total_seconds() / 60)
