"""What no series of changes to an enrollment may break, whatever the changes and whenever they come."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.clock import START
from tests.unit.domain.records import enrollment

from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.enrollments import (
    Enrollment,
    EnrollmentStatus,
    enroll_again,
    with_expiry,
    without_holder,
    without_seats_of,
)

# The same examples each time: a failure is of the change at hand.
steady = settings(derandomize=True, deadline=None, database=None)

Change = Callable[[Enrollment, datetime], Enrollment]


class Named:
    """A change that says what it is when an example fails."""

    def __init__(self, name: str, change: Change) -> None:
        self._name = name
        self.change = change

    def __call__(self, found: Enrollment, now: datetime) -> Enrollment:
        return self.change(found, now)

    def __repr__(self) -> str:
        return self._name


def end(days: int | None) -> datetime | None:
    return None if days is None else START + timedelta(days=days)


DAYS = st.none() | st.integers(-3, 3)
USERS = st.integers(1, 3)
MOMENTS = st.integers(-2, 2).map(lambda days: START + timedelta(days=days))


def _again(days: int | None) -> Named:
    return Named(f"enroll_again({days})", lambda found, now: enroll_again(found, end(days), now))


def _expire(days: int | None) -> Named:
    return Named(f"with_expiry({days})", lambda found, now: with_expiry(found, end(days), now))


def _leave(user: int) -> Named:
    return Named(f"without_holder({user})", lambda found, _: without_holder(found, user))


def _sweep(users: frozenset[int]) -> Named:
    """Only those are swept who hold a seat."""
    return Named(
        f"without_seats_of({set(users)})", lambda found, _: without_seats_of(found, users & found.seat_holders)
    )


AGAIN, EXPIRE = DAYS.map(_again), DAYS.map(_expire)
CHANGES = st.one_of(AGAIN, EXPIRE, USERS.map(_leave), st.frozensets(USERS).map(_sweep))


@st.composite
def enrolled(draw: st.DrawFn) -> Enrollment:
    version = draw(st.integers(1, 2))
    confirmed, failed = draw(st.sampled_from([(0, 0), (version, 0), (0, version), (version - 1, 0), (0, version - 1)]))
    days = draw(DAYS)
    of_each = draw(st.dictionaries(USERS, st.booleans()))
    return enrollment(
        days,
        version=version,
        confirmed_version=confirmed,
        failed_version=failed,
        is_exact=days is not None and draw(st.booleans()),
        seat_holders=frozenset(user for user, holds in of_each.items() if holds),
        former_holders=frozenset(user for user, holds in of_each.items() if not holds),
    )


@steady
@given(found=enrolled(), steps=st.lists(st.tuples(CHANGES, MOMENTS), max_size=6))
def test_a_version_stands_for_one_wish_and_a_user_has_one_place(
    found: Enrollment, steps: list[tuple[Named, datetime]]
) -> None:
    wishes = {found.version: (found.expiry_date, found.is_exact)}
    for change, now in sorted(steps, key=lambda step: step[1]):
        before, found = found, change(found, now)
        assert found.version in (before.version, before.version + 1)
        assert found.revision == before.revision, "only the table counts revisions"
        assert wishes.setdefault(found.version, (found.expiry_date, found.is_exact)) == (
            found.expiry_date,
            found.is_exact,
        )
        assert found.is_open or found.version == before.version, "what changes is to be told to Thinkific"
        assert not found.seat_holders & found.former_holders
        assert found.seat_holders | found.former_holders <= before.seat_holders | before.former_holders
        assert (found.confirmed_version, found.failed_version) == (before.confirmed_version, before.failed_version)


@steady
@given(found=enrolled(), change=CHANGES, now=MOMENTS)
def test_a_change_made_twice_is_made_once(found: Enrollment, change: Named, now: datetime) -> None:
    once = change(found, now)
    assert change(once, now) == once


@steady
@given(found=enrolled(), days=DAYS, now=MOMENTS)
def test_enrolling_again_leaves_the_later_end_and_the_seats(found: Enrollment, days: int | None, now: datetime) -> None:
    again = enroll_again(found, end(days), now)
    has_ended = expiry.is_past(found.expiry_date, now)
    assert again.expiry_date == (end(days) if has_ended else expiry.later(found.expiry_date, end(days)))
    assert (again.seat_holders, again.former_holders) == (found.seat_holders, found.former_holders)
    assert again.status(now) is not EnrollmentStatus.FAILED
    # Where Thinkific has still to be told of an end that was set, it may go on asking for a shorter one.
    assert again is found or not again.is_exact or (found.is_exact and found.confirmed_version != found.version)


@steady
@given(found=enrolled(), changes=st.lists(AGAIN, max_size=4), now=MOMENTS)
def test_enrolling_again_and_again_comes_to_the_same_in_any_order(
    found: Enrollment, changes: list[Named], now: datetime
) -> None:
    """While it goes on: an ended one starts with whichever call comes first."""
    if expiry.is_past(found.expiry_date, now):
        found = replace(found, expiry_date=None)
    forwards = backwards = found
    for one, other in zip(changes, reversed(changes), strict=True):
        forwards, backwards = one(forwards, now), other(backwards, now)
    assert forwards.expiry_date == backwards.expiry_date


@steady
@given(found=enrolled(), days=DAYS, now=MOMENTS)
def test_an_end_set_as_such_is_that_end_and_moves_all_seats(found: Enrollment, days: int | None, now: datetime) -> None:
    changed = with_expiry(found, end(days), now)
    assert changed.expiry_date == end(days)
    assert changed.status(now) is not EnrollmentStatus.FAILED
    assert changed.seat_holders | changed.former_holders == found.seat_holders | found.former_holders
    assert not (changed.seat_holders if expiry.is_past(end(days), now) else changed.former_holders)
    assert changed is found or changed.is_exact


@steady
@given(found=enrolled(), days=DAYS, now=MOMENTS)
def test_an_end_that_is_taken_back_gives_the_seats_back(found: Enrollment, days: int | None, now: datetime) -> None:
    going_on = with_expiry(found, None, now)
    ended = with_expiry(going_on, end(days), now)
    back = with_expiry(ended, None, now)
    assert (back.seat_holders, back.former_holders) == (going_on.seat_holders, frozenset())


@steady
@given(found=enrolled(), user=USERS)
def test_who_leaves_an_enrollment_has_no_place_in_it_and_changes_no_wish(found: Enrollment, user: int) -> None:
    left = without_holder(found, user)
    assert user not in left.seat_holders | left.former_holders
    assert replace(left, seat_holders=found.seat_holders, former_holders=found.former_holders) == found


@steady
@given(found=enrolled(), users=st.frozensets(USERS))
def test_seats_that_an_end_has_freed_are_remembered(found: Enrollment, users: frozenset[int]) -> None:
    swept = _sweep(users)(found, START)
    assert swept.seat_holders == found.seat_holders - users
    assert swept.seat_holders | swept.former_holders == found.seat_holders | found.former_holders
    assert replace(swept, seat_holders=found.seat_holders, former_holders=found.former_holders) == found
