"""Seats taken and released by many at once: whichever comes last, a seat is held only by a user whom the student is
under, and each is counted. Each round of a race is a new one on new records.
"""

import random
from dataclasses import dataclass
from functools import partial

import pytest
from tests.integration.crowd import THREADS, crowd, granted, refused
from tests.integration.desk import NAMES, Desk, enrolling, reference
from tests.integration.recount import recount

from b2b.domain import dates
from b2b.domain.catalogue.products import Product
from b2b.domain.errors import InvalidInput, NotFound
from b2b.domain.identity.users import User
from b2b.domain.integrity.recount import UserCounts
from b2b.domain.timestamps import utc_now
from b2b.domain.work.operation_states import ExpiryChangeState
from b2b.domain.work.operations import OperationStatus
from b2b.services.enrollment.expiries import ExpiryChange
from b2b.services.work.operation_worker import AdvanceOutcome, state_of

MANY = range(THREADS)
EXPIRE_NOW = ExpiryChange(kind="expire_now")
NO_EXPIRY = ExpiryChange(kind="no_expiry")
AT_A_DATE = ExpiryChange(kind="date", date=dates.parse("2040-06-30"))
CHANGES = [(AT_A_DATE, EXPIRE_NOW), (EXPIRE_NOW, NO_EXPIRY), (EXPIRE_NOW, EXPIRE_NOW)]


@dataclass(frozen=True, slots=True)
class Move:
    what: str
    email: str
    user: User
    course: Product


def make(desk: Desk, move: Move) -> str | None:
    """The id of the operation, where the move starts one."""
    match move.what:
        case "enroll":
            desk.students.enroll(move.email, enrolling(move.user, [move.course]))
        case "upsert":
            desk.students.upsert(move.email, NAMES, enrolling(move.user, [move.course]))
        case "dissociate":
            desk.students.dissociate(move.email, move.user.email)
        case "delete":
            student_id = desk.store.lookups.find(student_email=move.email).student_id
            if student_id is not None:
                desk.students.delete(student_id)
        case "expire":
            operation = desk.expiries.change_expiry(move.user.id, reference(move.course), EXPIRE_NOW)
            desk.advance(operation.id)
            return operation.id
    return None


def test_seats_taken_and_released_by_every_call_stay_counted(desk: Desk, rounds: range) -> None:
    """Enrolling, enrolling again, dissociating, deleting, creating again and ending, on two users with eight students
    in two courses.
    """
    courses = desk.add_courses(2)
    for turn in rounds:
        draw = random.Random(turn)
        users = [desk.add_user(f"client-{turn}-{number}@example.com") for number in range(2)]
        emails = [f"s{turn}-{number}@example.com" for number in range(8)]
        for email in emails:
            desk.add_student(email, draw.choice(users), courses[:1])
        kinds = draw.choices(["enroll", "upsert", "dissociate", "delete", "expire"], weights=[6, 4, 4, 2, 2], k=96)
        moves = [Move(kind, draw.choice(emails), draw.choice(users), draw.choice(courses)) for kind in kinds]

        answers = crowd(partial(make, desk), moves)

        for refusal in refused(answers):
            # Of a student who was deleted just before.
            assert isinstance(refusal, NotFound) or (
                isinstance(refusal, InvalidInput) and set(refusal.errors) == {"email"}
            )
        for operation_id in filter(None, granted(answers)):
            operation = desk.finish_expiry(operation_id)
            assert operation.status is OperationStatus.SUCCEEDED
            assert operation.done == operation.total <= len(emails)
        desk.finish_removals()
        assert recount(desk.school) == []


