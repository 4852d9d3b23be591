"""Trying again what Thinkific has refused of a student beside enrollments: name, e-mail and groups.

An e-mail that another account has may become free at any time. Of our own students' accounts we know when, and whoever
is to have the e-mail waits on the account's list. Nobody tells us of other accounts: those are tried once a day.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from b2b.domain.timestamps import Clock, utc_now
from b2b.services.work.notifier import repair_at

if TYPE_CHECKING:
    from b2b.services.work.notifier import Notifier
    from b2b.storage.store import Store

_TRIED_EVERY = timedelta(days=1)
# Two writes and a message each; the next minute's run does the rest.
_MOST_IN_ONE_RUN = 200


class Refusals:
    def __init__(self, store: "Store", notifier: "Notifier", clock: Clock = utc_now) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock

    def next_retry_at(self) -> datetime:
        """Of what is refused now."""
        return self._clock() + _TRIED_EVERY

    def retry_student(self, student_id: int, *, bulk: bool = False) -> None:
        """Where nothing is refused, nothing is done."""
        due_at = repair_at(self._clock(), bulk=bulk)
        self._store.write(self._store.wishes.add_wish(student_id, due_at, bulk=bulk, retry_refused=True))
        self._notifier.enqueue_student(student_id, bulk=bulk)

    def retry_waiting_students(self, thinkific_id: int, *, bulk: bool = False) -> None:
        """That account in Thinkific may have another e-mail by now, or be gone: whoever waits for it is tried again."""
        waiting = self._store.refusals.waiting_list(thinkific_id)
        for student_id in sorted(waiting):
            self.retry_student(student_id, bulk=bulk)
        if waiting:
            self._store.refusals.drop_waiting_list(thinkific_id, waiting)

    def retry_due(self) -> int:
        """How many students were tried again because the time for it has come."""
        now = self._clock()
        tried = 0
        for student_id in self._store.refusals.due(now, limit=_MOST_IN_ONE_RUN):
            if self._store.refusals.claim_due(student_id, now, self.next_retry_at()):
                self.retry_student(student_id, bulk=True)
                tried += 1
        return tried
