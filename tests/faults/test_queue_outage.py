"""SQS takes no message: what was asked for is durable, and repair brings it about once SQS is back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from tests.contract.people import data_of, user_fields
from tests.emulated import Emulated, new_school
from tests.faults.figures import Figures
from tests.integration.desk import Desk
from tests.integration.queued import asked_for, enqueued_for
from tests.integration.recount import recount
from tests.unit.clock import Clock
from tests.unit.functions.api import Api
from tests.unit.in_process import Open
from tests.unit.services.upstream import Upstream
from tests.unit.services.world import World, reference

from b2b.domain.catalogue.products import Product
from b2b.domain.identity.users import User
from b2b.domain.timestamps import utc_now
from b2b.domain.work.operations import OperationType
from b2b.services.catalogue.sync import CatalogueSync
from b2b.services.enrollment.expiries import ExpiryChange, ExpiryRunner, ExpiryService
from b2b.services.enrollment.removals import Removals
from b2b.services.enrollment.students import StudentService
from b2b.services.enrollment.sync.repair import RepairService
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.services.work.notifier import Notifier
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker
from b2b.services.work.operations import OperationService
from b2b.wiring.aws import BRIEFLY, PATIENTLY
from b2b_cli.local.emulator import Emulator
from b2b_cli.simulator import Store

Broken = Callable[..., Any]
STUDENTS = 3


def refuses_connections(**_: Any) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url="the queue")


def closes_connections(**_: Any) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url="the queue")


def never_answers(**_: Any) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url="the queue")


def says_503(**_: Any) -> AWSResponse:
    return _Refusal(503, b"<html>Service Unavailable</html>")


def throttles(**_: Any) -> AWSResponse:
    return _Refusal(400, b'{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slow down"}')


class _Refusal(AWSResponse):
    def __init__(self, status: int, content: bytes) -> None:
        super().__init__("the queue", status, {}, None)  # type: ignore[arg-type] # no stream: the content is here
        self._content = content


WAYS: tuple[Broken, ...] = (refuses_connections, closes_connections, never_answers, says_503, throttles)


@contextmanager
def broken(school: Emulated, way: Broken) -> Iterator[list[str]]:
    """Within, no message can be sent; the tries."""
    tries: list[str] = []

    def fail(request: Any, **_: Any) -> AWSResponse:
        tries.append(request.headers["X-Amz-Target"].decode())
        return way()  # type: ignore[no-any-return] # botocore's events are not typed

    events = school.sqs.meta.events
    events.register("before-send.sqs.SendMessage", fail)
    try:
        yield tries
    finally:
        events.unregister("before-send.sqs.SendMessage", fail)


@pytest.fixture
def school(emulator: Emulator) -> Emulated:
    """Its client of the queues gives up as soon as the product's does."""
    made = new_school(emulator)
    return replace(made, sqs=emulator.client("sqs", PATIENTLY.merge(BRIEFLY)))


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest) -> Broken:
    found: Broken = request.param
    return found


class Workshop(World):
    """A world whose table and queues are the emulator's."""

    def __init__(self, school: Emulated, upstream: Upstream, clock: Clock) -> None:
        super().__init__(school.table, upstream, clock)
        self.school = school
        self.notifier = Notifier(school.queues, on_failure=self.unsent.append)
        self.operations = OperationService(self.store, self.notifier, clock)
        self.students = StudentService(self.store, self.notifier, Removals(self.store, self.operations), clock)
        self.repair = RepairService(self.store, school.queues, clock)
        self.sync = self.worker("worker-1")
        self.expiries = ExpiryService(self.store, self.operations, clock)
        runners: Any = {
            OperationType.CATALOGUE_SYNC: CatalogueSync(self.store, self.thinkific, clock),
            OperationType.EXPIRY_CHANGE: ExpiryRunner(self.store, self.notifier, clock),
        }
        self.operation_worker = OperationWorker(self.store, self.notifier, runners, lambda: None, clock)

    def brought_by_queue(self, user: User, course: Product, number: int) -> int:
        """A student whom Thinkific has in the course; its message is taken in."""
        student_id = self.enroll(user, course, email=f"ada{number}@example.com").student.id
        assert self.look_at_all_rung_for() == [SyncOutcome.FULFILLED]
        return student_id

    def repair_later(self, **time: float) -> None:
        self.clock.advance(**time)
        self.repair.enqueue_overdue()

    def look_at_all_rung_for(self) -> list[SyncOutcome]:
        return [self.look(student_id) for student_id in enqueued_for(self.school)]


