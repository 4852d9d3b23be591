"""Fulfilling sync wishes: one worker at a time for a student, and what may heal is tried again later."""

import math
import uuid
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from b2b.domain.enrollment.students import SyncWish
from b2b.domain.errors import ConditionFailed, LeaseLost, WriteConflict
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.upstream import LIST_LAG_SECONDS, AnswerLost, BudgetSpent, ThinkificDelay
from b2b.services.enrollment.reconciliation import (
    LEASE,
    Attempt,
    OnRefusal,
    OutOfTime,
    Reconciliation,
    RetryLater,
)
from b2b.services.enrollment.sync.refusals import Refusals
from b2b.services.work.backoff import LONGEST_SECONDS, backoff
from b2b.services.work.faults import REPAIR_FAULT_AFTER, error_location
from b2b.services.work.notifier import repair_at

if TYPE_CHECKING:
    from b2b.gateways.thinkific import Thinkific
    from b2b.services.work.notifier import Notifier
    from b2b.storage.store import Store


_CONTENDED = "The student's records are being changed by others each time it is looked at."


class SyncOutcome(StrEnum):
    """How one attempt at a student ended."""

    FULFILLED = "fulfilled"
    NOT_NOW = "not_now"  # there is no wish, another worker is at it, or it is to wait
    POSTPONED = "postponed"


class SyncService:
    """``worker``: a name unlike every other worker's, for the leases. ``on_refusal``: see Reconciliation."""

    def __init__(
        self,
        store: "Store",
        thinkific: "Thinkific",
        notifier: "Notifier",
        *,
        worker: str,
        on_refusal: OnRefusal,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._thinkific = thinkific
        self._notifier = notifier
        self._worker = worker
        self._refusals = Refusals(store, notifier, clock)
        self._on_refusal = on_refusal
        self._clock = clock

    def sync_student(self, student_id: int, seconds_left: Callable[[], float]) -> SyncOutcome:
        """Fulfil the student's wish, or as much of it as time, budget and Thinkific allow.

        ``seconds_left``: until this worker has to stop. Raises only what nobody foresaw.
        """
        now = self._clock()
        try:
            wish = self._store.wishes.lease(student_id, f"{self._worker}/{uuid.uuid4().hex}", now, now + LEASE)
        except ConditionFailed:
            return SyncOutcome.NOT_NOW
        run = Reconciliation(
            Attempt(self._store, self._thinkific, self._clock, wish, seconds_left, self._refusals, self._on_refusal)
        )
        try:
            with self._thinkific.in_bulk(bulk=wish.bulk):
                run.carry_out()
        except LeaseLost:
            return SyncOutcome.NOT_NOW
        except OutOfTime:
            return self._postpone(wish, 0)
        except RetryLater as later:
            return self._postpone(
                wish,
                later.seconds,
                failed_attempt=later.trouble is not None,
                trouble=later.trouble,
                progressed=run.has_progressed,
            )
        except BudgetSpent as spent:
            return self._postpone(wish, spent.retry_after)
        except ThinkificDelay as delay:
            return self._postpone(
                wish,
                delay.retry_after,
                failed_attempt=delay.is_failed_attempt,
                trouble=str(delay),
                progressed=run.has_progressed,
            )
        except AnswerLost as lost:
            # Thinkific's lists may lag behind its writes.
            return self._postpone(
                wish,
                LIST_LAG_SECONDS,
                failed_attempt=True,
                trouble=str(lost),
                blind=True,
                progressed=run.has_progressed,
            )
        except WriteConflict:
            # The student was changed or deleted while we were at it; a new wish does not wait.
            return self._postpone(wish, 0, failed_attempt=True, trouble=_CONTENDED, progressed=run.has_progressed)
        except Exception as error:
            # For the dead-letter queue; the next delivery may take the wish up at once.
            run.read_before_writing()
            self._store.wishes.postpone(
                wish, now, now + REPAIR_FAULT_AFTER, attempts=wish.attempts + 1, trouble=error_location(error)
            )
            raise
        return self._finish(wish)

    def _finish(self, wish: SyncWish) -> SyncOutcome:
        try:
            self._store.wishes.fulfil(wish)
        except ConditionFailed:
            return self._postpone(wish, 0)
        return SyncOutcome.FULFILLED

    def _postpone(
        self,
        wish: SyncWish,
        seconds: float,
        *,
        failed_attempt: bool = False,
        trouble: str | None = None,
        blind: bool = False,
        progressed: bool = False,
    ) -> SyncOutcome:
        """The message comes a little after the wish may be taken up again, which is on a whole second."""
        attempts = None
        if failed_attempt:
            failed_before = 0 if progressed else wish.attempts
            attempts = failed_before + 1
            seconds = max(seconds, backoff(failed_before))
        seconds = min(math.ceil(seconds), LONGEST_SECONDS)
        now = self._clock()
        not_before = now + timedelta(seconds=seconds)
        due_at = repair_at(not_before, bulk=wish.bulk)
        blind_until = now + timedelta(seconds=LIST_LAG_SECONDS) if blind else None
        self._store.wishes.postpone(
            wish, not_before, due_at, attempts=attempts, trouble=trouble, blind_until=blind_until
        )
        self._notifier.enqueue_student(wish.student_id, delay_seconds=seconds, bulk=wish.bulk)
        return SyncOutcome.POSTPONED
