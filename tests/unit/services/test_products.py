"""The catalogue: read from the table, refreshed from the simulated Thinkific."""

import httpx
import pytest
from tests.in_memory.sqs import Sent
from tests.unit.services.world import World

from b2b.domain.catalogue.products import Product
from b2b.domain.errors import NotFound
from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.domain.work.operations import Operation, OperationStatus, OperationType
from b2b.gateways.thinkific import Thinkific
from b2b.services.catalogue.products import ProductService
from b2b.services.catalogue.sync import CatalogueSync
from b2b.services.pages import PageRequest
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker


class Catalogue:
    """The products of a world, and the worker that refreshes them."""

    def __init__(self, world: World, thinkific: Thinkific | None = None) -> None:
        self._world = world
        self.products = ProductService(world.store)
        sync = CatalogueSync(world.store, thinkific or world.thinkific, world.clock)
        runners = {OperationType.CATALOGUE_SYNC: sync}
        self.worker = OperationWorker(world.store, world.notifier, runners, lambda: None, world.clock)

    def start(self) -> str:
        return self._world.operations.start(CatalogueSyncState()).id

    def refresh(self) -> Operation:
        operation_id = self.start()
        assert self.worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.FINISHED
        return self.read(operation_id)

    def read(self, operation_id: str) -> Operation:
        return self._world.operations.get(operation_id)[0]

    def all(self) -> list[Product]:
        return [*self.products.list_page(PageRequest(1, 100)).records]

    def only(self) -> Product:
        (product,) = self.all()
        return product


@pytest.fixture
def catalogue(world: World) -> Catalogue:
    return Catalogue(world)


def sell(world: World, name: str) -> dict[str, int]:
    """A course in Thinkific that the table does not know yet."""
    product: dict[str, int] = world.upstream.control("POST", "/courses", name=name)["product"]
    return product


def test_a_new_product_arrives(world: World, catalogue: Catalogue) -> None:
    made = sell(world, "Fire Safety")
    operation = catalogue.refresh()
    assert (operation.status, operation.total, operation.done) == (OperationStatus.SUCCEEDED, 1, 1)
    found = catalogue.only()
    assert (found.id, found.productable_id, found.productable_type) == (made["id"], made["productable_id"], "Course")
    assert (found.name, found.status, found.slug) == ("Fire Safety", "published", "fire-safety")


def test_nothing_to_refresh_succeeds_with_nothing(catalogue: Catalogue) -> None:
    operation = catalogue.refresh()
    assert (operation.status, operation.total) == (OperationStatus.SUCCEEDED, 0)


def test_a_renamed_product_changes_and_keeps_its_beginning(world: World, catalogue: Catalogue) -> None:
    made = sell(world, "Fire Safety")
    catalogue.refresh()
    first = catalogue.only()
    world.clock.advance(hours=1)
    world.upstream.control("PUT", f"/products/{made['id']}", name="Fire Warden", status="draft")
    catalogue.refresh()
    second = catalogue.only()
    assert (second.name, second.status) == ("Fire Warden", "draft")
    assert (second.created_at, second.updated_at) == (first.created_at, world.clock())


def test_what_did_not_change_is_not_written(world: World, catalogue: Catalogue) -> None:
    sell(world, "Fire Safety")
    catalogue.refresh()
    first = catalogue.only()
    world.clock.advance(hours=1)
    catalogue.refresh()
    assert catalogue.only() == first


def test_a_product_that_vanished_stays_as_deleted_and_may_come_back(world: World, catalogue: Catalogue) -> None:
    made = sell(world, "Fire Safety")
    catalogue.refresh()
    world.upstream.control("DELETE", f"/products/{made['id']}")
    world.clock.advance(hours=1)
    catalogue.refresh()
    assert catalogue.only().is_deleted
    world.upstream.control("POST", "/products", id=made["id"], name="Fire Safety", productable_type="Course")
    world.clock.advance(hours=1)
    catalogue.refresh()
    assert catalogue.only().status == "published"


