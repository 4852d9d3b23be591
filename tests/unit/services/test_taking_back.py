"""An enforced call that is refused after some of it was written: what it gives back, and what it leaves alone."""

from collections.abc import Callable, Sequence

import pytest
from tests.unit.domain.records import product
from tests.unit.services.world import ADA, NAMES, World

from b2b.domain.errors import SeatsExhausted, TooManyRequests, WriteConflict
from b2b.domain.products import Product
from b2b.domain.users import User
from b2b.services import contention, enrolling
from b2b.services.students import Names
from b2b.storage.table import Action

OTHER_NAMES = Names(first_name="Augusta", last_name="King")


@pytest.fixture
def courses(world: World, boss: User, monkeypatch: pytest.MonkeyPatch) -> Sequence[Product]:
    """Too many for one transaction, with a seat each."""
    monkeypatch.setattr(enrolling, "_ENROLLMENTS_IN_ONE_WRITE", 2)
    made = [product(number) for number in range(1, 4)]
    for course in made:
        world.store.transact(world.store.products.save(course, None))
        world.grant(boss, course, 1)
    return made


@pytest.fixture
def before_piece(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    """Does something just before the transaction with that number; what it writes itself does not count."""

    def do(number: int, act: Callable[[], object]) -> None:
        real, numbers = world.store.transact, iter(range(1, 1_000))

        def transact(actions: Sequence[Action]) -> None:
            if next(numbers) == number:
                monkeypatch.setattr(world.store, "transact", real)
                act()
            real(actions)

        monkeypatch.setattr(world.store, "transact", transact)

    return do


BeforePiece = Callable[[int, Callable[[], object]], None]


def take_the_last(world: World, boss: User, courses: Sequence[Product]) -> None:
    world.enroll(boss, courses[-1], email="bob@example.com")


def refuse(world: World, boss: User, courses: Sequence[Product], *, names: Names | None = None) -> None:
    with pytest.raises(SeatsExhausted):
        world.enroll(boss, *courses, names=names, enforce=True)


def confirmed(world: World, student_id: int, course: Product) -> None:
    """As the sync leaves what it has brought about."""
    world.store.students.confirm_enrollment(world.enrollment(student_id, course))


def test_the_names_and_the_association_are_what_they_were(
    world: World, boss: User, courses: Sequence[Product], before_piece: BeforePiece
) -> None:
    other = world.user("other@example.com")
    student_id = world.enroll(other).student.id
    before = world.students.get(student_id)
    world.clock.advance(seconds=1)
    before_piece(2, lambda: take_the_last(world, boss, courses))
    refuse(world, boss, courses, names=OTHER_NAMES)
    after = world.students.get(student_id)
    assert (after.student.first_name, after.student.updated_at) == ("Ada", before.student.updated_at)
    assert (after.users, after.enrollments) == (before.users, ())
    assert (world.seats(boss), world.seats(boss, courses[0])) == (1, 0)


def test_names_that_others_have_given_meanwhile_stay(
    world: World, boss: User, courses: Sequence[Product], before_piece: BeforePiece
) -> None:
    student_id = world.enroll(world.user("other@example.com")).student.id

    def act() -> None:
        world.students.update(student_id, Names(first_name="Countess", last_name="Lovelace"), ADA)
        take_the_last(world, boss, courses)

    before_piece(2, act)
    refuse(world, boss, courses)
    assert world.record(student_id).student.first_name == "Countess"


def test_a_student_that_only_the_call_has_made_is_gone(
    world: World, boss: User, courses: Sequence[Product], before_piece: BeforePiece
) -> None:
    before_piece(2, lambda: take_the_last(world, boss, courses))
    refuse(world, boss, courses, names=NAMES)
    assert world.store.lookups.find(student_email=ADA).student_id is None
    assert (world.seats(boss), world.seats(boss, courses[0]), world.seats(boss, courses[-1])) == (1, 0, 1)


def test_a_student_whom_the_same_user_was_given_meanwhile_stays_under_it(
    world: World, boss: User, courses: Sequence[Product], before_piece: BeforePiece
) -> None:
    def act() -> None:
        world.students.associate(ADA, boss.email)
        take_the_last(world, boss, courses)

    before_piece(2, act)
    refuse(world, boss, courses, names=NAMES)
    student_id = world.store.lookups.find(student_email=ADA).student_id
    assert student_id is not None
    view = world.students.get(student_id)
    assert ([user.id for user in view.users], view.enrollments) == ([boss.id], ())
    assert world.seats(boss) == 2


def test_what_thinkific_has_heard_of_meanwhile_is_ended_there(
    world: World, boss: User, courses: Sequence[Product], before_piece: BeforePiece
) -> None:
    student_id = world.enroll(boss).student.id

    def act() -> None:
        confirmed(world, student_id, courses[0])
        take_the_last(world, boss, courses)

    before_piece(2, act)
    refuse(world, boss, courses)
    ((enrollment, _),) = world.students.get(student_id).enrollments
    assert (enrollment.product_id, enrollment.status(world.clock()).value) == (courses[0].id, "expired")
    assert (enrollment.is_open, enrollment.seat_holders, enrollment.former_holders) == (True, frozenset(), frozenset())
    assert world.record(student_id).wish is not None
    assert world.seats(boss, courses[0]) == 0


def test_an_end_that_thinkific_was_told_to_lift_meanwhile_is_wanted_again(
    world: World, boss: User, courses: Sequence[Product], before_piece: BeforePiece
) -> None:
    other = world.user("other@example.com")
    world.grant(other, courses[0], None, days=1)
    student_id = world.enroll(other, courses[0]).student.id
    confirmed(world, student_id, courses[0])
    before = world.enrollment(student_id, courses[0])

    def act() -> None:
        confirmed(world, student_id, courses[0])
        take_the_last(world, boss, courses)

    before_piece(2, act)
    refuse(world, boss, courses)
    after = world.enrollment(student_id, courses[0])
    assert (after.expiry_date, after.seat_holders, after.updated_at) == (
        before.expiry_date,
        frozenset({other.id}),
        before.updated_at,
    )
    # It may have to be shortened there.
    assert (after.is_open, after.is_exact) == (True, True)


def test_a_call_that_gives_up_has_changed_nothing(
    world: World, boss: User, courses: Sequence[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contention, "_LONGEST_PAUSE", 0.0)
    real, numbers = world.store.transact, iter(range(1, 1_000))

    def transact(actions: Sequence[Action]) -> None:
        # The first piece of the first attempt is written; every attempt meets others then.
        if 1 < next(numbers) <= contention._TRIES + 1:
            raise WriteConflict
        real(actions)

    student_id = world.enroll(boss).student.id
    monkeypatch.setattr(world.store, "transact", transact)
    with pytest.raises(TooManyRequests):
        world.enroll(boss, *courses, names=NAMES, enforce=True)
    view = world.students.get(student_id)
    assert (view.enrollments, world.seats(boss), world.seats(boss, courses[0])) == ((), 1, 0)