@pytest.fixture
def shop(school: Emulated, clock: Clock, open_app: Open) -> Iterator[Workshop]:
    # DynamoDB's own view of time is real, and what the API writes is of now.
    clock.moment = utc_now()
    store = Store()
    yield Workshop(school, Upstream(store, clock, open_app, existing_enrollment="duplicate"), clock)
    store.close()


def test_a_call_succeeds_without_the_queue_and_repair_brings_it_about(
    shop: Workshop, school: Emulated, open_app: Open, way: Broken, figures: Figures
) -> None:
    api = Api(Desk(school).api, open_app)
    enqueued_for(school)
    course, bundle = shop.course(), shop.bundle()
    client = data_of(api.call("POST", "/api/users", json=user_fields()), status=201)
    body = {"first_name": "Ada", "last_name": "L", "user_email": client["email"]}
    wanted = {"enrollments": [course.productable_id, bundle.productable_id]}
    with broken(school, way) as tries:
        answers = [
            api.call("POST", "/api/students", json=body | wanted | {"email": f"ada{number}@example.com"})
            for number in range(STUDENTS)
        ]
        operation = api.call("POST", "/api/products/sync")
    ids = [data_of(answer, status=201)["id"] for answer in answers]
    assert operation.status_code in (200, 202), operation.text
    assert len(tries) >= STUDENTS + 1
    assert (enqueued_for(school), asked_for(school)) == ([], [])

    shop.repair_later(seconds=241)
    assert asked_for(school) == [operation.json()["operation"]["id"]]
    assert shop.look_at_all_rung_for() == [SyncOutcome.FULFILLED] * STUDENTS
    for student_id in ids:
        student = data_of(api.call("GET", f"/api/students/{student_id}"))
        assert [found["status"] for found in student["enrollments"]] == ["active", "active"]
    assert len(shop.upstream.users()) == STUDENTS
    assert len(shop.upstream.enrollments()) == 3 * STUDENTS
    assert [wrong for wrong in recount(school) if "PRODUCTS" not in wrong] == []  # a World does not count its own
    figures.note(
        f"queue {way.__name__.replace('_', ' ')}",
        calls_answered=STUDENTS + 1,
        tries_to_send=len(tries),
    )


def test_a_worker_that_cannot_postpone_leaves_it_to_repair(shop: Workshop, school: Emulated, way: Broken) -> None:
    """Thinkific fails as well, so that the worker has to come again."""
    user, course = shop.user(), shop.course()
    student_id = shop.enroll(user, course).student.id
    assert enqueued_for(school) == [student_id]
    shop.upstream.fault("error_after", "POST", "^/enrollments$", status=503)
    with broken(school, way) as tries:
        assert shop.look(student_id) is SyncOutcome.POSTPONED
        assert tries
        # While it lasts repair cannot enqueue either; it says so.
        shop.clock.advance(minutes=5)
        with pytest.raises(Exception, match=r"queue|503|Throttled"):
            shop.repair.enqueue_overdue()
    assert enqueued_for(school) == []

    shop.repair_later(minutes=5)
    assert shop.look_at_all_rung_for() == [SyncOutcome.FULFILLED]
    assert shop.status(student_id, course) == "active"
    assert len(shop.upstream.enrollments()) == 1


def test_an_operation_goes_on_when_the_queue_is_back(shop: Workshop, school: Emulated, way: Broken) -> None:
    """It writes its students' wishes, and can enqueue neither them nor itself."""
    user, course = shop.user(), shop.course()
    ids = [shop.brought_by_queue(user, course, number) for number in range(STUDENTS)]
    with broken(school, way):
        change = shop.expiries.change_expiry(user.id, reference(course), ExpiryChange(kind="days", days=90))
        assert shop.operation_worker.advance(change.id, lambda: 60.0) is AdvanceOutcome.POSTPONED
    assert (enqueued_for(school), asked_for(school)) == ([], [])

    shop.repair_later(minutes=16)
    assert sorted(enqueued := enqueued_for(school)) == ids
    assert {shop.look(student_id) for student_id in enqueued} == {SyncOutcome.FULFILLED}
    (operation_id,) = set(asked_for(school))
    assert shop.operation_worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.FINISHED
    (end,) = {row["expiry_date"][:10] for row in shop.upstream.enrollments()}
    (wanted,) = {shop.enrollment(student_id, course).expiry_date for student_id in ids}
    assert wanted is not None
    assert end == f"{wanted:%Y-%m-%d}"
    assert wanted - shop.clock() < timedelta(days=90)
