"""Enrolments whose end has come: out of the due index, and their seats freed where the grant is reusable.

That an enrolment has expired is decided wherever it is read, so a late sweep never shows access that has ended; what
waits for the sweep is only the seat.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from b2b.domain import enrollments, expiry
from b2b.domain.timestamps import Clock, utc_now
from b2b.services.contention import retry_conflicts

if TYPE_CHECKING:
    from b2b.domain.users import Grant
    from b2b.storage.store import Store
    from b2b.storage.table import Action

_MOST_IN_ONE_LOOK = 100
_SECONDS_FOR_ONE_MORE = 5.0


class SweepService:
    def __init__(self, store: "Store", clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def sweep(self, seconds_left: Callable[[], float]) -> int:
        """How many enrolments were swept before the time ran out; the next run goes on with the rest."""
        swept = 0
        for shard in self._store.students.expiry_shards():
            while due := self._store.students.due(shard, self._clock(), limit=_MOST_IN_ONE_LOOK):
                for student_id, product_id in due:
                    if seconds_left() < _SECONDS_FOR_ONE_MORE:
                        return swept
                    swept += self._sweep_one(student_id, product_id)
                if len(due) < _MOST_IN_ONE_LOOK:
                    break
        return swept

    def _sweep_one(self, student_id: int, product_id: int) -> bool:
        """Once for each end, however many runs see it due."""

        def attempt() -> bool:
            before = self._store.students.get_enrollment(student_id, product_id)
            now = self._clock()
            if before is None or before.is_swept or not expiry.is_past(before.expiry_date, now):
                return False  # the index is a moment behind
            holders = before.seat_holders
            around = {
                holder: self._store.lookups.surroundings(user_ids=[holder], grants_of=(holder, [product_id]))
                for holder in holders
            }
            freed = {holder for holder in holders if _is_reusable(around[holder].grants.get(product_id))}
            after = replace(enrollments.without_seats_of(before, freed), swept_version=before.version)
            actions: list[Action] = [self._store.students.change_enrollment(before, after)]
            for holder in sorted(freed):
                actions += self._store.users.release_seat(
                    holder, product_id, student_id, user_exists=holder in around[holder].users
                )
            self._store.transact(actions)
            return True

        return retry_conflicts(attempt)


def _is_reusable(grant: "Grant | None") -> bool:
    return grant is not None and grant.reusable
