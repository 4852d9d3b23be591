"""Ringing again for wishes that were not fulfilled in time: their message was lost, or their worker died."""

from datetime import timedelta
from typing import TYPE_CHECKING

from b2b.domain.timestamps import Clock, utc_now

if TYPE_CHECKING:
    from b2b.queues import Queues
    from b2b.storage.store import Store

# A wish rung for is left alone for this long.
_RING_AGAIN_AFTER = timedelta(seconds=120)
_MOST_IN_ONE_RUN = 1_000


class RepairService:
    def __init__(self, store: "Store", queues: "Queues", clock: Clock = utc_now) -> None:
        self._store = store
        self._queues = queues
        self._clock = clock

    def ring_again(self) -> int:
        """How many wishes were rung for. At most 1,000 in a run; the rest are still due in the next.

        A failing queue raises: the schedule's own retry and alarm make that visible, and nothing is lost.
        """
        now = self._clock()
        rung = 0
        for student_id in self._store.wishes.due(now, limit=_MOST_IN_ONE_RUN):
            if self._store.wishes.put_off(student_id, now + _RING_AGAIN_AFTER, now):
                self._queues.ring_student(student_id)
                rung += 1
        return rung
