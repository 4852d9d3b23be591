"""Fulfilling sync wishes: one worker at a time for a student, and what may heal is tried again later."""

import random
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from b2b.domain.errors import ConditionFailed
from b2b.domain.students import SyncWish
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.upstream import AnswerLost, ThinkificDelay
from b2b.services.reconciliation import LEASE, Later, Reconciliation

if TYPE_CHECKING:
    from b2b.services.ringing import Bell
    from b2b.storage.store import Store
    from b2b.thinkific.client import Thinkific

# A wish given back is looked after by its message; repair comes if that is lost.
_MESSAGE_MAY_TAKE = timedelta(seconds=60)
_LONGEST_DELAY = 900.0


class SyncOutcome(StrEnum):
    """How one look at a student ended."""

    FULFILLED = "fulfilled"
    NOTHING_TO_DO = "nothing_to_do"
    TAKEN = "taken"  # another worker is at it
    POSTPONED = "postponed"


class SyncService:
    """``worker``: a name unlike every other worker's, for the leases."""

    def __init__(
        self, store: "Store", thinkific: "Thinkific", bell: "Bell", *, worker: str, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._thinkific = thinkific
        self._bell = bell
        self._worker = worker
        self._clock = clock

    def bring(self, student_id: int, seconds_left: Callable[[], float]) -> SyncOutcome:
        """Fulfil the student's wish, or as much of it as time, budget and Thinkific allow.

        ``seconds_left``: until this worker has to stop. Raises only what nobody foresaw.
        """
        now = self._clock()
        try:
            wish = self._store.wishes.lease(student_id, self._worker, now, now + LEASE)
        except ConditionFailed:
            return SyncOutcome.TAKEN
        run = Reconciliation(self._store, self._thinkific, self._clock, wish, seconds_left)
        try:
            run.carry_out()
        except ConditionFailed:
            # The lease was lost to another worker, which now answers for the wish.
            return SyncOutcome.TAKEN
        except Later as later:
            return self._postpone(wish, later.seconds, failed_attempt=later.failed_attempt)
        except ThinkificDelay as delay:
            seconds = max(delay.retry_after, self._backoff(wish)) if delay.is_failed_attempt else delay.retry_after
            return self._postpone(wish, seconds, failed_attempt=delay.is_failed_attempt)
        except AnswerLost:
            return self._postpone(wish, self._backoff(wish), failed_attempt=True)
        except Exception:
            # For the dead-letter queue; the next delivery may take the wish up at once.
            self._store.wishes.give_back(wish, now + _MESSAGE_MAY_TAKE, failed_attempt=True)
            raise
        return self._finish(wish)

    def _finish(self, wish: SyncWish) -> SyncOutcome:
        try:
            self._store.wishes.fulfil(wish)
        except ConditionFailed:
            return self._postpone(wish, 0, failed_attempt=False)
        return SyncOutcome.FULFILLED

    def _postpone(self, wish: SyncWish, seconds: float, *, failed_attempt: bool) -> SyncOutcome:
        seconds = min(seconds, _LONGEST_DELAY)
        due_at = self._clock() + timedelta(seconds=seconds) + _MESSAGE_MAY_TAKE
        self._store.wishes.give_back(wish, due_at, failed_attempt=failed_attempt)
        self._bell.ring(wish.student_id, delay_seconds=seconds)
        return SyncOutcome.POSTPONED

    @staticmethod
    def _backoff(wish: SyncWish) -> float:
        """1 s, doubled with every failed attempt up to 15 minutes, with jitter so that not all come back at once."""
        ceiling = min(_LONGEST_DELAY, 2.0 ** min(wish.attempts + 1, 10))
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret
