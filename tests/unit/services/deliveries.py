"""The queue between a school and its worker: each message comes after its delay, and repair looks after the rest."""

import heapq
from datetime import datetime, timedelta

from tests.unit.services.mortal import Died
from tests.unit.services.world import World

from b2b.services.enrollment.reconciliation import LEASE

_MOST = 400
_REPAIR_EVERY = timedelta(seconds=60)


class Deliveries:
    """``looks``: at how many students the worker has looked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._heap: list[tuple[datetime, int, int]] = []
        self._taken = len(world.sqs.sent)
        self.looks = 0

    def one(self) -> bool:
        """Whether there was a message. The clock goes on to the moment when it comes."""
        self._collect()
        if not self._heap:
            return False
        due_at, _, student_id = heapq.heappop(self._heap)
        clock = self._world.clock
        clock.moment = max(clock.moment, due_at)
        self.looks += 1
        try:
            self._world.look(student_id)
        except Died:
            clock.advance(seconds=LEASE.total_seconds() + 1)
        return True

    def all(self) -> None:
        """Until nobody waits for the sync."""
        for _ in range(_MOST):
            while self.one():
                assert self.looks < _MOST, "the students never come to rest"
            if self._world.store.wishes.count() == 0:
                return
            self._world.clock.advance(seconds=_REPAIR_EVERY.total_seconds())
            self._world.repair.enqueue_overdue()
        raise AssertionError("the students never come to rest")

    def day(self) -> None:
        """One more day, on which what Thinkific refuses is tried again."""
        self._world.clock.advance(days=1, seconds=1)
        self._world.retries.retry_due()
        self.all()

    def _collect(self) -> None:
        """Messages count from when they were sent, which is since the last look."""
        for sent in self._world.sqs.sent[self._taken :]:
            if sent.queue.startswith("sync"):
                due_at = self._world.clock.moment + timedelta(seconds=sent.delay)
                heapq.heappush(self._heap, (due_at, self._taken, sent.body["student_id"]))
            self._taken += 1
