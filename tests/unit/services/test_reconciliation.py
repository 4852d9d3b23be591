"""Bringing a student to Thinkific, against the simulator: which calls are made, and what there is afterwards."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.unit.services.world import ADA, World

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.enrollments import with_expiry
from b2b.domain.identity.users import User
from b2b.services.enrollment.students import Names
from b2b.services.enrollment.sync.student import SyncOutcome

FULFILLED, POSTPONED = SyncOutcome.FULFILLED, SyncOutcome.POSTPONED

# What Thinkific may do in each case is not known: all of it has to work.
LOST = [
    ("error_after", {"status": 520}),
    ("error_before", {"status": 502}),
    ("reset_after", {}),
    ("reset_before", {}),
]


def add_person(world: World, **fields: Any) -> int:
    """An account that the school has already."""
    body = {"first_name": "Augusta", "last_name": "King", "email": ADA} | fields
    return int(world.upstream.call("POST", "/users", **body)["id"])


def set_end(world: World, student_id: int, product: Product, end: datetime) -> None:
    """As a change of the expiry of a user's students leaves it."""
    before = world.enrollment(student_id, product)
    after = with_expiry(before, end, world.clock())
    wish = world.store.wishes.add_wish(student_id, world.clock(), bulk=False)
    world.store.transact([world.store.enrollments.change_enrollment(before, after), wish])


def end_upstream(world: World, product: Product) -> datetime | None:
    (row,) = world.upstream.enrollments(course_id=product.productable_id)
    return datetime.fromisoformat(row["expiry_date"]) if row["expiry_date"] else None


# How many calls


def test_a_new_student_with_a_group_and_three_products_takes_six_calls_at_most(world: World) -> None:
    world.upstream.call("POST", "/groups", name="Acme")
    boss = world.user(group="Acme")
    student_id = world.enroll(boss, world.course("A"), world.course("B"), world.course("C")).student.id
    assert world.look(student_id) is FULFILLED
    assert world.upstream.calls() == [
        "GET /users",
        "POST /users",
        "POST /group_users",
        *["POST /enrollments"] * 3,
    ]


@pytest.mark.parametrize("with_bundle", [True, False])
def test_so_does_one_whose_account_was_there_before(world: World, with_bundle: bool) -> None:
    """One look at all of its enrollments instead of one at each."""
    add_person(world)
    world.upstream.call("POST", "/groups", name="Acme")
    boss = world.user(group="Acme")
    third = world.bundle() if with_bundle else world.course("C")
    student_id = world.enroll(boss, world.course("A"), world.course("B"), third).student.id
    assert world.look(student_id) is FULFILLED
    calls = world.upstream.calls()
    assert calls[:3] == ["GET /users", "POST /group_users", "GET /enrollments"]
    assert len(calls) == 6
    assert all(call.startswith("POST") for call in calls[3:])


def test_what_the_account_has_is_seen_in_that_one_look(world: World, boss: User) -> None:
    there = add_person(world)
    bought, other = world.course("A"), world.course("B")
    for days in (900, 30):
        end = (world.clock() + timedelta(days=days)).isoformat()
        body = {"user_id": there, "course_id": bought.productable_id, "expiry_date": end}
        world.upstream.call("POST", "/enrollments", **body, activated_at=world.clock().isoformat())
        world.upstream.switch(existing_enrollment="duplicate")
    world.grant(boss, bought, 5, days=365)
    student_id = world.enroll(boss, bought, other).student.id
    assert world.look(student_id) is FULFILLED
    # What lasts longest counts, and is left as it is.
    assert world.upstream.calls() == ["GET /users", "GET /enrollments", "POST /enrollments"]


def test_another_enrollment_of_a_known_student_takes_two_calls_at_most(world: World, boss: User) -> None:
    student_id = world.brought(boss, world.course("A"))
    world.enroll(boss, world.course("B"))
    assert world.look(student_id) is FULFILLED
    assert world.upstream.calls() == ["GET /enrollments", "POST /enrollments"]


def test_a_longer_end_of_a_known_enrollment_takes_two_calls_at_most(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=10)
    student_id = world.brought(boss, course)
    world.grant(boss, course, 5, days=30)
    world.enroll(boss, course)
    assert world.look(student_id) is FULFILLED
    assert len(world.upstream.calls()) <= 2
    assert end_upstream(world, course) == world.clock() + timedelta(days=30)


