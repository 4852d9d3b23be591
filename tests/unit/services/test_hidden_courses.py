"""Courses that Thinkific's REST lists leave out: found through GraphQL or added by hand, enrolled in, verified."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.services.world import ADA, World

from b2b.domain.catalogue.products import FIRST_OWN_ID, Product, ProductableType, ProductReference, ProductSource
from b2b.domain.enrollment.enrollments import with_expiry
from b2b.domain.errors import InvalidInput
from b2b.domain.kinds import Kind
from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.domain.work.operations import Operation, OperationStatus, OperationType
from b2b.domain.work.upstream import BudgetSpent, GraphPage, KeyRefused, ThinkificDown, ThinkificRejected
from b2b.gateways.thinkific.graphql import ThinkificGraphQL
from b2b.services.catalogue.products import ProductService
from b2b.services.catalogue.sync import CatalogueSync
from b2b.services.enrollment.students import Enrolling
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.services.enrollment.sync.verification import Verification
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker

COURSE, BUNDLE = ProductableType


class Catalogue:
    """The products of a world. ``token`` None: GraphQL is not set up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.products = ProductService(world.store, world.clock)
        self.graphql = world.graphql
        self.errors: list[str | None] = []

    def refresh(self, postponed: int = 0) -> Operation:
        """To its end, which ``postponed`` looks come before."""
        sync = CatalogueSync(self._world.store, self._world.thinkific, self._world.clock, self.graphql)
        runners: Any = {OperationType.CATALOGUE_SYNC: sync}
        worker = OperationWorker(self._world.store, self._world.notifier, runners, lambda: None, self._world.clock)
        operation_id = self._world.operations.start(CatalogueSyncState()).id
        self._world.clock.advance(minutes=1)
        outcomes = [worker.advance(operation_id, lambda: 60.0)]
        while outcomes[-1] is AdvanceOutcome.POSTPONED and len(outcomes) < 30:
            self._world.wait()
            outcomes.append(worker.advance(operation_id, lambda: 60.0))
        assert outcomes == [AdvanceOutcome.POSTPONED] * postponed + [AdvanceOutcome.FINISHED]
        return self._world.operations.get(operation_id)[0]

    def all(self) -> dict[str, Product]:
        found = self._world.store.products.all()
        named = {product.name: product for product in found}
        assert len(named) == len(found), "a product is listed twice"
        assert self._world.store.counters.total(Kind.PRODUCTS) == len(found)
        return named

    def sell(self, name: str, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = self._world.upstream.control("POST", "/courses", name=name, **fields)["product"]
        return made

    def change(self, made: dict[str, Any], **fields: Any) -> None:
        self._world.upstream.control("PUT", f"/products/{made['id']}", **fields)

    def remove(self, made: dict[str, Any]) -> None:
        self._world.upstream.control("DELETE", f"/products/{made['id']}")


@pytest.fixture
def catalogue(world: World) -> Catalogue:
    return Catalogue(world)


# Found through GraphQL


def test_a_hidden_course_comes_with_its_product_id(catalogue: Catalogue) -> None:
    shown, hidden = catalogue.sell("Shown"), catalogue.sell("Hidden", newer_builder=True, status="draft")
    operation = catalogue.refresh()
    assert (operation.status, operation.total, operation.done) == (OperationStatus.SUCCEEDED, 2, 2)
    found = catalogue.all()
    assert (found["Shown"].id, found["Shown"].source) == (shown["id"], ProductSource.REST)
    product = found["Hidden"]
    assert (product.id, product.thinkific_id, product.source) == (hidden["id"], hidden["id"], ProductSource.GRAPHQL)
    assert (product.productable_id, product.status, product.slug) == (hidden["productable_id"], "draft", "hidden")


def test_a_hidden_course_without_a_product_id_has_one_of_ours_until_rest_shows_it(
    world: World, catalogue: Catalogue
) -> None:
    world.upstream.switch(graphql_product="absent")
    made = catalogue.sell("Hidden", newer_builder=True)
    catalogue.refresh()
    first = catalogue.all()["Hidden"]
    assert first.id > FIRST_OWN_ID
    assert (first.thinkific_id, first.source) == (None, ProductSource.GRAPHQL)

    catalogue.refresh()
    assert catalogue.all()["Hidden"] == first, "nothing has changed"
    catalogue.change(made, newer_builder=False, name="Shown")
    catalogue.refresh()
    completed = catalogue.all()["Shown"]
    assert (completed.id, completed.thinkific_id, completed.source) == (first.id, made["id"], ProductSource.REST)
    for number in (first.id, made["id"]):
        assert catalogue.products.get(number) == completed
        assert catalogue.products.search(str(number)) == [completed]


def test_many_hidden_courses_come_page_by_page(world: World, catalogue: Catalogue) -> None:
    names = {f"Course {number}" for number in range(30)}
    for name in sorted(names):
        catalogue.sell(name, newer_builder=True)
    assert catalogue.refresh().total == 30
    assert catalogue.all().keys() == names
    assert [call["variables"]["first"] for call in world.upstream.graphql_calls()] == [25, 25]


@pytest.mark.parametrize(("most", "sizes"), [(20, [25, 12, 12]), (9, [25, 12, 6, 6, 6]), (60, [25])])
def test_a_query_that_costs_too_much_is_made_smaller(
    world: World, catalogue: Catalogue, most: int, sizes: list[int]
) -> None:
    world.upstream.switch(graphql_max_cost=most)
    for number in range(15):
        catalogue.sell(f"Course {number}", newer_builder=True)
    assert catalogue.refresh().status is OperationStatus.SUCCEEDED
    assert len(catalogue.all()) == 15
    assert [call["variables"]["first"] for call in world.upstream.graphql_calls()] == sizes


def test_without_a_token_graphql_is_not_asked(world: World, catalogue: Catalogue) -> None:
    catalogue.graphql = world.graphql_with(None)
    catalogue.sell("Shown")
    catalogue.sell("Hidden", newer_builder=True)
    assert catalogue.refresh().status is OperationStatus.SUCCEEDED
    assert catalogue.all().keys() == {"Shown"}
    assert world.upstream.graphql_calls() == []


# What vanishes


def test_a_course_that_was_moved_to_the_newer_builder_is_not_deleted(catalogue: Catalogue) -> None:
    made = catalogue.sell("Moved")
    catalogue.refresh()
    catalogue.change(made, newer_builder=True)
    catalogue.refresh()
    moved = catalogue.all()["Moved"]
    assert (moved.id, moved.source, moved.is_deleted) == (made["id"], ProductSource.GRAPHQL, False)
    catalogue.change(made, newer_builder=False)
    catalogue.refresh()
    assert catalogue.all()["Moved"].source is ProductSource.REST


def test_a_course_taken_for_deleted_comes_back_when_graphql_shows_it(world: World, catalogue: Catalogue) -> None:
    made = catalogue.sell("Moved")
    catalogue.refresh()
    catalogue.change(made, newer_builder=True)
    catalogue.graphql = world.graphql_with(None)
    catalogue.refresh()
    assert catalogue.all()["Moved"].is_deleted, "without GraphQL nothing tells it from a deleted one"
    catalogue.graphql = world.graphql
    catalogue.refresh()
    back = catalogue.all()["Moved"]
    assert (back.status, back.source) == ("published", ProductSource.GRAPHQL)


@pytest.mark.parametrize("missing", ["null", "error"])
@pytest.mark.parametrize("newer_builder", [True, False])
def test_what_neither_rest_nor_graphql_has_any_more_is_deleted(
    world: World, catalogue: Catalogue, newer_builder: bool, missing: str
) -> None:
    world.upstream.switch(graphql_missing=missing)
    made = catalogue.sell("Gone", newer_builder=newer_builder)
    catalogue.refresh()
    catalogue.remove(made)
    assert catalogue.refresh().status is OperationStatus.SUCCEEDED
    gone = catalogue.all()["Gone"]
    assert gone.is_deleted
    assert catalogue.products.get(made["id"]) == gone


def test_a_deleted_product_is_deleted_under_each_of_its_ids(world: World, catalogue: Catalogue) -> None:
    made = catalogue.sell("Added", newer_builder=True)
    product = catalogue.products.add_product(COURSE, made["productable_id"], "Added")
    catalogue.change(made, newer_builder=False)
    catalogue.refresh()
    catalogue.remove(made)
    catalogue.refresh()
    for number in (product.id, made["id"]):
        assert catalogue.products.get(number).is_deleted


def test_without_a_token_what_only_graphql_showed_stays(world: World, catalogue: Catalogue) -> None:
    made = catalogue.sell("Hidden", newer_builder=True)
    catalogue.refresh()
    catalogue.remove(made)
    catalogue.graphql = world.graphql_with(None)
    catalogue.refresh()
    assert not catalogue.all()["Hidden"].is_deleted


# GraphQL's failures: kind, how often, looks before the end, whether it heals

PASSING = [
    *(("rate_limited", times, reset) for times in (1, 5) for reset in ("time", "past", "unreadable", "absent")),
    ("html_429", 2, "time"),
    ("gateway_timeout", 3, "time"),
    ("html_502", 5, "time"),
    ("not_json", 1, "time"),
    ("no_data", 2, "time"),
    ("reset", 4, "time"),
]
LASTING = [
    ("rate_limited", 6, 5, "used up"),
    ("html_429", 6, 5, "429"),
    ("gateway_timeout", 6, 5, "Gateway timeout"),
    ("html_502", 6, 5, "502"),
    ("not_json", 6, 5, "something else"),
    ("no_data", 6, 5, "something else"),
    ("reset", 6, 5, "ReadError"),
    ("refused", 1, 0, "401"),
    ("unknown_field", 1, 0, "doesn't exist"),
    ("too_costly", 9, 0, "exceeds"),
    ("stuck_cursor", 9, 0, "leads back"),
]


@pytest.mark.parametrize(("kind", "times", "reset"), PASSING)
def test_a_failure_that_passes_is_waited_for(
    world: World, catalogue: Catalogue, kind: str, times: int, reset: str
) -> None:
    world.upstream.switch(graphql_reset_at=reset)
    catalogue.sell("Hidden", newer_builder=True)
    world.upstream.graphql_fault(kind, times)
    assert catalogue.refresh(postponed=times).status is OperationStatus.SUCCEEDED
    assert catalogue.all().keys() == {"Hidden"}
    assert world.store.graphql.trouble() is None


@pytest.mark.parametrize(("kind", "times", "postponed", "said"), LASTING)
def test_a_failure_that_lasts_stops_nothing_and_deletes_nothing(
    world: World, catalogue: Catalogue, kind: str, times: int, postponed: int, said: str
) -> None:
    hidden, gone = catalogue.sell("Hidden", newer_builder=True), catalogue.sell("Gone")
    catalogue.refresh()
    catalogue.remove(hidden)
    catalogue.remove(gone)
    catalogue.sell("New")
    catalogue.sell("Other", newer_builder=True)
    world.upstream.graphql_fault(kind, times)

    operation = catalogue.refresh(postponed=postponed)
    assert operation.status is OperationStatus.PARTIAL
    assert said in (operation.error or "")
    assert world.budget.pause_reason is None, "the site is not paused"
    assert said in (world.store.graphql.trouble() or "")
    found = catalogue.all()
    assert found["New"].source is ProductSource.REST
    assert not any(product.is_deleted for product in found.values())

    world.upstream.heal()
    assert catalogue.refresh().status is OperationStatus.SUCCEEDED
    assert world.store.graphql.trouble() is None
    assert {name for name, product in catalogue.all().items() if product.is_deleted} == {"Hidden", "Gone"}


class Silent:
    """GraphQL that shows its list, and answers nothing about a single course."""

    is_set_up = True

    def __init__(self, graphql: ThinkificGraphQL, error: Exception) -> None:
        self._graphql = graphql
        self._error = error

    def courses_page(self, after: str | None, first: int) -> GraphPage:
        return self._graphql.courses_page(after, first)

    def course_exists(self, course_id: int) -> bool:
        raise self._error


@pytest.mark.parametrize(
    ("error", "postponed"),
    [
        (KeyRefused(401, "no"), 0),
        (ThinkificRejected("no such field"), 0),
        (ThinkificDown("late", retry_after=5), 5),
        (BudgetSpent("later", retry_after=60), 5),
    ],
)
def test_a_course_of_which_graphql_does_not_say_whether_it_exists_is_kept(
    world: World, catalogue: Catalogue, error: Exception, postponed: int
) -> None:
    made = catalogue.sell("Gone")
    catalogue.refresh()
    catalogue.remove(made)
    silent: Any = Silent(world.graphql, error)
    catalogue.graphql = silent
    assert catalogue.refresh(postponed=postponed).status is OperationStatus.PARTIAL
    assert not catalogue.all()["Gone"].is_deleted


# Added by hand


def test_a_product_added_by_hand_has_an_id_that_no_product_of_thinkifics_has(
    world: World, catalogue: Catalogue
) -> None:
    products = [catalogue.products.add_product(COURSE, number, f"Course {number}") for number in (1, 2**53, 77)]
    assert [product.id for product in products] == [FIRST_OWN_ID + number for number in (1, 2, 3)]
    assert all(product.id < 2**53 for product in products)
    assert {product.source for product in products} == {ProductSource.MANUAL}
    assert [catalogue.products.get(product.id) for product in products] == products


@pytest.mark.parametrize("source", ["rest", "graphql", "manual", "deleted"])
def test_what_is_known_already_is_not_added(world: World, catalogue: Catalogue, source: str) -> None:
    made = catalogue.sell("There", newer_builder=source == "graphql")
    if source == "manual":
        catalogue.products.add_product(COURSE, made["productable_id"], "There")
    else:
        catalogue.refresh()
    if source == "deleted":
        catalogue.remove(made)
        catalogue.refresh()
    before = catalogue.all()
    with pytest.raises(InvalidInput) as raised:
        catalogue.products.add_product(COURSE, made["productable_id"], "Again")
    assert raised.value.errors.keys() == {"productable_id"}
    assert str(before["There"].id) in str(raised.value)
    assert catalogue.all() == before


def test_a_course_and_a_bundle_may_share_the_number_and_a_product_id_too(world: World, catalogue: Catalogue) -> None:
    made = catalogue.sell("Course")
    catalogue.refresh()
    number = made["productable_id"]
    bundle = catalogue.products.add_product(BUNDLE, number, "Bundle")
    course = catalogue.products.add_product(COURSE, made["id"], "Same number as a product id")
    assert catalogue.products.get(made["id"]).name == "Course"
    found = world.store.lookups.find(product_numbers=[number, made["id"]]).candidates
    assert {product.name for product in found[number].by_productable} == {"Course", "Bundle"}
    assert found[made["id"]].by_productable == (course,)
    assert bundle.id != course.id


def test_a_product_added_by_hand_is_never_deleted_and_completed_by_graphql_then_by_rest(
    world: World, catalogue: Catalogue
) -> None:
    made = catalogue.sell("Thinkific's name", newer_builder=True)
    product = catalogue.products.add_product(COURSE, made["productable_id"], "Our name")
    alone = catalogue.products.add_product(COURSE, 99, "Nobody shows it")
    catalogue.graphql = world.graphql_with(None)
    operation = catalogue.refresh()
    assert (operation.status, operation.total, operation.done) == (OperationStatus.SUCCEEDED, 2, 2)
    assert catalogue.all() == {"Our name": product, "Nobody shows it": alone}

    catalogue.graphql = world.graphql
    catalogue.refresh()
    found = catalogue.all()["Thinkific's name"]
    assert (found.id, found.learned_id, found.source) == (product.id, made["id"], ProductSource.GRAPHQL)
    catalogue.change(made, newer_builder=False)
    catalogue.refresh()
    shown = catalogue.all()["Thinkific's name"]
    assert shown == replace(found, source=ProductSource.REST, updated_at=shown.updated_at)
    assert catalogue.products.get(made["id"]) == shown
    assert catalogue.all()["Nobody shows it"] == alone


def test_a_bundle_added_by_hand_learns_its_courses(world: World, catalogue: Catalogue) -> None:
    ids = [catalogue.sell(name)["productable_id"] for name in ("A", "B")]
    made = world.upstream.control("POST", "/bundles", name="Pack", course_ids=ids, newer_builder=True)["product"]
    catalogue.products.add_product(BUNDLE, made["productable_id"], "Pack")
    catalogue.products.add_product(BUNDLE, 99, "None")
    operation = catalogue.refresh()
    assert (operation.status, operation.total, operation.done) == (OperationStatus.SUCCEEDED, 4, 4)
    assert catalogue.all()["Pack"].course_ids == tuple(ids)
    assert catalogue.all()["None"].course_ids == ()


def test_a_grant_and_an_enrollment_live_through_the_completion(world: World, catalogue: Catalogue) -> None:
    made = catalogue.sell("Hidden", newer_builder=True)
    product = catalogue.products.add_product(COURSE, made["productable_id"], "Hidden")
    user = world.user()
    world.grant(user, product, 5)
    student_id = world.brought(user, product)
    catalogue.change(made, newer_builder=False)
    catalogue.refresh()
    granted = world.users.get(user.id)
    assert [(grant.product_id, grant.seats_used) for grant, _ in granted.grants] == [(product.id, 1)]
    assert world.status(student_id, product) == "active"
    enrolling = Enrolling(
        user_email=user.email,
        acting_user_id=user.id,
        references=[ProductReference(made["id"])],
        enforce_seats=False,
    )
    by_product_id = world.students.enroll(ADA, enrolling)
    assert [enrollment.product_id for enrollment, _ in by_product_id.enrollments] == [product.id]


# Enrolled in


@pytest.mark.parametrize("shown", ["listed", "by_id", "unseen"])
@pytest.mark.parametrize("existing", ["upsert", "reject"])
@pytest.mark.parametrize("fault", [None, "reset_after", "error_after", "reset_before"])
def test_a_student_is_enrolled_in_a_hidden_course_once(
    world: World, shown: str, existing: str, fault: str | None
) -> None:
    course = world.hidden_course()
    world.upstream.switch(hidden_enrollments=shown, existing_enrollment=existing)
    if fault:
        world.upstream.fault(fault, "POST", "/enrollments", status=520)
    student_id = world.enroll(world.user(), course).student.id
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert world.status(student_id, course) == "active"
    assert len(rows(world)) == 1


@pytest.mark.parametrize("shown", ["listed", "by_id", "unseen"])
def test_an_enrollment_in_a_hidden_course_is_prolonged_and_ended(world: World, shown: str) -> None:
    course = world.hidden_course()
    user = world.user()
    world.grant(user, course, None, days=10)
    world.upstream.switch(hidden_enrollments=shown)
    student_id = world.brought(user, course)
    first = rows(world)[0]

    world.grant(user, course, None, days=90)
    world.enroll(user, course)
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    (later,) = rows(world)
    assert (later["id"], later["expiry_date"] > first["expiry_date"]) == (first["id"], True)

    set_end(world, student_id, course, world.clock() - timedelta(days=3))
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    (ended,) = rows(world)
    assert (ended["id"], ended["expired"]) == (first["id"], True)


@pytest.mark.parametrize("shown", ["listed", "by_id", "unseen"])
def test_an_end_reaches_an_enrollment_whose_making_nobody_saw(world: World, shown: str) -> None:
    course = world.hidden_course()
    world.upstream.switch(hidden_enrollments=shown)
    world.upstream.fault("reset_after", "POST", "/enrollments")
    student_id = world.enroll(world.user(), course).student.id
    assert world.look(student_id) is SyncOutcome.POSTPONED
    set_end(world, student_id, course, world.clock() - timedelta(days=3))
    world.wait()
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert [row["expired"] for row in rows(world)] == [True]


def test_a_refusal_that_hides_an_enrollment_is_no_success_where_an_end_was_set(world: World) -> None:
    course = world.hidden_course()
    world.upstream.switch(hidden_enrollments="unseen", existing_enrollment="reject")
    world.upstream.fault("reset_after", "POST", "/enrollments")
    student_id = world.enroll(world.user(), course).student.id
    world.look(student_id)
    set_end(world, student_id, course, world.clock() + timedelta(days=3))
    world.wait()
    world.settle(student_id)
    assert world.status(student_id, course) == "failed"
    assert "already" in (world.enrollment(student_id, course).error or "")


@pytest.mark.parametrize("shown", ["listed", "by_id", "unseen"])
def test_a_bundle_with_a_hidden_course_is_built(world: World, shown: str) -> None:
    world.upstream.switch(hidden_enrollments=shown, bundle_async_threshold=0)
    bundle = world.bundle_of(world.course(), world.hidden_course())
    student_id = world.enroll(world.user(), bundle).student.id
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert world.status(student_id, bundle) == "active"


# Verified


@pytest.mark.parametrize("shown", ["listed", "by_id", "unseen"])
def test_what_the_lists_hide_is_no_difference(world: World, shown: str) -> None:
    hidden, course = world.hidden_course(), world.course()
    bundle = world.bundle_of(course, hidden)
    student_id = world.brought(world.user(), hidden, course, bundle)
    world.upstream.switch(hidden_enrollments=shown)
    assert Verification(world.store, world.thinkific, world.notifier, world.clock).compare(student_id) == []


@pytest.mark.parametrize(("shown", "seen"), [("listed", True), ("by_id", True), ("unseen", False)])
def test_a_hidden_enrollment_that_differs_is_found_where_it_can_be_read(world: World, shown: str, seen: bool) -> None:
    course = world.hidden_course()
    student_id = world.brought(world.user(), course)
    (row,) = rows(world)
    world.upstream.call("PUT", f"/enrollments/{row['id']}", expiry_date="2026-04-01T00:00:00Z")
    world.upstream.switch(hidden_enrollments=shown)
    verification = Verification(world.store, world.thinkific, world.notifier, world.clock)
    differences = verification.compare(student_id)
    assert differences is not None
    assert [difference.product_id for difference in differences] == ([course.id] if seen else [])
    verification.reopen_differences(student_id, differences)
    assert world.settle(student_id) in (SyncOutcome.FULFILLED, SyncOutcome.NOT_NOW)
    assert verification.compare(student_id) == []


def set_end(world: World, student_id: int, product: Product, end: datetime) -> None:
    """As the call that changes a user's enrollments leaves it."""
    before = world.enrollment(student_id, product)
    wish = world.store.wishes.add_wish(student_id, world.clock(), bulk=False)
    after = with_expiry(before, end, world.clock())
    world.store.transact([wish, world.store.enrollments.change_enrollment(before, after)])


def rows(world: World) -> list[dict[str, Any]]:
    """All enrollments in Thinkific, whoever may see them."""
    found: list[dict[str, Any]] = world.upstream.control("GET", "/state")["enrollments"]
    return found