def test_two_changes_of_one_users_ends_at_once_are_each_whole(desk: Desk, rounds: range) -> None:
    """Sixteen workers at each of the two, as if its message were delivered so often."""
    (course,) = desk.add_courses(1)
    for turn in rounds:
        changes = CHANGES[turn % len(CHANGES)]
        user = desk.add_user(f"client-{turn}@example.com")
        emails = [f"s{turn}-{number}@example.com" for number in MANY]
        ids = sorted(granted(crowd(partial(desk.add_student, user=user, courses=[course]), emails)))
        started = [desk.expiries.change_expiry(user.id, reference(course), change) for change in changes]

        outcomes = crowd(desk.advance, [started[number % 2].id for number in MANY])

        assert refused(outcomes) == []
        assert {*outcomes} <= {AdvanceOutcome.POSTPONED, AdvanceOutcome.OVERTAKEN}
        ends = [state_of(operation, ExpiryChangeState).end for operation in started]
        versions = [
            {item.student_id: item.version for item in desk.store.operations.items(operation.id, after=0, limit=100)}
            for operation in started
        ]
        holders = 0
        for student_id in ids:
            enrollment = desk.store.enrollments.get_enrollment(student_id, course.id)
            assert enrollment is not None
            first, second = (of_one[student_id] for of_one in versions)
            # Each change is a version of its own, unless it finds the end there already.
            assert {first, second} == ({2, 3} if ends[0] != ends[1] else {2})
            assert enrollment.version == max(first, second)
            assert enrollment.expiry_date == (ends[0] if first > second else ends[1])
            has_ended = enrollment.expiry_date <= utc_now()
            assert enrollment.seat_holders == (frozenset() if has_ended else {user.id})
            assert enrollment.former_holders == ({user.id} if has_ended else frozenset())
            holders += not has_ended
        counted = desk.store.recounts.counted(user.id)
        assert counted is not None
        assert (counted.students, counted.seats) == (THREADS, {course.id: holders})
        for operation in map(desk.finish_expiry, [operation.id for operation in started]):
            assert (operation.status, operation.total, operation.done) == (OperationStatus.SUCCEEDED, THREADS, THREADS)


def test_students_taken_away_while_they_are_enrolled_leave_no_seat_behind(desk: Desk, rounds: range) -> None:
    courses = desk.add_courses(3)
    users = [desk.add_user(f"client-{number}@example.com") for number in range(2)]
    for turn in rounds:
        email = f"s{turn}@example.com"
        for user in users:
            desk.add_student(email, user, courses[:1])

        def act(number: int, email: str = email) -> None:
            user, course = users[number % 2], courses[number // 2 % 3]
            if number % 5 == 0:
                desk.students.dissociate(email, user.email)
            else:
                desk.students.enroll(email, enrolling(user, [course]))

        assert refused(crowd(act, MANY)) == []
        assert recount(desk.school) == []


@pytest.mark.parametrize("comes_again", [False, True], ids=["for good", "and created again"])
def test_a_student_deleted_while_it_is_enrolled_leaves_nothing_behind(
    desk: Desk, rounds: range, comes_again: bool
) -> None:
    """Gone entirely, or, where others upsert the e-mail, there as another student, and counted."""
    courses = desk.add_courses(2)
    for turn in rounds:
        user = desk.add_user(f"client-{turn}@example.com")
        email = f"s{turn}@example.com"
        deleted = desk.add_student(email, user, courses[:1])

        def act(number: int, user: User = user, email: str = email, deleted: int = deleted) -> None:
            if number == THREADS // 2:
                desk.students.delete(deleted)
            elif comes_again and number % 2:
                desk.students.upsert(email, NAMES, enrolling(user, courses))
            else:
                desk.students.enroll(email, enrolling(user, courses))

        for refusal in refused(crowd(act, MANY)):
            assert isinstance(refusal, InvalidInput)
            assert set(refusal.errors) == {"email"}
        desk.finish_removals()
        with pytest.raises(NotFound):
            desk.students.get(deleted)
        assert desk.store.students.get_remains(deleted) == ([], [])
        now = desk.store.lookups.find(student_email=email).student_id
        assert now is None or (comes_again and now > deleted)
        there = [] if now is None else [now]
        assert desk.store.students.ids_of_user(user.id, after=0, limit=10) == there
        seats = {course.id: 1 for course in courses} if there else {}
        assert desk.store.recounts.found(user.id) == UserCounts(students=len(there), seats=seats)
        assert recount(desk.school) == []


def test_a_user_deleted_while_its_students_are_enrolled_leaves_nothing_behind(desk: Desk, rounds: range) -> None:
    """Both of a student's users enroll it; one of them goes."""
    (course,) = desk.add_courses(1)
    admin, stays = desk.add_user("admin@example.com"), desk.add_user("stays@example.com")
    for turn in rounds:
        goes = desk.add_user(f"goes-{turn}@example.com")
        emails = [f"s{turn}-{number}@example.com" for number in range(4)]
        for email in emails:
            desk.add_student(email, goes)

        def act(number: int, goes: User = goes, emails: list[str] = emails) -> None:
            if number == 6:
                desk.user_removal.delete(goes.id, acting_user_id=admin.id)
            else:
                desk.students.enroll(emails[number % 4], enrolling((goes, stays)[number % 2], [course]))

        refusals = refused(crowd(act, MANY))
        assert all(isinstance(refusal, InvalidInput) for refusal in refusals)
        desk.finish_removals()
        assert recount(desk.school) == []