def test_a_bundle_for_a_known_student_takes_two_calls_at_most(world: World, boss: User) -> None:
    student_id = world.brought(boss, world.course())
    world.enroll(boss, world.bundle())
    assert world.look(student_id) is FULFILLED
    assert len(world.upstream.calls()) <= 2


@pytest.mark.parametrize("again", ["the same products", "under another user"])
def test_what_changes_nothing_in_thinkific_takes_no_call(world: World, boss: User, again: str) -> None:
    course = world.course()
    student_id = world.brought(boss, course)
    world.enroll(boss if again == "the same products" else world.user("other@example.com"), course)
    world.look(student_id)
    assert world.upstream.calls() == []


def test_a_student_without_enrollments_is_not_brought_to_thinkific(world: World, boss: User) -> None:
    student_id = world.enroll(boss).student.id
    assert world.sqs.sent == []
    world.look(student_id)
    assert world.upstream.calls() == []


# The account


def test_an_account_that_is_there_is_found_and_keeps_its_name(world: World, boss: User) -> None:
    there = add_person(world)
    student_id = world.enroll(boss, world.course()).student.id
    assert world.look(student_id) is FULFILLED
    assert "POST /users" not in world.upstream.calls()
    assert world.record(student_id).student.thinkific_id == there
    assert world.upstream.users()[0]["first_name"] == "Augusta"


def test_an_account_that_the_list_does_not_show_yet_is_not_made_twice(world: World, boss: User) -> None:
    add_person(world)
    world.upstream.control("PUT", "/faults", stale_seconds=30)
    student_id = world.enroll(boss, world.course()).student.id
    assert world.settle(student_id) is FULFILLED
    assert len(world.upstream.users()) == 1
    assert world.upstream.calls().count("POST /users") <= 5


def test_a_taken_address_that_is_never_found_fails_with_its_reason(world: World, boss: User) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(422, json={"errors": {"email": ["has already been taken"]}})
        return httpx.Response(200, json={"items": []})

    course = world.course()
    hidden = world.thinkific_over(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://t.example"))
    world.sync = world.worker("worker-1", hidden)
    student_id = world.enroll(boss, course).student.id
    world.settle(student_id, looks=12)
    assert world.status(student_id, course) == "pending"
    assert world.sqs.sent[-1].delay > 60
    world.wait()
    world.settle(student_id)
    assert world.status(student_id, course) == "failed"
    assert "e-mail is taken" in str(world.enrollment(student_id, course).error)

    # Enrolling again, after the cause is gone, works.
    world.sync = world.worker("worker-2")
    world.enroll(boss, course)
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, course) == "active"


def test_a_changed_name_follows(world: World, boss: User) -> None:
    student_id = world.brought(boss, world.course())
    world.enroll(boss, names=Names(first_name="Augusta", last_name="King"))
    assert world.look(student_id) is FULFILLED
    assert len(world.upstream.calls()) == 1
    assert world.upstream.users()[0]["full_name"] == "Augusta King"


def test_a_name_or_group_that_thinkific_refuses_is_told(world: World, boss: User) -> None:
    student_id = world.brought(boss, world.course())
    world.upstream.fault("error_before", "PUT", "^/users/", status=422)
    world.enroll(boss, names=Names(first_name="Augusta", last_name="King"))
    assert world.settle(student_id) is FULFILLED
    grouped = world.user("grouped@example.com", group="Acme")
    world.upstream.fault("error_before", "POST", "^/group_users", times=2, status=422)
    world.enroll(grouped, world.course("B"))
    assert world.settle(student_id) is FULFILLED
    assert world.refusals == [(student_id, "profile"), (student_id, "group")]


def test_an_account_deleted_in_thinkific_is_made_anew_with_all_its_enrollments(world: World, boss: User) -> None:
    courses = [world.course("A"), world.course("B")]
    student_id = world.brought(boss, *courses)
    first = world.record(student_id).student.thinkific_id
    world.upstream.call("DELETE", f"/users/{first}")
    world.enroll(boss, world.course("C"))
    assert world.settle(student_id) is FULFILLED
    second = world.record(student_id).student.thinkific_id
    assert second not in (None, first)
    assert len(world.upstream.enrollments(user_id=second)) == 3