def test_a_product_that_the_pages_merely_missed_is_not_deleted(world: World) -> None:
    """Rows shift from page to page while they are read."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_list = request.url.path.endswith("/products")
        return httpx.Response(200, json={"items": []} if is_list else {"id": 1})

    course = world.course()
    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://thinkific.example")
    catalogue = Catalogue(world, world.thinkific_over(http))
    assert catalogue.refresh().status is OperationStatus.SUCCEEDED
    assert catalogue.only() == course


def test_a_bundle_knows_its_courses(world: World, catalogue: Catalogue) -> None:
    ids = [sell(world, name)["productable_id"] for name in ("A", "B")]
    world.upstream.control("POST", "/bundles", name="Pack", course_ids=ids)
    operation = catalogue.refresh()
    assert (operation.total, operation.done) == (3, 3)
    assert {product.name: product.course_ids for product in catalogue.all()} == {
        "A": (),
        "B": (),
        "Pack": tuple(ids),
    }


def test_types_that_cannot_be_sold_here_are_left_out(world: World, catalogue: Catalogue) -> None:
    world.upstream.control("POST", "/products", name="Club", productable_type="Community")
    assert catalogue.refresh().total == 0
    assert catalogue.all() == []


def test_a_catalogue_of_several_pages_arrives_whole(world: World) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        item = {"id": page, "productable_id": 70 + page, "productable_type": "Course", "name": f"Course {page}"}
        pagination = {"next_page": page + 1 if page < 3 else None}
        return httpx.Response(200, json={"items": [item], "meta": {"pagination": pagination}})

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://thinkific.example")
    catalogue = Catalogue(world, world.thinkific_over(http))
    assert catalogue.refresh().total == 3
    assert [product.id for product in catalogue.all()] == [1, 2, 3]


def test_a_refresh_that_runs_out_of_time_goes_on_where_it_was(world: World, catalogue: Catalogue) -> None:
    ids = [sell(world, name)["productable_id"] for name in ("A", "B")]
    world.upstream.control("POST", "/bundles", name="Pack", course_ids=ids)
    operation_id = catalogue.start()
    left = iter([60.0, 1.0])
    assert catalogue.worker.advance(operation_id, lambda: next(left)) is AdvanceOutcome.POSTPONED
    assert catalogue.read(operation_id).status is OperationStatus.RUNNING
    assert world.sqs.sent[-1] == Sent("operations", {"version": 1, "operation_id": operation_id}, 0)
    assert catalogue.worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.FINISHED
    assert world.upstream.calls().count("GET /products") == 1


@pytest.mark.parametrize("kind", ["reset_before", "error_before", "rate_limited"])
def test_a_refresh_is_postponed_by_a_fault_that_passes(world: World, catalogue: Catalogue, kind: str) -> None:
    sell(world, "A")
    world.upstream.fault(kind, "GET", "/products")
    operation_id = catalogue.start()
    assert catalogue.worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.POSTPONED
    assert catalogue.worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.FINISHED
    assert catalogue.read(operation_id).status is OperationStatus.SUCCEEDED


def test_a_refused_refresh_fails_with_its_reason(world: World, catalogue: Catalogue) -> None:
    world.upstream.fault("error_before", "GET", "/products", status=400)
    operation_id = catalogue.start()
    assert catalogue.worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.FINISHED
    operation = catalogue.read(operation_id)
    assert (operation.status, operation.error) == (OperationStatus.FAILED, "Thinkific: Bad Request")


def test_a_refresh_that_failed_marks_nothing_as_deleted(world: World, catalogue: Catalogue) -> None:
    sell(world, "A")
    catalogue.refresh()
    world.upstream.fault("error_before", "GET", "/products", status=400)
    catalogue.worker.advance(catalogue.start(), lambda: 60.0)
    assert not catalogue.only().is_deleted


def test_a_finished_operation_is_not_carried_on(catalogue: Catalogue) -> None:
    operation_id = catalogue.refresh().id
    assert catalogue.worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.NOTHING_TO_DO
    assert catalogue.worker.advance("unknown", lambda: 60.0) is AdvanceOutcome.NOTHING_TO_DO


def test_an_operation_is_durable_before_its_message_is_sent(world: World, catalogue: Catalogue) -> None:
    world.sqs.broken = True
    operation_id = catalogue.start()
    assert catalogue.read(operation_id).status is OperationStatus.PENDING
    assert len(world.unsent) == 1


# Reading


def test_a_product_is_read_by_its_own_id_only(world: World, catalogue: Catalogue) -> None:
    course = world.course()
    assert catalogue.products.get(course.id) == course
    with pytest.raises(NotFound):
        catalogue.products.get(course.productable_id)


@pytest.mark.parametrize(
    ("term", "names"),
    [("safety", ["Fire Safety", "safety first"]), ("FIRST", ["first aid", "safety first"]), ("none", [])],
)
def test_a_search_sorts_by_name(world: World, catalogue: Catalogue, term: str, names: list[str]) -> None:
    for name in ("safety first", "Fire Safety", "first aid"):
        world.course(name)
    assert [product.name for product in catalogue.products.search(term)] == names
