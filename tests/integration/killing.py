"""Killing the worker of a local stack amid its operations, and making up for the time that passes until its work is
taken up again.

What a killed worker had in hand comes back by itself, later than a test likes to wait: a student when the worker's
lease ends (30 s; here it is ended) or its message becomes visible again (35 s), an operation, and a student whose
message the worker did not get to send, when repair looks after them (half a minute and 15 min; here the test
enqueues them).
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
from boto3.dynamodb.conditions import Attr
from tests.contract.people import Json
from tests.contract.school import School
from tests.integration.desk import Desk
from tests.integration.stacks import answered, kill_worker, school_of
from tests.local_stack import LocalStack, await_that

from b2b.domain.catalogue.products import Product, ProductableType
from b2b.domain.identity.users import User
from b2b.domain.timestamps import to_text
from b2b.domain.work.operations import OperationStatus
from b2b.storage import keys
from b2b.storage.actions import Update

_FINAL = {status.value for status in OperationStatus if status.is_final}
_THINKIFIC_SECONDS = 0.02
_ENQUEUE_EVERY_SECONDS = 2.5

_log = logging.getLogger(__name__)


def stratified(draw: random.Random, count: int, until: float) -> list[float]:
    """Random moments, one in each of ``count`` equal parts of 0..``until``."""
    return [until * draw.uniform(part, part + 1) / count for part in range(count)]


class Killed:
    """A running stack, its API, table and Thinkific, and how its worker is killed."""

    def __init__(self, stack: LocalStack, api: httpx.Client, thinkific: httpx.Client) -> None:
        self.stack = stack
        self.api = api
        self.thinkific = thinkific
        self.school = School(thinkific)
        self.desk = Desk(school_of(stack))
        self._dead: set[int] = set()

    @property
    def courses(self) -> list[Product]:
        products = self.desk.store.products.all()
        return [product for product in products if product.productable_type is ProductableType.COURSE]

    def operation(self, operation_id: str) -> Json:
        data: Json = answered(self.api.get(f"/operations/{operation_id}"))["data"]
        return data

    def students_of(self, user: User) -> list[int]:
        return self.desk.store.students.ids_of_user(user.id, after=0, limit=10_000)

    def open_operations(self) -> list[str]:
        """All that are not at their end: repair will have looked after each of them within three minutes."""
        soon = datetime.now(UTC) + timedelta(minutes=4)
        return self.desk.store.operations.due(soon, limit=1_000)

    def kill_at(self, moments: Sequence[float], progress: Callable[[], float]) -> None:
        """Each time that ``progress`` has come to the next of ``moments``, of which it may pass several at once."""
        for moment in moments:
            await_that(lambda moment=moment: progress() >= moment, seconds=180, what=f"Progress to {moment:.2f}")
            seen = progress()
            assert self.open_operations(), f"Everything was done before the kill at {moment:.2f}."
            self._dead.add(kill_worker(self.stack))
            _log.info("killed at %.2f, which was to be at %.2f", seen, moment)
            self._enqueue_until_carried_on()
        # Not sooner, so that the operation does not end before the last kill.
        self._let_time_pass()

    def _enqueue_until_carried_on(self) -> None:
        """More than once, because the emulator may hand a message to the request that the dead worker waited on."""
        versions = {operation_id: self._version(operation_id) for operation_id in self.open_operations()}
        enqueued = 0.0

        def carried_on() -> bool:
            nonlocal enqueued
            waiting = [found for found, version in versions.items() if self._version(found) == version]
            if time.monotonic() - enqueued > _ENQUEUE_EVERY_SECONDS:
                enqueued = time.monotonic()
                for operation_id in waiting:
                    self.desk.queues.enqueue_operation(operation_id)
            return not waiting

        await_that(carried_on, what="Another worker at the operations")

    def _let_time_pass(self) -> None:
        """The leases of the workers that were killed end, and repair enqueues those for whom no message came."""
        now = datetime.now(UTC)
        for student_id in self.desk.store.wishes.due(now + timedelta(minutes=16), limit=10_000):
            record = self.desk.store.students.get_record(student_id)
            owner = record.wish.lease_owner if record and record.wish else None
            if owner is None:
                self.desk.queues.enqueue_student(student_id, bulk=True)
            elif int(owner.split("/")[1]) in self._dead:  # host/pid/...
                ended = Update(keys.wish(student_id)).set(lease_until=to_text(now), due_at=to_text(now))
                self.desk.table.succeeds(ended.when(Attr("lease_owner").eq(owner)))

    def _version(self, operation_id: str) -> int:
        operation, _ = self.desk.operations.get(operation_id)
        return operation.version

    def await_final(self, operation_id: str, *, seconds: float = 300) -> Json:
        def final() -> Json | None:
            operation = self.operation(operation_id)
            return operation if operation["status"] in _FINAL else None

        operation: Json = await_that(final, seconds=seconds, what="The end of the operation")
        return operation

    def all_of(self, path: str) -> list[Json]:
        body = answered(self.api.get(path, params={"per_page": 100}))
        rows: list[Json] = body["data"]
        while body["links"]["next"] is not None:
            body = answered(self.api.get(body["links"]["next"]))
            rows += body["data"]
        return rows

    def state(self) -> Json:
        """All that Thinkific has."""
        return answered(self.thinkific.get("/_simulator/state"))

    def count_enrollments(self) -> int:
        """Those that Thinkific has."""
        total: int = answered(self.thinkific.get("/_simulator/overview"))["totals"]["enrollments"]
        return total

    def count_calls(self, mark: int, method: str, path: str) -> int:
        """How many Thinkific has answered since ``mark``."""
        query: dict[str, str | int] = {"after": mark, "method": method, "path": path, "limit": 1}
        total: int = answered(self.thinkific.get("/_simulator/calls", params=query))["total"]
        return total

    @contextmanager
    def slow(self, *faults: Json) -> Iterator[None]:
        """Thinkific takes its time, so that most kills come while it is at a call; and ``faults``."""
        slow = {"slow_rate": 1, "slow_seconds": _THINKIFIC_SECONDS, "next": faults}
        answered(self.thinkific.put("/_simulator/faults", json=slow))
        try:
            yield
        finally:
            self.thinkific.delete("/_simulator/faults").raise_for_status()