def test_an_enrollment_deleted_in_thinkific_is_made_anew(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=10)
    student_id = world.brought(boss, course)
    known = world.enrollment(student_id, course).thinkific_id
    world.upstream._store.execute("delete from enrollments where id = ?", known)
    world.grant(boss, course, 5, days=20)
    world.enroll(boss, course)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) == world.clock() + timedelta(days=20)
    assert world.enrollment(student_id, course).thinkific_id != known


# Groups


@pytest.mark.parametrize("single", ["wrapped", "bare"])
def test_a_group_that_is_missing_is_made_once(open_world: Callable[..., World], single: str) -> None:
    world = open_world(group_single=single)
    boss = world.user(group="Acme")
    student_id = world.enroll(boss, world.course()).student.id
    assert world.look(student_id) is FULFILLED
    assert world.upstream.calls().count("POST /groups") == 1
    assert world.upstream.members("Acme") == [world.record(student_id).student.thinkific_id]


def test_a_group_is_joined_once(world: World) -> None:
    boss = world.user(group="Acme")
    student_id = world.brought(boss, world.course("A"))
    world.enroll(boss, world.course("B"))
    assert world.look(student_id) is FULFILLED
    assert "POST /group_users" not in world.upstream.calls()


def test_being_in_the_group_already_is_no_failure(open_world: Callable[..., World]) -> None:
    world = open_world(group_add_existing=422)
    there = add_person(world)
    world.upstream.call("POST", "/groups", name="Acme")
    world.upstream.call("POST", "/group_users", user_id=there, group_names=["Acme"])
    course = world.course()
    student_id = world.enroll(world.user(group="Acme"), course).student.id
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, course) == "active"
    assert world.upstream.members("Acme") == [there]


# Enrollments that are there already


@pytest.mark.parametrize("existing", ["upsert", "reject"])
@pytest.mark.parametrize(("there", "wanted", "after"), [(100, 30, 100), (10, 30, 30), (None, 30, None), (-5, 30, 30)])
def test_what_a_student_has_in_thinkific_is_never_shortened(
    open_world: Callable[..., World], existing: str, there: int | None, wanted: int, after: int | None
) -> None:
    world = open_world(existing_enrollment=existing)
    boss, course, start = world.user(), world.course(), world.clock()
    world.grant(boss, course, 5, days=wanted)

    def day(number: int | None) -> str | None:
        return None if number is None else (start + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")

    dates = {"activated_at": day(-20)} | ({"expiry_date": day(there)} if there is not None else {})
    world.upstream.call("POST", "/enrollments", user_id=add_person(world), course_id=course.productable_id, **dates)
    student_id = world.enroll(boss, course).student.id
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, course) == "active"
    assert end_upstream(world, course) == (None if after is None else start + timedelta(days=after))


def test_an_end_that_was_moved_in_thinkific_is_not_shortened_by_enrolling_again(world: World, boss: User) -> None:
    course, start = world.course(), world.clock()
    world.grant(boss, course, 5, days=10)
    student_id = world.brought(boss, course)
    moved = start + timedelta(days=100)
    known = world.enrollment(student_id, course).thinkific_id
    world.upstream.call("PUT", f"/enrollments/{known}", expiry_date=moved.strftime("%Y-%m-%dT%H:%M:%SZ"))
    world.grant(boss, course, 5, days=20)
    world.enroll(boss, course)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) == moved


@pytest.mark.parametrize("rows", ["per_course", "per_user"])
def test_a_bundle_that_a_student_has_without_end_is_not_shortened(open_world: Callable[..., World], rows: str) -> None:
    world = open_world(bundle_rows=rows)
    boss, bundle = world.user(), world.bundle()
    world.grant(boss, bundle, 5, days=30)
    person = add_person(world)
    path = f"/bundles/{bundle.productable_id}/enrollments"
    world.upstream.call("POST", path, user_id=person, activated_at="2026-01-01T00:00:00Z")
    student_id = world.enroll(boss, bundle).student.id
    assert world.settle(student_id) is FULFILLED
    assert [row["expiry_date"] for row in world.upstream.enrollments(user_id=person)] == [None, None]


