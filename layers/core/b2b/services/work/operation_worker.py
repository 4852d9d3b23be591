"""Carrying operations on: what a worker does with the one that a message names."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from b2b.domain.errors import BrokenInvariant, ConditionFailed, TooManyRequests, WriteConflict
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.operation_states import OperationState
from b2b.domain.work.operations import Operation, OperationStatus, OperationType
from b2b.domain.work.upstream import LIST_LAG_SECONDS, AnswerLost, BudgetSpent, ThinkificDelay, ThinkificError
from b2b.services.contention import retry_conflicts
from b2b.services.work.backoff import LONGEST_SECONDS, backoff
from b2b.services.work.faults import REPAIR_FAULT_AFTER

if TYPE_CHECKING:
    from b2b.services.work.notifier import Notifier
    from b2b.storage.actions import Action
    from b2b.storage.store import Store

# One more step may need this much of the worker's remaining time.
_SECONDS_FOR_A_STEP = 26.0
_CONTENDED = "The records that it is to change are being changed by others each time it tries."
_CONTENDED_ATTEMPTS = 5
# How long after its time a message may come before repair sends another.
_MESSAGE_MAY_TAKE = timedelta(seconds=180)

OnBroken = Callable[[BrokenInvariant], None]
State = TypeVar("State", bound=OperationState)


def state_of(operation: Operation, kind: type[State]) -> State:
    """The state of an operation that a runner of ``kind`` was handed. Raises TypeError for another type's."""
    if not isinstance(operation.state, kind):
        raise TypeError(f"An operation of the type {operation.type} has no {kind.__name__}.")
    return operation.state


@dataclass(frozen=True, slots=True)
class Step:
    """What a chunk of work came to: the operation after it, ``actions`` to be written together with that, and for
    how many seconds there is nothing to do. ``error``: what went wrong and does not stop the rest.
    """

    operation: Operation
    actions: "Sequence[Action]" = ()
    pause: float = 0.0
    error: str | None = None


class Runner(Protocol):
    def step(self, operation: Operation) -> Step:
        """A bounded chunk of the work; safe to repeat."""
        ...


class AdvanceOutcome(StrEnum):
    FINISHED = "finished"
    POSTPONED = "postponed"
    NOTHING_TO_DO = "nothing_to_do"
    OVERTAKEN = "overtaken"  # another worker is at it
    BROKEN = "broken"  # records contradict each other; the operation has failed


class _Overtaken(Exception):
    """Another worker has carried the operation on."""


