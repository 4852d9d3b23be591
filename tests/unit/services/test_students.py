"""Students over the table: who is under whom, in which products, and which seats that takes."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.unit.domain.records import product
from tests.unit.services.world import ADA, NAMES, World, reference

from b2b.domain.catalogue.products import ProductReference
from b2b.domain.errors import InvalidInput, NotFound, SeatsExhausted
from b2b.domain.identity.users import User
from b2b.services.enrollment.students import Enrolling, Names
from b2b.services.pages import PageRequest
from b2b.storage.actions import Action
from b2b.storage.table import MAX_TRANSACTION


@pytest.fixture
def other(world: World) -> User:
    return world.user("other@example.com")


def test_a_new_student_is_under_the_user_and_pending(world: World, boss: User) -> None:
    course = world.course()
    view = world.enroll(boss, course)
    assert (view.student.first_name, view.student.email, view.student.thinkific_id) == ("Ada", ADA, None)
    assert [user.id for user in view.users] == [boss.id]
    ((enrollment, product),) = view.enrollments
    assert (product, enrollment.status(world.clock()).value) == (course, "pending")
    read = world.students.get(view.student.id)
    assert (read.student, read.enrollments) == (view.student, view.enrollments)


def test_without_a_user_named_the_student_comes_under_the_one_who_calls(world: World, boss: User) -> None:
    enrolling = Enrolling(user_email=None, acting_user_id=boss.id, references=(), enforce_seats=False)
    view, created = world.students.upsert(ADA, NAMES, enrolling)
    assert ([user.id for user in view.users], created) == ([boss.id], True)


def test_an_upsert_overwrites_the_names_and_adds_enrollments(world: World, boss: User) -> None:
    first = world.enroll(boss, world.course("A"))
    second = world.enroll(boss, world.course("B"), email="ADA@example.com", names=Names(first_name="A", last_name="K"))
    assert second.student.id == first.student.id
    assert (second.student.first_name, second.student.last_name, second.student.email) == ("A", "K", ADA)
    assert [product.name for _, product in second.enrollments] == ["A", "B"]


def test_one_person_may_be_user_and_student(world: World, boss: User) -> None:
    assert world.enroll(boss, email=boss.email).student.email == boss.email


def test_duplicate_references_count_once(world: World, boss: User) -> None:
    course = world.course()
    enrolling = Enrolling(
        user_email=boss.email,
        acting_user_id=0,
        references=[reference(course), ProductReference(course.id), ProductReference(course.productable_id)],
        enforce_seats=False,
    )
    view, _ = world.students.upsert(ADA, NAMES, enrolling)
    assert len(view.enrollments) == 1
    assert world.seats(boss, course) == 1


def test_everything_that_is_wrong_is_said_at_once_and_nothing_changes(world: World, boss: User) -> None:
    course = world.course()
    enrolling = Enrolling(
        user_email="nobody@example.com",
        acting_user_id=boss.id,
        references=[ProductReference(998), reference(course), ProductReference(999)],
        enforce_seats=False,
    )
    with pytest.raises(InvalidInput) as refused:
        world.students.enroll("nobody@example.com", enrolling)
    assert refused.value.errors.keys() == {"email", "user_email", "enrollments.0", "enrollments.2"}
    assert world.students.list_page(PageRequest(1, 15)).total == 0
    assert world.seats(boss, course) == 0


def test_a_product_that_vanished_cannot_be_enrolled(world: World, boss: User) -> None:
    course = world.course()
    world.vanish(course)
    with pytest.raises(InvalidInput) as refused:
        world.enroll(boss, course)
    assert refused.value.errors.keys() == {"enrollments.0"}


def test_nobody_is_read_by_an_unknown_id(world: World) -> None:
    with pytest.raises(NotFound):
        world.students.get(1)


def test_more_enrollments_than_one_write_holds_are_all_there(world: World, boss: User) -> None:
    courses = [product(number) for number in range(1, 34)]
    for course in courses:
        world.store.transact(world.store.products.save(course, None))
    student_id = world.enroll(boss, *courses).student.id
    assert len(world.record(student_id).enrollments) == 33
    related = world.store.lookups.related_records(grants_of=(boss.id, [course.id for course in courses]))
    assert [grant.seats_used for grant in related.grants.values()] == [1] * 33
    assert world.seats(boss) == 1


# Enrolling again


def test_the_later_end_wins_and_takes_no_second_seat(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=30)
    world.enroll(boss, course)
    world.grant(boss, course, 5, days=10)
    view = world.enroll(boss, course, names=None)
    assert view.enrollments[0][0].expiry_date == world.clock() + timedelta(days=30)
    assert (world.seats(boss, course), world.seats(boss)) == (1, 1)


def test_an_expired_enrollment_is_pending_again(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=10)
    student_id = world.enroll(boss, course).student.id
    world.clock.advance(days=11)
    assert world.status(student_id, course) == "expired"
    world.enroll(boss, course, names=None)
    assert world.status(student_id, course) == "pending"
    assert world.enrollment(student_id, course).expiry_date == world.clock() + timedelta(days=10)
    assert world.seats(boss, course) == 1


def test_the_setting_gives_the_end_where_there_is_no_grant(world: World, boss: User) -> None:
    world.store.settings.change_settings(default_enrollment_days=90)
    view = world.enroll(boss, world.course())
    assert view.enrollments[0][0].expiry_date == world.clock() + timedelta(days=90)


def test_a_repeat_that_changes_nothing_writes_no_wish(world: World, boss: User) -> None:
    course = world.course()
    student_id = world.brought(boss, course)
    sent = len(world.sqs.sent)
    world.enroll(boss, course, names=None)
    assert world.record(student_id).wish is None
    assert len(world.sqs.sent) == sent


# Seats


def test_a_shared_student_takes_a_seat_of_each_user_that_enrolled_it(world: World, boss: User, other: User) -> None:
    course = world.course()
    world.enroll(boss, course)
    view = world.enroll(other, course, names=None)
    assert [user.id for user in view.users] == [boss.id, other.id]
    assert [world.seats(user, course) for user in (boss, other)] == [1, 1]
    assert [world.seats(user) for user in (boss, other)] == [1, 1]


def test_a_student_merely_under_a_user_takes_none_of_its_seats_in_a_product(
    world: World, boss: User, other: User
) -> None:
    course = world.course()
    world.enroll(boss, course)
    world.students.associate(ADA, other.email)
    assert (world.seats(other), world.seats(other, course)) == (1, 0)


def test_a_bundle_is_one_seat(world: World, boss: User) -> None:
    bundle = world.bundle(courses=3)
    world.enroll(boss, bundle)
    assert world.seats(boss, bundle) == 1


def test_nothing_is_refused_for_lack_of_seats_and_the_excess_shows(world: World) -> None:
    boss = world.user(max_seats=1)
    course = world.course()
    world.grant(boss, course, 1)
    for name in ("a", "b", "c"):
        world.enroll(boss, course, email=f"{name}@example.com")
    assert (world.seats(boss), world.seats(boss, course)) == (3, 3)


@pytest.mark.parametrize("limit", ["account", "product", "no grant", "ended grant"])
def test_an_enforced_call_beyond_a_limit_changes_nothing(world: World, limit: str) -> None:
    boss = world.user(max_seats=1 if limit == "account" else None)
    free, full = world.course("A"), world.course("B")
    world.grant(boss, free, 5)
    if limit != "no grant":
        world.grant(boss, full, 1 if limit == "product" else 5, active=limit != "ended grant")
    world.enroll(boss, full, email="first@example.com")
    before = world.students.list_page(PageRequest(1, 15))
    with pytest.raises(SeatsExhausted) as refused:
        world.enroll(boss, free, full, enforce=True)
    (shortage,) = refused.value.shortages
    assert shortage.scope == ("account" if limit == "account" else "product")
    assert world.students.list_page(PageRequest(1, 15)) == before
    assert (world.seats(boss), world.seats(boss, free), world.seats(boss, full)) == (1, 0, 1)


def test_an_enforced_call_takes_the_last_seats(world: World) -> None:
    boss, course = world.user(max_seats=1), world.course()
    world.grant(boss, course, 1)
    world.enroll(boss, course, enforce=True)
    world.enroll(boss, course, names=None, enforce=True)
    assert (world.seats(boss), world.seats(boss, course)) == (1, 1)


@pytest.mark.parametrize(
    ("products", "is_known", "enforce", "sizes"),
    [
        (0, False, True, [6]),
        (1, False, True, [11]),
        (25, False, True, [83]),
        (25, True, True, [81]),
        (0, False, False, [6]),
        (30, False, False, [98]),
        (30, True, False, [96]),
        (31, False, False, [98, 7]),
        (60, False, False, [98, 94]),
        (61, True, False, [96, 94, 7]),
    ],
)
def test_the_largest_transactions_have_room_for_one_action_more(
    world: World, monkeypatch: pytest.MonkeyPatch, products: int, is_known: bool, enforce: bool, sizes: list[int]
) -> None:
    boss = world.user(max_seats=None)
    courses = [product(number) for number in range(1, products + 1)]
    for course in courses:
        world.store.transact(world.store.products.save(course, None))
        if enforce:
            world.grant(boss, course, 1)
    if is_known:
        world.enroll(world.user("other@example.com"))
    written: list[Sequence[Action]] = []
    transact = world.store.transact

    def note(actions: Sequence[Action]) -> None:
        written.append(actions)
        transact(actions)

    monkeypatch.setattr(world.store, "transact", note)
    names = Names(first_name="Augusta", last_name="King")
    view = world.enroll(boss, *courses, names=names, enforce=enforce)
    assert [len(actions) for actions in written] == sizes
    assert max(sizes) < MAX_TRANSACTION
    # DynamoDB takes 4 MB in one.
    assert max(len(repr(actions)) for actions in written) < 200_000
    assert len(view.enrollments) == products


def test_dissociating_frees_the_seats_of_that_user_and_keeps_the_enrollments(
    world: World, boss: User, other: User
) -> None:
    course = world.course()
    world.enroll(boss, course)
    world.enroll(other, course, names=None)
    view = world.students.dissociate(ADA, boss.email)
    assert [user.id for user in view.users] == [other.id]
    assert len(view.enrollments) == 1
    assert (world.seats(boss), world.seats(boss, course)) == (0, 0)
    assert (world.seats(other), world.seats(other, course)) == (1, 1)


def test_dissociating_twice_frees_once(world: World, boss: User) -> None:
    course = world.course()
    world.enroll(boss, course)
    world.enroll(boss, course, email="b@example.com")
    world.students.dissociate(ADA, boss.email)
    world.students.dissociate(ADA, boss.email)
    assert (world.seats(boss), world.seats(boss, course)) == (1, 1)


def test_deleting_frees_the_seats_of_all_and_the_address(world: World, boss: User, other: User) -> None:
    course = world.course()
    student_id = world.enroll(boss, course).student.id
    world.enroll(other, course, names=None)
    world.students.delete(student_id)
    with pytest.raises(NotFound):
        world.students.get(student_id)
    assert [world.seats(user, course) for user in (boss, other)] == [0, 0]
    assert [world.seats(user) for user in (boss, other)] == [0, 0]
    assert world.enroll(boss).student.id > student_id


# Addresses


def test_an_address_of_another_student_is_not_taken_over(world: World, boss: User) -> None:
    student_id = world.enroll(boss).student.id
    world.enroll(boss, email="b@example.com")
    with pytest.raises(InvalidInput) as refused:
        world.students.update(student_id, NAMES, "B@example.com")
    assert refused.value.errors == {"email": ["The email has already been taken."]}


def test_a_changed_address_follows_in_thinkific(world: World, boss: User) -> None:
    student_id = world.brought(boss, world.course())
    world.students.update(student_id, NAMES, "new@example.com")
    world.settle(student_id)
    assert [user["email"] for user in world.upstream.users()] == ["new@example.com"]


# Lists


def test_students_are_listed_in_order_with_what_belongs_to_them(world: World, boss: User, other: User) -> None:
    course = world.course()
    world.enroll(boss, course, email="a@example.com")
    world.enroll(other, email="b@example.com")
    page = world.students.list_page(PageRequest(1, 15))
    assert [view.student.email for view in page.records] == ["a@example.com", "b@example.com"]
    assert [[user.id for user in view.users] for view in page.records] == [[boss.id], [other.id]]
    assert [len(view.enrollments) for view in page.records] == [1, 0]