def test_a_preview_becomes_access(world: World, boss: User) -> None:
    course = world.course()
    person = add_person(world)
    world.upstream.call("POST", "/enrollments", user_id=person, course_id=course.productable_id)
    student_id = world.enroll(boss, course).student.id
    assert world.settle(student_id) is FULFILLED
    (row,) = world.upstream.enrollments(user_id=person)
    assert row["activated_at"] is not None


def test_lifting_a_limit_reaches_thinkific(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=10)
    student_id = world.brought(boss, course)
    world.grant(boss, course, 5, days=0)
    assert world.enroll(boss, course).enrollments[0][0].expiry_date is None
    assert world.settle(student_id) is FULFILLED
    end = end_upstream(world, course)
    assert end is None or end >= world.clock() + timedelta(days=expiry.MAX_DAYS - 1)


def test_a_student_who_was_enrolled_before_gets_no_second_row(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=1)
    student_id = world.brought(boss, course)
    world.clock.advance(days=40)
    world.enroll(boss, course)
    assert world.settle(student_id) is FULFILLED
    (row,) = world.upstream.enrollments()
    assert row["expired"] is False


def test_progress_is_learnt_on_the_way(world: World, boss: User) -> None:
    course = world.course()
    person = add_person(world)
    row = world.upstream.call("POST", "/enrollments", user_id=person, course_id=course.productable_id)
    world.upstream.control("PUT", f"/enrollments/{row['id']}", percentage_completed=0.25)
    student_id = world.enroll(boss, course).student.id
    world.settle(student_id)
    assert world.enrollment(student_id, course).percentage_completed == 25.0


# Ends


@pytest.mark.parametrize("when", ["now", "earlier today", "yesterday", "last year"])
def test_access_is_ended_with_yesterday_or_earlier(world: World, boss: User, when: str) -> None:
    course = world.course()
    student_id = world.brought(boss, course)
    asked = {
        "now": world.clock(),
        "earlier today": datetime(2026, 3, 10, 1, tzinfo=UTC),
        "yesterday": datetime(2026, 3, 9, 8, tzinfo=UTC),
        "last year": datetime(2025, 3, 9, 8, tzinfo=UTC),
    }[when]
    yesterday = datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC)
    set_end(world, student_id, course, asked)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) == min(asked, yesterday)
    assert world.status(student_id, course) == "expired"


def test_an_end_set_as_such_shortens(world: World, boss: User) -> None:
    course, end = world.course(), world.clock() + timedelta(days=3)
    student_id = world.brought(boss, course)
    set_end(world, student_id, course, end)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) == end


def test_an_end_of_a_bundle_reaches_each_of_its_courses_in_one_call(world: World, boss: User) -> None:
    bundle, end = world.bundle(courses=3), world.clock() + timedelta(days=3)
    student_id = world.brought(boss, bundle)
    set_end(world, student_id, bundle, end)
    assert world.settle(student_id) is FULFILLED
    assert world.upstream.calls() == [f"PUT /bundles/{bundle.productable_id}/enrollments"]
    assert {datetime.fromisoformat(row["expiry_date"]) for row in world.upstream.enrollments()} == {end}


def test_what_ended_before_it_was_brought_needs_no_enrollment(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, 5, days=1)
    student_id = world.enroll(boss, course).student.id
    world.clock.advance(days=2)
    assert world.settle(student_id) is FULFILLED
    assert world.upstream.enrollments() == []
    assert world.status(student_id, course) == "expired"


@pytest.mark.parametrize("put_status", [204, 200])
def test_empty_answers_to_changes(open_world: Callable[..., World], put_status: int) -> None:
    world = open_world(put_status=put_status)
    boss, course, end = world.user(), world.course(), world.clock() + timedelta(days=3)
    student_id = world.brought(boss, course)
    set_end(world, student_id, course, end)
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) == end


# Answers that are lost


@pytest.mark.parametrize(("kind", "fields"), LOST)
@pytest.mark.parametrize(
    ("path", "existing"),
    [
        ("^/users$", "upsert"),
        ("^/enrollments$", "upsert"),
        ("^/enrollments$", "reject"),
        ("^/enrollments$", "duplicate"),
    ],
)
def test_a_write_whose_answer_was_lost_is_looked_up_and_done_once(
    open_world: Callable[..., World], existing: str, path: str, kind: str, fields: dict[str, Any]
) -> None:
    world = open_world(existing_enrollment=existing)
    boss, course = world.user(), world.course()
    world.upstream.fault(kind, "POST", path, **fields)
    student_id = world.enroll(boss, course).student.id
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, course) == "active"
    assert len(world.upstream.users()) == 1
    assert len(world.upstream.enrollments()) == 1


