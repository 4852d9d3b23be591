from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.clock import START
from tests.unit.domain.records import enrollment, product

from b2b.domain.enrollment import enrollments
from b2b.domain.enrollment.enrollments import EnrollmentStatus

LATER = START + timedelta(days=5)
CONFIRMED = {"confirmed_version": 1}
FAILED = {"failed_version": 1, "error": "no"}

PENDING, ACTIVE, EXPIRED = EnrollmentStatus.PENDING, EnrollmentStatus.ACTIVE, EnrollmentStatus.EXPIRED


@pytest.mark.parametrize(
    ("days", "state", "status", "is_open"),
    [
        (None, {}, PENDING, True),
        (10, {}, PENDING, True),
        (None, CONFIRMED, ACTIVE, False),
        (10, CONFIRMED, ACTIVE, False),
        (5, CONFIRMED, EXPIRED, False),
        (1, {}, EXPIRED, True),
        (10, FAILED, EnrollmentStatus.FAILED, False),
        (1, FAILED, EnrollmentStatus.FAILED, False),
        (None, {"version": 3, "confirmed_version": 2}, PENDING, True),
        (None, {"version": 3, "failed_version": 2, "confirmed_version": 1}, PENDING, True),
        (None, {"version": 3, "failed_version": 2, "confirmed_version": 3}, ACTIVE, False),
    ],
    ids=[
        "new",
        "new with an end",
        "confirmed",
        "confirmed with an end to come",
        "at its very end",
        "past its end before Thinkific knew it",
        "refused",
        "refused and past its end",
        "changed since it was confirmed",
        "changed since it was refused",
        "confirmed after an earlier refusal",
    ],
)
def test_status_on_reading(days: int | None, state: dict[str, Any], status: EnrollmentStatus, is_open: bool) -> None:
    found = enrollment(days, **state)
    assert (found.status(LATER), found.is_open) == (status, is_open)


def test_a_new_enrollment_is_wanted_and_not_confirmed() -> None:
    made = enrollments.new(product(7), 42, LATER, START)
    assert (made.product_id, made.productable_id, made.student_id) == (1007, 7, 42)
    assert (made.activated_at, made.expiry_date) == (START, LATER)
    assert made.status(START) is PENDING


@pytest.mark.parametrize(
    ("before", "asked"),
    [(10, 20), (10, None), (1, 8), (1, None)],
    ids=["a later end", "no end", "an end of its own where it had ended", "no end where it had ended"],
)
def test_enrolling_again_gives(before: int, asked: int | None) -> None:
    wanted = None if asked is None else START + timedelta(days=asked)
    again = enrollments.enroll_again(enrollment(before, **CONFIRMED), wanted, LATER)
    assert (again.expiry_date, again.version, again.updated_at) == (wanted, 2, LATER)
    assert again.status(LATER) is PENDING


@pytest.mark.parametrize(
    ("before", "asked"),
    [(10, 10), (10, 7), (None, 20), (None, None)],
    ids=["the same end", "an earlier end", "an end where there was none", "no end again"],
)
def test_enrolling_again_never_shortens_and_then_changes_nothing(before: int | None, asked: int | None) -> None:
    found = enrollment(before, **CONFIRMED)
    asked_end = None if asked is None else START + timedelta(days=asked)
    assert enrollments.enroll_again(found, asked_end, LATER) is found


def test_enrolling_again_while_pending_asks_for_nothing_new() -> None:
    found = enrollment(10)
    assert enrollments.enroll_again(found, START + timedelta(days=10), LATER) is found


@pytest.mark.parametrize(("before", "asked", "after"), [(10, 10, 10), (10, 7, 10), (10, 20, 20), (1, 8, 8)])
def test_enrolling_again_retries_a_failed_one(before: int, asked: int, after: int) -> None:
    found = enrollment(before, **FAILED)
    again = enrollments.enroll_again(found, START + timedelta(days=asked), LATER)
    assert again.status(LATER) is PENDING
    assert again.expiry_date == START + timedelta(days=after)


def test_an_end_set_as_such_shortens_too() -> None:
    changed = enrollments.with_expiry(enrollment(10, **CONFIRMED), LATER, START)
    assert (changed.expiry_date, changed.is_exact, changed.version) == (LATER, True, 2)


def test_setting_the_end_that_was_set_changes_nothing() -> None:
    found = enrollment(5, **CONFIRMED, is_exact=True)
    assert enrollments.with_expiry(found, LATER, START) is found


def test_setting_the_end_that_there_is_shortens_what_thinkific_may_have() -> None:
    changed = enrollments.with_expiry(enrollment(5, **CONFIRMED), LATER, START)
    assert (changed.expiry_date, changed.is_exact, changed.version) == (LATER, True, 2)


def test_setting_the_end_of_a_failed_one_retries_it() -> None:
    assert enrollments.with_expiry(enrollment(5, **FAILED), LATER, START).status(START) is PENDING


def test_enrolling_again_after_a_set_end_does_not_shorten_any_more() -> None:
    ended = enrollments.with_expiry(enrollment(10, **CONFIRMED), START, START)
    assert enrollments.enroll_again(replace(ended, confirmed_version=2), None, LATER).is_exact is False


def test_a_set_end_that_thinkific_was_not_told_of_still_replaces_what_it_has() -> None:
    ended = enrollments.with_expiry(enrollment(10, **CONFIRMED), START, START)
    assert enrollments.enroll_again(ended, None, LATER).is_exact is True


SEATS = {"seat_holders": frozenset({1, 2})}


def test_an_end_that_is_past_frees_the_seats_until_it_is_taken_back() -> None:
    ended = enrollments.with_expiry(enrollment(10, **SEATS), START, START)
    assert (ended.seat_holders, ended.former_holders) == (frozenset(), frozenset({1, 2}))
    again = enrollments.with_expiry(ended, LATER, START)
    assert (again.seat_holders, again.former_holders) == (frozenset({1, 2}), frozenset())


def test_an_end_to_come_frees_no_seat() -> None:
    assert enrollments.with_expiry(enrollment(10, **SEATS), LATER, START).seat_holders == {1, 2}


def test_a_user_who_no_longer_counts_the_enrollment_leaves_what_is_wanted_alone() -> None:
    found = enrollment(10, **SEATS)
    left = enrollments.without_holder(found, 1)
    assert (left.seat_holders, left.version) == (frozenset({2}), found.version)
