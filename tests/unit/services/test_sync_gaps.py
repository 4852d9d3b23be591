"""States from which the sync did not always lead to what is wanted, each found by the properties beside."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.services.test_reconciliation import FULFILLED, POSTPONED, add_person, end_upstream, set_end
from tests.unit.services.world import NAMES, World

from b2b.domain.enrollment import expiry
from b2b.domain.identity.users import User
from b2b.storage.table import Table

# 1


def test_an_end_that_came_by_itself_ends_nothing_that_was_bought(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=1)
    person = add_person(world)
    world.upstream.call(
        "POST",
        "/enrollments",
        user_id=person,
        course_id=course.productable_id,
        activated_at="2026-01-01T00:00:00Z",
    )
    student_id = world.enroll(boss, course).student.id
    world.clock.advance(days=2)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) is None


# 2


def test_a_bundle_that_was_wanted_long_ago_has_its_day_to_be_built(world: World, boss: User) -> None:
    bundle = world.bundle(courses=6)
    student_id = world.enroll(boss, bundle).student.id
    world.clock.advance(days=2)  # the key was refused, say
    world.upstream.switch(async_delay=60)
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, bundle) == "active", world.enrollment(student_id, bundle).error


# 3


def test_an_end_set_while_a_bundle_is_being_built_is_its_end(world: World, boss: User) -> None:
    bundle, end = world.bundle(courses=6), world.clock() - timedelta(days=1)
    student_id = world.enroll(boss, bundle).student.id
    assert world.look(student_id) is POSTPONED
    set_end(world, student_id, bundle, end)
    assert world.settle(student_id) is FULFILLED
    world.clock.advance(minutes=10)
    assert [row["expiry_date"] for row in world.upstream.enrollments()] == [f"{end:%Y-%m-%dT%H:%M:%S}.000Z"] * 6


@pytest.mark.parametrize("answer", ["arrives", "is lost"])
def test_a_bundle_that_is_wanted_for_longer_while_it_is_being_built(
    open_world: Callable[..., World], answer: str
) -> None:
    world = open_world(existing_enrollment="reject", async_delay=60)
    boss, bundle = world.user(), world.bundle(courses=6)
    world.grant(boss, bundle, 5, days=10)
    if answer == "is lost":
        world.upstream.fault("reset_after", "POST", "^/bundles/")
    student_id = world.enroll(boss, bundle).student.id
    assert world.look(student_id) is POSTPONED
    world.grant(boss, bundle, 5, days=20)
    world.enroll(boss, bundle)
    end = world.clock() + timedelta(days=20)
    world.clock.advance(seconds=6)  # when the message of the first look comes
    assert world.settle(student_id, looks=20) is FULFILLED
    assert world.status(student_id, bundle) == "active", world.enrollment(student_id, bundle).error
    assert {row["expiry_date"][:10] for row in world.upstream.enrollments()} == {f"{end:%Y-%m-%d}"}


# 4


def test_an_end_of_a_bundle_that_was_moved_in_thinkific_is_not_shortened_by_enrolling_again(
    world: World, boss: User
) -> None:
    bundle = world.bundle()
    world.grant(boss, bundle, 5, days=10)
    student_id = world.brought(boss, bundle)
    person = world.record(student_id).student.thinkific_id
    path = f"/bundles/{bundle.productable_id}/enrollments"
    world.upstream.call("PUT", path, user_id=person, expiry_date="2027-03-10T12:00:00Z")
    world.grant(boss, bundle, 5, days=20)
    world.enroll(boss, bundle)
    assert world.settle(student_id) is FULFILLED
    assert {row["expiry_date"] for row in world.upstream.enrollments()} == {"2027-03-10T12:00:00.000Z"}


# 5


class Died(BaseException):
    """As a process that is killed."""


def test_a_student_whose_worker_died_unlinking_a_deleted_account_is_enrolled_in_all_courses_again(
    world: World, boss: User, table: Table
) -> None:
    first, second = world.course("A"), world.course("B")
    student_id = world.brought(boss, first)
    world.upstream.call("DELETE", f"/users/{world.record(student_id).student.thinkific_id}")
    world.enroll(boss, second)

    writes = iter(range(100))
    write = table.write

    def dies(action: Any, **options: Any) -> Any:
        answer = write(action, **options)
        if next(writes) == 1:  # the first was the lease
            raise Died
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "write", dies)
        with pytest.raises(Died):
            world.look(student_id)
    world.clock.advance(minutes=1)
    assert world.settle(student_id) is FULFILLED
    assert [world.status(student_id, course) for course in (first, second)] == ["active", "active"]
    assert len(world.upstream.enrollments()) == 2


# 6


def test_an_account_that_is_gone_is_noticed_when_it_is_to_join_a_group(world: World, boss: User) -> None:
    course = world.course()
    student_id = world.brought(boss, course)
    world.upstream.call("DELETE", f"/users/{world.record(student_id).student.thinkific_id}")
    world.enroll(world.user("grouped@example.com", group="Acme"), names=NAMES)
    assert world.settle(student_id) is FULFILLED
    (there,) = world.upstream.users()
    assert world.upstream.members("Acme") == [there["id"]]
    assert len(world.upstream.enrollments(course_id=course.productable_id)) == 1


def test_a_group_that_another_makes_in_between_is_joined_all_the_same(world: World) -> None:
    """The list does not show it yet, or did not when it was asked."""
    student_id = world.enroll(world.user(group="Acme"), world.course()).student.id
    world.upstream.fault("error_before", "POST", "^/group_users$", status=422)
    world.upstream.call("POST", "/groups", name="Acme")
    world.upstream.control("PUT", "/faults", stale_seconds=4)
    assert world.settle(student_id) is FULFILLED
    world.upstream.heal()
    assert world.upstream.members("Acme") == [world.record(student_id).student.thinkific_id]


# 7: by reading, not by the property, which leaves overlaps out


def test_a_bundle_does_not_shorten_a_course_that_is_wanted_for_longer(world: World, boss: User) -> None:
    course = world.course()
    bundle = world.bundle()
    made = world.upstream.control(
        "POST", "/bundles", name="With it", course_ids=[course.productable_id, *bundle.course_ids]
    )
    both = world._product(made["product"], bundle.productable_type, (course.productable_id, *bundle.course_ids))
    world.grant(boss, both, 5, days=10)
    student_id = world.enroll(boss, course, both).student.id
    assert world.settle(student_id) is FULFILLED
    assert expiry.is_endless(end_upstream(world, course), world.clock())


# 8: by reading


def test_an_end_that_is_wanted_already_is_set_where_thinkific_has_a_later_one(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=10)
    person = add_person(world)
    body = {"user_id": person, "course_id": course.productable_id, "activated_at": "2026-01-01T00:00:00Z"}
    world.upstream.call("POST", "/enrollments", **body)
    student_id = world.enroll(boss, course).student.id
    assert world.settle(student_id) is FULFILLED
    end = world.enrollment(student_id, course).expiry_date
    assert end is not None
    set_end(world, student_id, course, end)
    world.settle(student_id)
    assert end_upstream(world, course) == end


# 9


def test_an_enrollment_whose_answer_was_lost_is_looked_for_when_the_lists_have_it(
    open_world: Callable[..., World],
) -> None:
    world = open_world(existing_enrollment="reject")
    boss, course = world.user(), world.course()
    world.upstream.control("PUT", "/faults", stale_seconds=4)
    world.upstream.fault("reset_after", "POST", "^/enrollments$")
    student_id = world.enroll(boss, course).student.id
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, course) == "active", world.enrollment(student_id, course).error


# 10


def test_who_dies_when_all_is_confirmed_leaves_no_account_that_counts_as_new(
    world: World, boss: User, table: Table
) -> None:
    """Else the next enrollment is written without a look at what the student has bought meanwhile."""
    first, second = world.course("A"), world.course("B")
    world.grant(boss, second, 5, days=10)
    student_id = world.enroll(boss, first).student.id

    write = table.write

    def dies(action: Any, **options: Any) -> Any:
        answer = write(action, **options)
        if world.status(student_id, first) == "active":
            raise Died
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "write", dies)
        with pytest.raises(Died):
            world.look(student_id)
    world.clock.advance(minutes=1)
    assert world.settle(student_id) is FULFILLED
    (person,) = world.upstream.users()
    bought = {"user_id": person["id"], "course_id": second.productable_id, "activated_at": "2026-03-11T00:00:00Z"}
    world.upstream.call("POST", "/enrollments", **bought)
    world.enroll(boss, second)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, second) is None


# 11


def test_an_end_that_was_set_is_not_forgotten_when_enrolling_again_overtakes_it(world: World, boss: User) -> None:
    course = world.course()
    student_id = world.brought(boss, course)
    assert end_upstream(world, course) is None
    set_end(world, student_id, course, world.clock() + timedelta(days=3))
    world.grant(boss, course, 5, days=10)
    wanted = world.enroll(boss, course).enrollments[0][0].expiry_date
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) == wanted == world.clock() + timedelta(days=10)


# 12


def test_an_account_is_not_new_any_more_after_an_outage(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=10)
    student_id = world.enroll(boss, course).student.id
    world.upstream.fault("error_before", "POST", "^/enrollments$", status=401)
    assert world.look(student_id) is POSTPONED
    world.clock.advance(days=2)
    (person,) = world.upstream.users()
    bought = {"user_id": person["id"], "course_id": course.productable_id, "activated_at": "2026-03-11T00:00:00Z"}
    world.upstream.call("POST", "/enrollments", **bought)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) is None