def test_a_lost_answer_is_followed_by_a_look_before_any_other_write(world: World, boss: User) -> None:
    world.upstream.fault("reset_after", "POST", "^/enrollments$")
    student_id = world.enroll(boss, world.course()).student.id
    assert world.look(student_id) is POSTPONED
    world.upstream.forget_calls()
    world.wait()
    assert world.look(student_id) is FULFILLED
    assert world.upstream.calls() == ["GET /enrollments"]


@pytest.mark.parametrize(("kind", "fields"), LOST)
@pytest.mark.parametrize(("existing", "rows"), [("upsert", "per_course"), ("reject", "per_user")])
@pytest.mark.parametrize("courses", [2, 6], ids=["at once", "202"])
def test_a_bundle_whose_answer_was_lost_ends_in_every_course(
    open_world: Callable[..., World], courses: int, existing: str, rows: str, kind: str, fields: dict[str, Any]
) -> None:
    world = open_world(existing_enrollment=existing, bundle_rows=rows)
    boss, bundle = world.user(), world.bundle(courses)
    world.upstream.fault(kind, "POST", "/bundles/.*/enrollments", **fields)
    student_id = world.enroll(boss, bundle).student.id
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, bundle) == "active", world.enrollment(student_id, bundle).error
    assert len(world.upstream.enrollments()) == courses


@pytest.mark.parametrize("kind", ["reset_after", "error_after"])
def test_a_change_whose_answer_was_lost_is_made_again(world: World, boss: User, kind: str) -> None:
    course, end = world.course(), world.clock() + timedelta(days=3)
    student_id = world.brought(boss, course)
    world.upstream.fault(kind, "PUT", "/enrollments")
    set_end(world, student_id, course, end)
    assert world.look(student_id) is POSTPONED
    world.wait()
    assert world.settle(student_id) is FULFILLED
    assert end_upstream(world, course) == end


# Bundles that are built later


def test_a_bundle_stays_pending_until_every_course_is_there(open_world: Callable[..., World]) -> None:
    world = open_world(async_delay=20)
    boss, bundle = world.user(), world.bundle(courses=6)
    student_id = world.enroll(boss, bundle).student.id
    outcomes = []
    while world.upstream.enrollments() == []:
        outcomes.append(world.look(student_id))
        assert world.status(student_id, bundle) == "pending"
        world.wait()
    assert set(outcomes) == {POSTPONED}
    assert len(outcomes) > 1
    assert world.look(student_id) is FULFILLED
    assert world.status(student_id, bundle) == "active"
    assert world.upstream.calls().count(f"POST /bundles/{bundle.productable_id}/enrollments") == 1


@pytest.mark.parametrize("rows", ["per_course", "per_user"])
def test_a_bundle_whose_202_was_lost_stays_pending_until_every_course_is_there(
    open_world: Callable[..., World], rows: str
) -> None:
    world = open_world(bundle_rows=rows, async_delay=600)
    boss, bundle = world.user(), world.bundle(courses=6)
    world.upstream.fault("reset_after", "POST", "/bundles/.*/enrollments")
    student_id = world.enroll(boss, bundle).student.id
    for _ in range(3):
        assert world.look(student_id) is POSTPONED
        world.wait()
    assert world.upstream.enrollments() == []
    assert world.status(student_id, bundle) == "pending"


def test_a_bundle_that_is_being_built_keeps_no_other_product_waiting(world: World, boss: User) -> None:
    bundle, course = world.bundle(courses=6), world.course("Z")
    student_id = world.enroll(boss, bundle, course).student.id
    assert world.look(student_id) is POSTPONED
    assert world.status(student_id, course) == "active"


# Refusals for good


def test_a_course_that_thinkific_does_not_know_fails_with_its_reason(world: World, boss: User) -> None:
    gone, course = world.course("Gone"), world.course("Safety")
    world.upstream.control("DELETE", f"/courses/{gone.productable_id}")
    student_id = world.enroll(boss, gone, course).student.id
    assert world.settle(student_id) is FULFILLED
    failed = world.enrollment(student_id, gone)
    assert failed.error == "Thinkific: Course could not be found."
    assert [world.status(student_id, product) for product in (gone, course)] == ["failed", "active"]


