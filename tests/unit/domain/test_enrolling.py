from datetime import timedelta
from typing import Any

import pytest
from tests.unit.clock import START
from tests.unit.domain.records import association, enrollment, grant, product, record, student, user

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment.enrolling import EnrollmentPlan, plan
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.errors import SeatShortage
from b2b.domain.identity.users import Grant, Group, User

SAFETY, FIRE = product(1), product(2)


def planned(
    *products: Product,
    by: User | None = None,
    before: StudentRecord | None = None,
    grants: tuple[Grant, ...] = (),
    default_days: int = 0,
) -> EnrollmentPlan:
    return plan(
        user=by or user(),
        student=before.student if before else student(),
        record=before,
        products=products,
        grants={found.product_id: found for found in grants},
        default_days=default_days,
        now=START,
    )


def shortage(scope: str, product_id: int | None, limit: int, used: int) -> SeatShortage:
    return SeatShortage(scope=scope, product_id=product_id, max_seats=limit, seats_used=used, requested=1)


def test_a_first_enrollment_associates_and_takes_a_seat() -> None:
    found = planned(SAFETY)
    (change,) = found.changes
    assert found.association == association()
    assert change.before is None
    assert change.takes_seat
    assert change.after.seat_holders == {1}


def test_a_student_under_the_user_already_is_not_associated_again() -> None:
    assert planned(SAFETY, before=record(associations=(association(),))).association is None


def test_being_under_another_user_is_not_being_under_this_one() -> None:
    found = planned(SAFETY, before=record(associations=(association(user_id=2),)))
    assert found.association == association(user_id=1)


def test_enrolling_again_without_a_change_lists_nothing() -> None:
    before = record(enrollment(seat_holders=frozenset({1})), associations=(association(),))
    assert planned(SAFETY, before=before).changes == ()


def test_enrolling_again_with_a_later_end_takes_no_second_seat() -> None:
    before = record(enrollment(10, seat_holders=frozenset({1})), associations=(association(),))
    (change,) = planned(SAFETY, before=before).changes
    assert (change.after.expiry_date, change.takes_seat) == (None, False)


def test_a_shared_student_takes_a_seat_of_each_user_and_leaves_thinkific_alone() -> None:
    before = record(enrollment(confirmed_version=1, seat_holders=frozenset({2})))
    (change,) = planned(SAFETY, before=before).changes
    assert change.takes_seat
    assert change.after.seat_holders == {1, 2}
    assert not change.after.is_open


@pytest.mark.parametrize(
    ("grants", "default_days", "days"),
    [
        ((grant(enrollment_days=30),), 90, 30),
        ((grant(enrollment_days=0),), 90, None),
        ((grant(enrollment_days=30, active=False),), 90, 30),
        ((), 90, 90),
        ((grant(granted=False, enrollment_days=0),), 90, 90),
        ((), 0, None),
    ],
    ids=["the grant", "a grant without end", "an ended grant", "the setting", "a counted product", "nothing"],
)
def test_the_end_comes_from(grants: tuple[Grant, ...], default_days: int, days: int | None) -> None:
    (change,) = planned(SAFETY, grants=grants, default_days=default_days).changes
    assert change.after.expiry_date == (None if days is None else START + timedelta(days=days))


@pytest.mark.parametrize("group", [None, Group(name="Acme", id=None), Group(name="Acme", id=9)])
def test_the_group_is_the_one_that_the_user_has_now(group: Group | None) -> None:
    made = planned(SAFETY, by=user(group=group)).association
    assert made is not None
    assert made.group_name == (group.name if group else None)


def test_a_later_group_of_the_user_does_not_move_an_earlier_student() -> None:
    before = record(associations=(association(),))
    assert planned(SAFETY, by=user(group=Group(name="Acme")), before=before).association is None


@pytest.mark.parametrize(
    ("limits", "grants", "shortages"),
    [
        ({"max_seats": None}, (grant(),), []),
        ({"max_seats": 1}, (grant(max_seats=1),), []),
        ({"max_seats": 3, "seats_used": 3}, (grant(),), [shortage("account", None, 3, 3)]),
        ({"max_seats": 0}, (grant(),), [shortage("account", None, 0, 0)]),
        ({}, (grant(max_seats=2, seats_used=2),), [shortage("product", 1001, 2, 2)]),
        ({}, (grant(max_seats=2, seats_used=5),), [shortage("product", 1001, 2, 5)]),
        ({}, (grant(max_seats=None, seats_used=10**9),), []),
        ({}, (), [shortage("product", 1001, 0, 0)]),
        ({}, (grant(granted=False, max_seats=0, seats_used=4),), [shortage("product", 1001, 0, 4)]),
        ({}, (grant(active=False),), [shortage("product", 1001, 0, 0)]),
        (
            {"max_seats": 0},
            (grant(max_seats=0),),
            [shortage("account", None, 0, 0), shortage("product", 1001, 0, 0)],
        ),
    ],
    ids=[
        "unlimited account",
        "the last seat of both",
        "full account",
        "account of none",
        "full product",
        "over-allocated product",
        "unlimited product",
        "no grant",
        "merely counted",
        "ended grant",
        "both",
    ],
)
def test_what_an_enforced_call_would_lack(
    limits: dict[str, Any], grants: tuple[Grant, ...], shortages: list[SeatShortage]
) -> None:
    assert [*planned(SAFETY, by=user(**limits), grants=grants).shortages] == shortages


def test_each_product_is_counted_by_itself() -> None:
    found = planned(SAFETY, FIRE, grants=(grant(), grant(product_id=1002, max_seats=0)))
    assert [short.product_id for short in found.shortages] == [1002]


def test_who_is_in_already_needs_no_seat() -> None:
    before = record(enrollment(10, seat_holders=frozenset({1})), associations=(association(),))
    full = user(max_seats=1, seats_used=1)
    assert planned(SAFETY, by=full, before=before, grants=(grant(max_seats=1, seats_used=1),)).shortages == ()


def test_enrolling_after_an_explicit_end_takes_the_seat_again() -> None:
    ended = enrollment(-1, former_holders=frozenset({1, 2}))
    (change,) = planned(SAFETY, before=record(ended, associations=(association(),))).changes
    assert change.takes_seat
    assert (change.after.seat_holders, change.after.former_holders) == (frozenset({1}), frozenset({2}))
