"""Counting the rows anew: proof that the counters are right, and their repair where they are not.

Counters and rows are written together, but cannot be read together. So a difference counts as a drift only when
nobody wrote to the counters while it was looked at twice; a user to whom others write all the time is left to the
next walk.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from b2b.domain.integrity.recount import Drift, RecountProgress, SeatsDrift, StudentsDrift, TotalDrift, drifts_of_user
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now

if TYPE_CHECKING:
    from b2b.storage.store import Store

_MOST_READINGS = 5
_BETWEEN_READINGS_SECONDS = 1.0  # the list index follows its table within that
_USERS_IN_ONE_PAGE = 100
_SECONDS_FOR_ONE_MORE = 15.0
# Once a day, whatever the schedule's pace: a walk reads every row.
_REST_BETWEEN_WALKS = timedelta(hours=20)


@dataclass(slots=True)
class RecountReport:
    """``busy``: how many counters changed so often that nothing can be said; ``finished``: the walk came to its end."""

    users: int = 0
    busy: int = 0
    finished: bool = False
    drifts: list[Drift] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Reading:
    """``writes``: how often the counters had been written to, None when that went on during the look."""

    drifts: tuple[Drift, ...]
    writes: int | None


class RecountService:
    def __init__(self, store: "Store", clock: Clock = utc_now, sleep: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep

    def continue_walk(self, seconds_left: Callable[[], float]) -> RecountReport | None:
        """From where the last run stopped, as far as the time allows. None: the last walk is not a day ago."""
        progress = self._store.recounts.progress()
        if progress.finished_at is not None:
            if self._clock() - progress.finished_at < _REST_BETWEEN_WALKS:
                return None
            progress = RecountProgress()
        report = RecountReport()
        for user_id in self.user_ids(after=progress.after):
            if seconds_left() < _SECONDS_FOR_ONE_MORE:
                return report
            self.check_user(user_id, report)
            self._store.recounts.save_progress(RecountProgress(after=user_id))
        self.check_totals(report)
        self._store.recounts.save_progress(RecountProgress(finished_at=self._clock()))
        report.finished = True
        return report

    def user_ids(self, *, after: int = 0) -> Iterator[int]:
        """Ascending; those who come while it goes on included."""
        has_more = True
        while has_more:
            page = self._store.listing.behind(Kind.USERS, after, _USERS_IN_ONE_PAGE)
            for after in page.ids:
                yield after
            has_more = page.has_more

    def check_user(self, user_id: int, report: RecountReport) -> None:
        report.users += 1
        self._note(partial(self._read_user, user_id), report)

    def check_totals(self, report: RecountReport) -> None:
        for kind in Kind:
            self._note(partial(self._read_total, kind), report)

    def correct(self, drift: Drift) -> bool:
        """Sets the counter to what the rows say. False: it has moved since; look again."""
        match drift:
            case StudentsDrift():
                return self._store.recounts.correct_students(drift)
            case SeatsDrift():
                return self._store.recounts.correct_seats(drift)
            case TotalDrift():
                self._store.counters.correct_total(drift.kind, drift.found - drift.counted)
                return True

    def _note(self, read: Callable[[], _Reading], report: RecountReport) -> None:
        before = read()
        for _ in range(_MOST_READINGS - 1):
            if not before.drifts:
                return
            self._sleep(_BETWEEN_READINGS_SECONDS)
            found = read()
            if found == before and found.writes is not None:
                report.drifts += found.drifts
                return
            before = found
        report.busy += bool(before.drifts)

    def _read_user(self, user_id: int) -> _Reading:
        counted = self._store.recounts.counted(user_id)
        found = self._store.recounts.found(user_id)
        after = self._store.recounts.counted(user_id)
        if counted is None or after is None:
            return _Reading((), None)  # deleted meanwhile
        writes = counted.writes if counted == after else None
        return _Reading(tuple(drifts_of_user(user_id, counted, found)), writes)

    def _read_total(self, kind: Kind) -> _Reading:
        counted, writes = self._store.counters.total_and_writes(kind)
        found = self._store.listing.count(kind)
        is_still = self._store.counters.total_and_writes(kind) == (counted, writes)
        drifts = () if counted == found else (TotalDrift(kind=kind, counted=counted, found=found),)
        return _Reading(drifts, writes if is_still else None)