def test_a_bundle_that_thinkific_does_not_know_fails_with_its_reason(world: World, boss: User) -> None:
    bundle = world.bundle()
    world.upstream.control("DELETE", f"/bundles/{bundle.productable_id}")
    student_id = world.enroll(boss, bundle).student.id
    assert world.settle(student_id) is FULFILLED
    assert world.status(student_id, bundle) == "failed"
    assert world.enrollment(student_id, bundle).error == "Thinkific: there is no such course or bundle any more."


def test_enrolling_again_retries_what_had_failed(world: World, boss: User) -> None:
    course = world.course()
    world.upstream.control("DELETE", f"/courses/{course.productable_id}")
    student_id = world.enroll(boss, course).student.id
    world.settle(student_id)
    world.upstream.control(
        "POST", "/products", name="Safety", productable_type="Course", productable_id=course.productable_id
    )
    world.enroll(boss, course)
    assert world.status(student_id, course) == "pending"
    assert world.settle(student_id) is FULFILLED
    assert (world.status(student_id, course), world.enrollment(student_id, course).error) == ("active", None)


def test_a_failed_enrollment_does_not_fail_again_by_itself(world: World, boss: User) -> None:
    course = world.course()
    world.upstream.control("DELETE", f"/courses/{course.productable_id}")
    student_id = world.enroll(boss, course).student.id
    world.settle(student_id)
    assert world.record(student_id).wish is None


# Faults that pass


@pytest.mark.parametrize(
    "headers", [{"ratelimit_reset": "ms"}, {"ratelimit_reset": "s"}, {"ratelimit_reset": "absent"}]
)
def test_too_many_calls_are_no_failed_attempt(open_world: Callable[..., World], headers: dict[str, Any]) -> None:
    world = open_world(**headers)
    boss, course = world.user(), world.course()
    world.upstream.fault("rate_limited", seconds=20)
    student_id = world.enroll(boss, course).student.id
    assert world.look(student_id) is POSTPONED
    wish = world.record(student_id).wish
    assert wish is not None
    assert wish.attempts == 0
    assert world.sqs.sent[-1].delay >= 20
    world.wait()
    assert world.settle(student_id) is FULFILLED


def test_a_fault_while_reading_is_tried_again_later_and_later(world: World, boss: User) -> None:
    world.upstream.fault("error_before", "GET", "/users", times=8, status=503)
    student_id = world.enroll(boss, world.course()).student.id
    delays = []
    for _ in range(8):
        assert world.look(student_id) is POSTPONED
        delays.append(world.sqs.sent[-1].delay)
        world.wait()
    assert delays[0] <= 10
    assert 16 <= delays[-1] <= 32
    assert world.settle(student_id) is FULFILLED


def test_a_refused_key_postpones_and_heals(world: World, boss: User) -> None:
    course = world.course()
    world.upstream.fault("error_before", status=401)
    student_id = world.enroll(boss, course).student.id
    assert world.look(student_id) is POSTPONED
    assert world.status(student_id, course) == "pending"
    world.wait()
    assert world.settle(student_id) is FULFILLED


def test_what_was_done_before_a_fault_is_not_done_again(world: World) -> None:
    boss = world.user(group="Acme")
    world.upstream.fault("error_before", "POST", "^/enrollments$", status=520)
    student_id = world.enroll(boss, world.course("A"), world.course("B")).student.id
    world.settle(student_id)
    calls = world.upstream.calls()
    assert calls.count("POST /users") == 1
    assert calls.count("POST /groups") == 1
    assert len(world.upstream.enrollments()) == 2


def test_a_worker_stops_in_time_and_goes_on_with_the_next_message(world: World, boss: User) -> None:
    student_id = world.enroll(boss, *(world.course(f"C{number}") for number in range(4))).student.id
    left = itertools.chain([60.0] * 4, itertools.repeat(10.0))
    assert world.sync.sync_student(student_id, lambda: next(left)) is POSTPONED
    assert len(world.upstream.enrollments()) == 2
    assert world.sqs.sent[-1].delay == 0
    assert world.settle(student_id) is FULFILLED
    assert len(world.upstream.enrollments()) == 4
