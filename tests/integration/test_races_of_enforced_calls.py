"""Calls that are all or nothing, and calls of more enrollments than one transaction holds, overtaken by others."""

from collections.abc import Callable

import pytest
from tests.integration.crowd import crowd, granted, refused
from tests.integration.desk import NAMES, Desk, enrolling, reference
from tests.integration.overtaking import overtaken
from tests.integration.recount import recount

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment.enrolling import MAX_ENFORCED
from b2b.domain.enrollment.students import StudentView
from b2b.domain.errors import SeatsExhausted
from b2b.domain.identity.users import GrantTerms
from b2b.services.enrollment.students import Enrolling, Names
from b2b.services.identity.users import UserFields


@pytest.fixture
def enforced(desk: Desk) -> "Enforced":
    return Enforced(desk)


class Enforced:
    """As large an enforced call as there is, of a student who is in the first course with another user."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.courses = desk.add_courses(MAX_ENFORCED)
        self.user = desk.add_user("client@example.com", max_seats=2)
        self.other = desk.add_user("other@example.com")
        for course in self.courses:
            desk.grant(self.user, course, 1)
        self.student_id = desk.add_student("ada@example.com", self.other, self.courses[:1])
        desk.add_student("bob@example.com", self.user)

    def call(self) -> StudentView:
        return self.desk.students.upsert("ada@example.com", COUNTESS, self.wanted())[0]

    def wanted(self) -> Enrolling:
        return enrolling(self.user, self.courses, enforce_seats=True)

    def used(self) -> list[int]:
        return [self.desk.users.get(self.user.id).user.seats_used, *map(self._seats, self.courses)]

    def _seats(self, course: Product) -> int:
        return self.desk.seats_used(self.user, course)


COUNTESS = Names(first_name="Countess", last_name="Lovelace")
# What another does between reading and writing, and how many seats are taken then, of the user and in the last course.
REFUSING: dict[str, tuple[Callable[[Enforced], object], int, int]] = {
    "takes the last seat of the last course": (
        lambda call: call.desk.students.enroll("bob@example.com", enrolling(call.user, call.courses[-1:])), 1, 1
    ),
    "takes the last seat of the user": (
        lambda call: call.desk.add_student("carl@example.com", call.user), 2, 0
    ),
    "takes the last seats of the user and of the last course": (
        lambda call: call.desk.add_student("carl@example.com", call.user, call.courses[-1:]), 2, 1
    ),
    "leaves the last course without seats": (
        lambda call: call.desk.grant(call.user, call.courses[-1], 0), 1, 0
    ),
    "ends the grant of the last course": (
        lambda call: call.desk.users.set_access(
            call.user.id, reference(call.courses[-1]), GrantTerms(active=False, enrollment_days=0), 1
        ), 1, 0
    ),
    "leaves the user without seats": (
        lambda call: call.desk.users.update(call.user.id, UserFields(max_seats=0), None), 1, 0
    ),
}  # fmt: skip


@pytest.mark.parametrize(("act", "of_user", "of_last"), REFUSING.values(), ids=REFUSING)
def test_an_enforced_call_overtaken_by_who_leaves_no_seat_changes_nothing(
    desk: Desk, enforced: Enforced, act: Callable[[Enforced], object], of_user: int, of_last: int
) -> None:
    before = desk.students.get(enforced.student_id)
    with overtaken(desk.school, 1, lambda: act(enforced)), pytest.raises(SeatsExhausted):
        enforced.call()
    assert desk.students.get(enforced.student_id) == before
    assert enforced.used() == [of_user, *[0] * (MAX_ENFORCED - 1), of_last]
    assert recount(desk.school) == []


PASSING: dict[str, Callable[[Enforced], object]] = {
    "enrolls the student too": lambda call: call.desk.students.enroll(
        "ada@example.com", enrolling(call.other, call.courses[-1:])
    ),
    "makes the same call": lambda call: call.desk.students.enroll("ada@example.com", call.wanted()),
    "brings the student under the user": lambda call: call.desk.students.associate(
        "ada@example.com", call.user.email
    ),
    "takes the student from its user": lambda call: call.desk.students.dissociate(
        "ada@example.com", call.other.email
    ),
    "deletes the student": lambda call: call.desk.students.delete(call.student_id),
    "renames the student": lambda call: call.desk.students.update(
        call.student_id, Names(first_name="Augusta", last_name="King"), "ada@example.com"
    ),
    "adds seats": lambda call: call.desk.add_seats(call.user, call.courses[-1], 5),
    "frees a seat of the user": lambda call: call.desk.students.dissociate("bob@example.com", call.user.email),
}  # fmt: skip


@pytest.mark.parametrize("act", PASSING.values(), ids=PASSING)
def test_an_enforced_call_overtaken_by_who_leaves_the_seats_is_carried_out_whole(
    desk: Desk, enforced: Enforced, act: Callable[[Enforced], object]
) -> None:
    with overtaken(desk.school, 1, lambda: act(enforced)):
        view = enforced.call()
    assert len(view.enrollments) == MAX_ENFORCED
    assert all(enforced.user.id in found.seat_holders for found, _ in view.enrollments)
    assert view.student.first_name == "Countess"
    assert enforced.used()[1:] == [1] * MAX_ENFORCED
    desk.finish_removals()
    assert recount(desk.school) == []


def test_large_enforced_calls_at_once_take_all_their_seats_or_none(desk: Desk, rounds: range) -> None:
    courses = desk.add_courses(MAX_ENFORCED)
    for turn in rounds:
        user = desk.add_user(f"client-{turn}@example.com")
        for course in courses:
            desk.grant(user, course, 3)
        emails = [f"s{turn}-{number}@example.com" for number in range(8)]
        wanted = enrolling(user, courses, enforce_seats=True)

        def enroll(email: str, wanted: Enrolling = wanted) -> StudentView:
            return desk.students.upsert(email, NAMES, wanted)[0]

        answers = crowd(enroll, emails)
        assert {type(refusal) for refusal in refused(answers)} <= {SeatsExhausted}
        assert [len(view.enrollments) for view in granted(answers)] == [MAX_ENFORCED] * 3
        assert [desk.seats_used(user, course) for course in courses] == [3] * MAX_ENFORCED
        assert desk.users.get(user.id).user.seats_used == 3


@pytest.mark.parametrize("write", [1, 2])
def test_a_call_that_created_the_student_says_so_whatever_came_in_between(desk: Desk, write: int) -> None:
    """40 products are written in two chunks; the second attempt finds what the first has written."""
    courses = desk.add_courses(40)
    user = desk.add_user("client@example.com")

    def enroll_too() -> None:
        if write == 2:
            desk.students.enroll("ada@example.com", enrolling(user, courses[-1:]))
        else:
            desk.add_student("ada@example.com", user, courses[-1:])

    with overtaken(desk.school, write, enroll_too):
        view, created = desk.students.upsert("ada@example.com", NAMES, enrolling(user, courses))
    assert (created, len(view.enrollments)) == (write == 2, 40)
    assert recount(desk.school) == []
