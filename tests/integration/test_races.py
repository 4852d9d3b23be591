"""Many at once on the same records, over the emulator, whose transactions are atomic. Each round of a race is a new one
on new records, and exact in itself.
"""

import random
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests.emulated import Emulated
from tests.integration.crowd import THREADS, crowd, granted, refused
from tests.integration.desk import NAMES, TERMS, Desk, enrolling, reference
from tests.integration.overtaking import overtaken
from tests.integration.queued import enqueued_for, lose_messages
from tests.integration.recount import recount

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment.students import SyncWish
from b2b.domain.errors import ConditionFailed, InvalidInput, LeaseLost, SeatsExhausted
from b2b.domain.identity.users import User
from b2b.domain.kinds import Kind
from b2b.services.enrollment.students import Names
from b2b.services.enrollment.sync.repair import RepairService
from b2b.services.identity.users import UserFields
from b2b.services.pages import PageRequest
from b2b.storage.enrollment.wishes import Wishes

MANY = range(THREADS)


def spellings(name: str) -> list[str]:
    """One e-mail address as many people type it."""
    address = f"{name}@example.com"
    return [(address, address.upper(), address.title())[number % 3] for number in MANY]


def test_seats_added_to_one_grant_add_up(desk: Desk, rounds: range) -> None:
    (course,) = desk.add_courses(1)
    for turn in rounds:
        user = desk.add_user(f"client-{turn}@example.com")
        answers = crowd(partial(desk.add_seats, user, course), range(1, 33))
        assert refused(answers) == []
        ((grant, _),) = desk.users.get(user.id).grants
        assert grant.max_seats == sum(range(1, 33))


def test_seats_added_to_an_unlimited_grant_leave_it_unlimited(desk: Desk, rounds: range) -> None:
    (course,) = desk.add_courses(1)
    for turn in rounds:
        user = desk.add_user(f"client-{turn}@example.com")
        desk.grant(user, course, None)
        answers = crowd(partial(desk.add_seats, user, course), range(1, 33))
        assert refused(answers) == []
        ((grant, _),) = desk.users.get(user.id).grants
        assert grant.max_seats is None


def test_a_limit_set_while_seats_are_added_counts_every_later_addition(desk: Desk, rounds: range) -> None:
    """Set to 1,000 amid additions of 1: in the end it is 1,000 and those that came after."""
    (course,) = desk.add_courses(1)
    for turn in rounds:
        user = desk.add_user(f"client-{turn}@example.com")

        def add_or_set(number: int, user_id: int = user.id) -> None:
            if number == THREADS // 2:
                desk.users.set_access(user_id, reference(course), TERMS, 1_000)
            else:
                desk.users.add_seats(user_id, reference(course), TERMS, 1)

        assert refused(crowd(add_or_set, MANY)) == []
        ((before, _),) = desk.users.get(user.id).grants
        assert before.max_seats is not None
        assert 1_000 <= before.max_seats <= 1_000 + THREADS - 1


def test_upserting_one_email_makes_one_user(desk: Desk, rounds: range) -> None:
    for turn in rounds:
        answers = crowd(partial(desk.users.upsert, fields=UserFields()), spellings(f"u{turn}"))
        views = granted(answers)
        assert len(views) == THREADS
        assert len({view.user.id for view, _ in views}) == 1
        assert [created for _, created in views].count(True) == 1
        assert desk.users.list_page(PageRequest(1, 1)).total == turn + 1


def test_upserting_one_email_makes_one_student(desk: Desk, rounds: range) -> None:
    user, courses = desk.add_user("client@example.com"), desk.add_courses(2)
    for turn in rounds:
        upsert = partial(desk.students.upsert, names=NAMES, enrolling=enrolling(user, courses))
        answers = crowd(upsert, spellings(f"s{turn}"))
        views = granted(answers)
        assert len(views) == THREADS
        assert len({view.student.id for view, _ in views}) == 1
        assert [created for _, created in views].count(True) == 1
        assert desk.students.list_page(PageRequest(1, 1)).total == turn + 1
    assert desk.users.get(user.id).user.seats_used == len(rounds)