class OperationWorker:
    """Carries operations on, step by step; each step is written down before the next.

    ``pause_reason``: why no call to Thinkific is allowed at the moment, if so. What holds an operation up is its
    ``error`` meanwhile. ``on_broken`` is told of records that contradict each other, for which the operation fails.
    ``in_bulk``: within it calls to Thinkific leave the burst of the budget to single enrollments.
    """

    def __init__(
        self,
        store: "Store",
        notifier: "Notifier",
        runners: Mapping[OperationType, Runner],
        pause_reason: Callable[[], str | None],
        clock: Clock = utc_now,
        *,
        on_broken: OnBroken | None = None,
        in_bulk: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._runners = runners
        self._pause_reason = pause_reason
        self._on_broken = on_broken
        self._in_bulk = in_bulk
        self._clock = clock

    def advance(self, operation_id: str, seconds_left: Callable[[], float]) -> AdvanceOutcome:
        """As far as time, budget and Thinkific allow; then a message is left for the rest."""
        operation = self._store.operations.get(operation_id)
        if operation is None or operation.status.is_final:
            return AdvanceOutcome.NOTHING_TO_DO
        try:
            with self._in_bulk():
                return self._carry_on(operation, seconds_left)
        except _Overtaken:
            return AdvanceOutcome.OVERTAKEN
        except Exception:
            self._store.operations.postpone_repair(operation_id, self._clock() + REPAIR_FAULT_AFTER)
            raise

    def _carry_on(self, operation: Operation, seconds_left: Callable[[], float]) -> AdvanceOutcome:
        runner = self._runners[operation.type]
        try:
            operation = self._save(replace(operation, status=OperationStatus.RUNNING))
            while not operation.status.is_final:
                if seconds_left() < _SECONDS_FOR_A_STEP:
                    return self._postpone(operation, 0)
                operation, pause = retry_conflicts(partial(self._step, runner, operation))
                if pause:
                    return self._postpone(operation, pause)
        except BrokenInvariant as broken:
            return self._give_up(operation, broken)
        except (WriteConflict, TooManyRequests):
            return self._give_way(operation)
        except (ThinkificDelay, AnswerLost) as trouble:
            return self._hold_up(operation, trouble)
        except ThinkificError as refusal:
            self._save(replace(operation, status=OperationStatus.FAILED, error=str(refusal)))
        return AdvanceOutcome.FINISHED

    def _give_up(self, operation: Operation, broken: BrokenInvariant) -> AdvanceOutcome:
        if self._on_broken is not None:
            self._on_broken(broken)
        self._save(replace(operation, status=OperationStatus.FAILED, error=str(broken)))
        return AdvanceOutcome.BROKEN

    def _step(self, runner: Runner, operation: Operation) -> tuple[Operation, float]:
        """One step, and for how many seconds there is nothing to do.

        Raises _Overtaken, and TooManyRequests where others write to the same records: they are given way to.
        """
        try:
            step = runner.step(operation)
            # Who waits for Thinkific's confirmations is told when these cannot come.
            error = step.error or (self._pause_reason() if step.pause else None)
            return self._save(replace(step.operation, attempts=0, error=error), step.actions), step.pause
        except WriteConflict as conflict:
            if conflict.state is None:
                raise TooManyRequests(retry_after=1) from conflict
            raise

    def _save(self, operation: Operation, actions: "Sequence[Action]" = ()) -> Operation:
        """Raises _Overtaken."""
        saved = replace(operation, version=operation.version + 1, updated_at=self._clock())
        try:
            self._store.transact([self._store.operations.save(saved), *actions])
        except ConditionFailed as refused:
            if 0 in refused.failed:
                raise _Overtaken from refused
            raise
        return saved

    def _give_way(self, operation: Operation) -> AdvanceOutcome:
        """To others who write to the same records. What goes on for long is told: it may not end by itself."""
        attempts = operation.attempts + 1
        error = _CONTENDED if attempts >= _CONTENDED_ATTEMPTS else operation.error
        with suppress(WriteConflict):  # counted the next time
            self._save(replace(operation, attempts=attempts, error=error))
        return self._postpone(operation, backoff(operation.attempts))

    def _hold_up(self, operation: Operation, trouble: ThinkificDelay | AnswerLost) -> AdvanceOutcome:
        """A wait for the budget is nothing to tell of."""
        # What became of a lost call is not looked for before Thinkific's lists show it.
        seconds = trouble.retry_after if isinstance(trouble, ThinkificDelay) else LIST_LAG_SECONDS
        if isinstance(trouble, BudgetSpent):
            return self._postpone(operation, seconds)
        attempts = operation.attempts
        if isinstance(trouble, AnswerLost) or trouble.is_failed_attempt:
            seconds = max(seconds, backoff(attempts))
            attempts += 1
        self._save(replace(operation, attempts=attempts, error=str(trouble)))
        return self._postpone(operation, seconds)

    def _postpone(self, operation: Operation, seconds: float) -> AdvanceOutcome:
        seconds = min(seconds, LONGEST_SECONDS)
        self._store.operations.postpone_repair(
            operation.id, self._clock() + timedelta(seconds=seconds) + _MESSAGE_MAY_TAKE
        )
        self._notifier.enqueue_operation(operation.id, delay_seconds=seconds)
        return AdvanceOutcome.POSTPONED
