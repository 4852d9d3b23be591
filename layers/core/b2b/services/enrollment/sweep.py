"""Enrollments whose end has come: out of the due index, and their seats freed where the grant is reusable.

That an enrollment has expired is decided wherever it is read, so a late sweep never shows access that has ended; what
waits for the sweep is only the seat.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from b2b.domain.enrollment import enrollments, expiry
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.timestamps import Clock, utc_now
from b2b.services.contention import retry_conflicts
from b2b.services.enrollment.seat_moves import MOST_SEATS_IN_ONE_WRITE, SeatMoves

if TYPE_CHECKING:
    from b2b.storage.store import Store

_MOST_IN_ONE_LOOK = 100
_SECONDS_FOR_ONE_MORE = 5.0
# Finding and reading a hundred rows takes longer than sweeping one.
_SECONDS_FOR_ANOTHER_LOOK = 10.0
_MOST_FAILURES = 20  # then it is not the rows that are at fault

Place = tuple[int, int]  # student and product


@dataclass(frozen=True, slots=True)
class _Hold:
    """An enrollment, and those of its seat holders whose grant is reusable."""

    enrollment: Enrollment
    reusable: frozenset[int]


@dataclass(frozen=True, slots=True)
class SweepFailure:
    student_id: int
    product_id: int
    error: Exception


@dataclass(slots=True)
class SweepReport:
    swept: int = 0
    failures: list[SweepFailure] = field(default_factory=list)


class SweepService:
    def __init__(self, store: "Store", clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._seats = SeatMoves(store, clock)

    def sweep(self, seconds_left: Callable[[], float]) -> SweepReport:
        """Until nothing is due or the time runs out; the next run goes on with the rest.

        What cannot be swept does not keep the others waiting: it is reported, and tried again in the next run.
        """
        report = SweepReport()
        for shard in self._store.enrollments.expiry_shards():
            failed: set[Place] = set()
            while seconds_left() >= _SECONDS_FOR_ANOTHER_LOOK and (due := self._due(shard, failed)):
                holds = self._read_ahead(due)
                for place in due:
                    if seconds_left() < _SECONDS_FOR_ONE_MORE or len(report.failures) >= _MOST_FAILURES:
                        return report
                    if not self._sweep_safely(place, holds.get(place), report):
                        failed.add(place)
                if len(due) + len(failed) < _MOST_IN_ONE_LOOK:
                    break
        return report

    def _due(self, shard: str, failed: set[Place]) -> list[Place]:
        due = self._store.enrollments.due(shard, self._clock(), limit=_MOST_IN_ONE_LOOK + len(failed))
        return [place for place in due if place not in failed]

    def _read_ahead(self, places: list[Place]) -> dict[Place, _Hold]:
        """Nothing where one of them cannot be read: then each is read by itself."""
        try:
            return self._read(places)
        except Exception:  # said of the row that it is, when its turn comes
            return {}

    def _read(self, places: list[Place]) -> dict[Place, _Hold]:
        """Many enrollments and the grants behind their seats, in two round trips."""
        enrollments = self._store.enrollments.get_enrollments(places)
        pairs = {(holder, found.product_id) for found in enrollments for holder in found.seat_holders}
        reusable = {
            (grant.user_id, grant.product_id) for grant in self._store.users.get_grants(pairs) if grant.reusable
        }
        return {
            (found.student_id, found.product_id): _Hold(
                found, frozenset(holder for holder in found.seat_holders if (holder, found.product_id) in reusable)
            )
            for found in enrollments
        }

    def _sweep_safely(self, place: Place, hold: _Hold | None, report: SweepReport) -> bool:
        try:
            report.swept += self._sweep_one(place, hold)
        except Exception as error:  # a row that nobody foresaw is not to stop the sweep of all others
            report.failures.append(SweepFailure(*place, error))
            return False
        return True

    def _sweep_one(self, place: Place, hold: _Hold | None) -> bool:
        """Once for each end, however many runs see it due. ``hold``: what was read of it, perhaps a while ago."""
        known = hold

        def attempt() -> bool:
            nonlocal known
            found = known or self._read([place]).get(place)
            known = None  # after a race it is read anew
            now = self._clock()
            if found is None:
                return False  # removed; the index is a moment behind
            before = found.enrollment
            if before.is_swept or not expiry.is_past(before.expiry_date, now):
                return False
            swept = replace(before, swept_version=before.version)
            if not found.reusable:
                self._store.write(self._store.enrollments.change_enrollment(before, swept))
                return True
            after = enrollments.without_seats_of(swept, found.reusable)
            if len(found.reusable) > MOST_SEATS_IN_ONE_WRITE:
                self._seats.move_some(before, after)
                return attempt()
            change = self._store.enrollments.change_enrollment(before, after)
            self._store.transact([change, *self._seats.moves(before, after)])
            return True

        return retry_conflicts(attempt)
