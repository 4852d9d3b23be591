"""Thinkific is down, in every way, for as long as twenty tries; then it is back, and all comes about by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.faults.figures import Figures
from tests.faults.outages import (
    Operated,
    Way,
    does_and_never_answers,
    does_and_says_502,
    never_answers,
    never_connects,
    refuses_connections,
    refuses_the_key,
    refuses_the_plan,
    says_429,
    says_503,
    shows_a_page,
)
from tests.unit.services.world import World, reference

from b2b.domain.catalogue.products import Product
from b2b.domain.identity.users import User
from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.domain.work.operations import Operation, OperationStatus
from b2b.services.enrollment.expiries import ExpiryChange

TRIES = 20
# A limit or a pause is no failed try; they last this long.
HOURS = 2
GROUP = "Acme"
# While it waits for Thinkific, an operation looks every second for who has been confirmed: here that takes long.
_ENDS_CHANGE_BEFORE_IT_IS_BACK = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=15)

FAILING: tuple[Way, ...] = (
    refuses_connections,
    never_connects,
    never_answers,
    does_and_never_answers,
    says_503,
    does_and_says_502,
    shows_a_page,
)
HOLDING: tuple[Way, ...] = (says_429, refuses_the_key, refuses_the_plan)


@dataclass
class Pending:
    """What is wanted while Thinkific is down: new students, another end for all, a new catalogue."""

    world: World
    user: User
    course: Product
    bundle: Product
    there: list[int]
    new: list[int]
    operations: list[str]

    def change_ends(self, operated: Operated) -> None:
        """Of all students of the user."""
        change = operated.expiries.change_expiry(
            self.user.id, reference(self.course), ExpiryChange(kind="days", days=500)
        )
        self.operations.append(change.id)

    def attempts(self) -> int:
        """How often the luckiest wish was tried."""
        wishes = [self.world.record(student_id).wish for student_id in (*self.there, *self.new)]
        return min(wish.attempts for wish in wishes if wish is not None)

    def is_done(self) -> bool:
        final = all(self.operation(found).status.is_final for found in self.operations)
        return final and all(self.world.record(student_id).wish is None for student_id in (*self.there, *self.new))

    def operation(self, operation_id: str) -> Operation:
        return self.world.operations.get(operation_id)[0]


def pend(operated: Operated, way: Way) -> Pending:
    world = operated.world
    user = world.user(group=GROUP)
    course, bundle = world.course(), world.bundle()
    world.grant(user, course, None, days=30)
    there = [world.brought(user, course, email=f"there{number}@example.com") for number in range(3)]
    world.sqs.sent.clear()
    operated.outage.way = way
    new = [world.enroll(user, course, bundle, email=f"new{number}@example.com").student.id for number in range(4)]
    catalogue = world.operations.start(CatalogueSyncState())
    return Pending(world, user, course, bundle, there, new, [catalogue.id])


@pytest.mark.parametrize("way", [*FAILING, *HOLDING], ids=lambda way: way.__name__)
def test_what_was_wanted_meanwhile_comes_about_by_itself(
    open_world: Callable[..., World], way: Way, figures: Figures
) -> None:
    world = open_world(existing_enrollment="duplicate")
    operated = Operated(world)
    pending = pend(operated, way)
    began = world.clock()
    lasts_until = began + timedelta(hours=HOURS)
    if way in HOLDING:
        operated.run_until(lambda: world.clock() >= lasts_until, within=timedelta(hours=HOURS + 1))
    else:
        operated.run_until(lambda: pending.attempts() >= TRIES, within=timedelta(hours=12), look_every=_LONGEST_PAUSE)
    pending.change_ends(operated)
    nearly_over = world.clock() + _ENDS_CHANGE_BEFORE_IT_IS_BACK
    operated.run_until(lambda: world.clock() >= nearly_over, within=timedelta(hours=1))
    assert not pending.is_done()
    assert (way in (refuses_the_key, refuses_the_plan)) is bool(operated.pauses)
    down, tried = world.clock() - began, operated.outage.calls

    operated.outage.way = None
    back = world.clock()
    operated.run_until(pending.is_done, within=_LONGEST_PAUSE + timedelta(minutes=10))
    figures.note(
        f"outage: {way.__name__.replace('_', ' ')}",
        hours_down=down / timedelta(hours=1),
        calls_meanwhile=tried,
        messages=operated.receives,
        minutes_from_back_to_done=(world.clock() - back) / timedelta(minutes=1),
        dead_letters=len(operated.dead_letters),
    )
    assert operated.dead_letters == []
    check(pending)


def check(pending: Pending) -> None:
    world = pending.world
    for found in pending.operations:
        assert pending.operation(found).status is OperationStatus.SUCCEEDED, pending.operation(found).error
    emails = sorted(user["email"] for user in world.upstream.users())
    assert emails == sorted(
        [f"there{number}@example.com" for number in range(3)] + [f"new{n}@example.com" for n in range(4)]
    )
    for student_id in (*pending.there, *pending.new):
        record = world.record(student_id)
        rows = world.upstream.enrollments(email=record.student.email)
        products = [pending.course] if student_id in pending.there else [pending.course, pending.bundle]
        courses = [course for product in products for course in product.course_ids or (product.productable_id,)]
        assert sorted(row["course_id"] for row in rows) == sorted(courses)
        for enrollment in record.enrollments:
            assert enrollment.status(world.clock()).value == "active"
        end = world.enrollment(student_id, pending.course).expiry_date
        (row,) = [row for row in rows if row["course_id"] == pending.course.productable_id]
        assert end is not None
        assert row["expiry_date"][:19] == end.isoformat()[:19]
    assert sorted(world.upstream.members(GROUP)) == sorted(user["id"] for user in world.upstream.users())


@pytest.mark.parametrize("kind", ["course", "bundle"])
def test_a_wish_that_cannot_be_fulfilled_fails_and_is_taken_up_again(world: World, boss: User, kind: str) -> None:
    operated = Operated(world)
    product, other = (world.course() if kind == "course" else world.bundle()), world.course("Other")
    made = world.upstream.control("GET", "/overview")["products"]
    (sold,) = [found for found in made if found["id"] == product.id]
    world.upstream.control("DELETE", f"/products/{product.id}")
    student_id = world.enroll(boss, product, other).student.id
    operated.run_until(lambda: world.record(student_id).wish is None, within=timedelta(minutes=10))
    assert world.status(student_id, product) == "failed"
    assert world.status(student_id, other) == "active"
    assert str(world.enrollment(student_id, product).error).startswith("Thinkific")

    ids = {"id": product.productable_id, "product_id": product.id, "name": sold["name"]}
    if kind == "course":
        world.upstream.control("POST", "/courses", **ids)
    else:
        world.upstream.control("POST", "/bundles", **ids, course_ids=list(product.course_ids))
    world.enroll(boss, product)
    operated.run_until(lambda: world.record(student_id).wish is None, within=timedelta(minutes=10))
    assert [world.status(student_id, found) for found in (product, other)] == ["active", "active"]
    assert operated.dead_letters == []