def test_only_one_user_is_created_for_an_email(desk: Desk, rounds: range) -> None:
    for turn in rounds:
        answers = crowd(partial(desk.users.create, fields=UserFields()), spellings(f"u{turn}"))
        assert len(granted(answers)) == 1
        refusals = refused(answers)
        assert len(refusals) == THREADS - 1
        for refusal in refusals:
            assert isinstance(refusal, InvalidInput)
            assert refusal.errors == {"email": ["The email has already been taken."]}


@pytest.mark.parametrize("limit", ["account", "product"])
def test_enforced_enrollments_take_no_seat_that_is_not_there(desk: Desk, rounds: range, limit: str) -> None:
    """100 students for 20 seats, half of them known before, under another user; a refused call changes nothing, not
    even in the second course, which has seats for all.
    """
    scarce, plenty = desk.add_courses(2)
    other = desk.add_user("other@example.com")
    for turn in rounds:
        user = desk.add_user(f"client-{turn}@example.com", max_seats=20 if limit == "account" else None)
        desk.grant(user, scarce, 20 if limit == "product" else None)
        desk.grant(user, plenty, None)
        emails = [f"s{turn}-{number}@example.com" for number in range(100)]
        known = granted(crowd(lambda email: desk.add_student(email, other), emails[:50]))
        before = desk.students.list_page(PageRequest(1, 1)).total

        def enroll(email: str, user: User = user, unknown: list[str] = emails[50:]) -> int:
            wanted = enrolling(user, [plenty, scarce], enforce_seats=True)
            if email in unknown:
                return desk.students.upsert(email, NAMES, wanted)[0].student.id
            return desk.students.enroll(email, wanted).student.id

        # Known and unknown in turn, so that the first to come are of both kinds.
        mixed = [email for pair in zip(emails[:50], emails[50:], strict=True) for email in pair]
        answers = crowd(enroll, mixed)

        winners = set(granted(answers))
        assert len(winners) == 20
        expected = ("account", None) if limit == "account" else ("product", scarce.id)
        for refusal in refused(answers):
            assert isinstance(refusal, SeatsExhausted)
            assert [(found.scope, found.product_id) for found in refusal.shortages] == [expected]
        assert desk.seats_used(user, scarce) == desk.seats_used(user, plenty) == 20
        assert desk.users.get(user.id).user.seats_used == 20
        assert set(desk.store.students.ids_of_user(user.id, after=0, limit=1_000)) == winners
        for record in desk.store.students.get_each_record(known):
            assert len(record.enrollments) == (2 if record.student.id in winners else 0)
        created = desk.students.list_page(PageRequest(1, 1)).total - before
        assert created == len(winners - set(known))


def test_each_user_of_a_shared_student_counts_a_seat(desk: Desk) -> None:
    (course,) = desk.add_courses(1)
    users = [desk.add_user(f"client-{number}@example.com") for number in range(2)]
    for user in users:
        desk.grant(user, course, 100)
    emails = [f"s{number}@example.com" for number in range(16)]
    for email in emails:
        desk.add_student(email, users[0])

    pairs = [(email, user) for email in emails for user in users]
    answers = crowd(lambda pair: desk.students.enroll(pair[0], enrolling(pair[1], [course])), pairs)

    assert refused(answers) == []
    assert [desk.seats_used(user, course) for user in users] == [16, 16]
    assert [desk.users.get(user.id).user.seats_used for user in users] == [16, 16]


def test_a_student_enrolled_by_many_takes_each_seat_once(desk: Desk, rounds: range) -> None:
    """Overlapping choices of courses, by both calls that enroll and under ever new names."""
    courses = desk.add_courses(4)
    user = desk.add_user("client@example.com")
    for course in courses:
        desk.grant(user, course, 100)
    draw = random.Random(7)
    for turn in rounds:
        email = f"s{turn}@example.com"
        desk.add_student(email, user)
        choices = [(number, draw.sample(courses, k=2)) for number in MANY]

        def enroll(choice: tuple[int, list[Product]], email: str = email) -> None:
            number, chosen = choice
            wanted = enrolling(user, chosen, enforce_seats=number % 4 == 0)
            if number % 2:
                desk.students.upsert(email, Names(first_name=f"Ada {number}", last_name="Lovelace"), wanted)
            else:
                desk.students.enroll(email, wanted)

        assert refused(crowd(enroll, choices)) == []
        assert [desk.seats_used(user, course) for course in courses] == [turn + 1] * 4
        assert desk.users.get(user.id).user.seats_used == turn + 1


