"""Enqueues again what was not done in time: its message was lost, or its worker died."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from b2b.domain.timestamps import Clock, utc_now

if TYPE_CHECKING:
    from b2b.gateways.queues import Queues
    from b2b.storage.store import Store

# A wish that was enqueued again is left alone for so long. Bulk work waits in its queue for long: a
# message more for each of thousands, every other minute, would only be in the way.
_REPAIR_AFTER = timedelta(seconds=120)
_BULK_LEFT_ALONE_FOR = timedelta(minutes=15)
_MOST_IN_ONE_RUN = 1_000
# One more message takes milliseconds; a queue that is away takes several seconds to say so.
_SECONDS_FOR_ONE_MORE = 10.0


class RepairService:
    def __init__(self, store: "Store", queues: "Queues", clock: Clock = utc_now) -> None:
        self._store = store
        self._queues = queues
        self._clock = clock

    def enqueue_overdue(self, seconds_left: Callable[[], float] = lambda: math.inf) -> int:
        """How many students and operations it enqueued, some 1,000 each at most; the rest are due in the next run.

        ``seconds_left``: until this run has to stop. A failing queue raises: the schedule's own retry and alarm make
        that visible, and nothing is lost.
        """
        now = self._clock()
        enqueued = 0
        for operation_id in self._store.operations.due(now, limit=_MOST_IN_ONE_RUN):
            if seconds_left() < _SECONDS_FOR_ONE_MORE:
                return enqueued
            if self._store.operations.claim_due(operation_id, now):
                self._queues.enqueue_operation(operation_id)
                enqueued += 1
        for student_id in self._store.wishes.due(now, limit=_MOST_IN_ONE_RUN):
            if seconds_left() < _SECONDS_FOR_ONE_MORE:
                return enqueued
            enqueued += self._enqueue_again(student_id, now)
        return enqueued

    def _enqueue_again(self, student_id: int, now: datetime) -> bool:
        """Whether the student's wish was still due.

        The few whom a dead worker was at do not wait behind bulk work again.
        """
        wish = self._store.wishes.claim_due(
            student_id, now, until=now + _REPAIR_AFTER, bulk_until=now + _BULK_LEFT_ALONE_FOR
        )
        if wish is None:
            return False
        is_abandoned = wish.lease_owner is not None
        self._queues.enqueue_student(student_id, bulk=wish.bulk and not is_abandoned)
        return True