def test_totals_and_ids_are_exact_after_many_were_created(desk: Desk) -> None:
    owner = desk.add_user("owner@example.com")
    emails = [f"p{number}@example.com" for number in range(64)]
    users = granted(crowd(lambda email: desk.add_user(email).id, emails))
    students = granted(crowd(lambda email: desk.add_student(email, owner), emails))
    tokens = granted(crowd(lambda name: desk.tokens.create(name, user_id=owner.id)[0].id, emails))
    for ids in (users, students, tokens):
        assert len(set(ids)) == 64
    assert desk.users.list_page(PageRequest(1, 1)).total == 65
    assert desk.students.list_page(PageRequest(1, 1)).total == 64
    assert desk.store.counters.total(Kind.TOKENS) == 64
    # Ascending in order of creation, however many were created at once before.
    assert desk.add_user("last@example.com").id > max(users)
    assert desk.add_student("last@example.com", owner) > max(students)


def test_one_worker_gets_the_lease_and_one_takes_over_when_it_ends(desk: Desk, rounds: range) -> None:
    user, courses = desk.add_user("client@example.com"), desk.add_courses(1)
    wishes = desk.store.wishes
    for turn in rounds:
        student_id = desk.add_student(f"s{turn}@example.com", user, courses)
        now = datetime.now(UTC)
        until = now + timedelta(seconds=45)
        first = crowd(partial(lease, wishes, student_id, now, until), MANY)
        assert len(granted(first)) == 1
        assert all(isinstance(refusal, ConditionFailed) for refusal in refused(first))

        later = until + timedelta(microseconds=1)
        second = crowd(partial(lease, wishes, student_id, later, later + timedelta(seconds=45)), MANY)
        ((taken_over),) = granted(second)
        assert taken_over.abandoned
        # Whoever lost the lease can neither renew nor fulfil.
        (lost,) = granted(first)
        if lost.lease_owner != taken_over.lease_owner:
            with pytest.raises(LeaseLost):
                wishes.renew_lease(lost, later)
            with pytest.raises(ConditionFailed):
                wishes.fulfil(lost)
        wishes.fulfil(taken_over)


def lease(wishes: Wishes, student_id: int, now: datetime, until: datetime, number: int) -> SyncWish:
    return wishes.lease(student_id, f"worker-{number}", now, until)


def test_a_due_wish_is_rung_for_by_one_repair(desk: Desk, school: Emulated) -> None:
    user, courses = desk.add_user("client@example.com"), desk.add_courses(1)
    ids = [desk.add_student(f"s{number}@example.com", user, courses) for number in range(20)]
    lose_messages(school)

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(days=1)

    enqueued = granted(crowd(lambda _: RepairService(desk.store, desk.queues, later).enqueue_overdue(), range(8)))
    assert sum(enqueued) == len(ids)
    assert sorted(enqueued_for(school)) == ids


# The same without luck: the other call comes between what a call has read and what it writes.


@pytest.mark.parametrize("write", [1, 2])
def test_an_enrollment_overtaken_by_a_dissociation_holds_no_stray_seat(desk: Desk, write: int) -> None:
    """40 products are written in two chunks."""
    courses = desk.add_courses(40)
    user = desk.add_user("client@example.com")
    student_id = desk.add_student("ada@example.com", user)
    with overtaken(desk.school, write, lambda: desk.students.dissociate("ada@example.com", user.email)):
        desk.students.enroll("ada@example.com", enrolling(user, courses))
    assert recount(desk.school) == []
    # The enrollment is the later of the two.
    assert [found.id for found in desk.students.get(student_id).users] == [user.id]
