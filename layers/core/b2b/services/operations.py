"""Operations: started by a call, carried on by a worker, read by whoever started them."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from b2b.domain.errors import ConditionFailed, NotFound
from b2b.domain.operations import Operation, OperationFailure, OperationStatus, OperationType
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.upstream import AnswerLost, ThinkificDelay, ThinkificError

if TYPE_CHECKING:
    from b2b.services.ringing import Bell
    from b2b.storage.store import Store

# One more step may need this much of the worker's remaining time.
_SECONDS_FOR_A_STEP = 26.0
_AFTER_A_LOST_ANSWER = 5.0


class OperationService:
    def __init__(self, store: "Store", bell: "Bell", clock: Clock = utc_now) -> None:
        self._store = store
        self._bell = bell
        self._clock = clock

    def start(self, type_: OperationType) -> Operation:
        """Durable when this returns; a worker carries it out."""
        now = self._clock()
        operation = Operation(id=secrets.token_hex(12), type=type_, created_at=now, updated_at=now)
        self._store.transact([self._store.operations.add(operation)])
        self._bell.ring_operation(operation.id)
        return operation

    def get(self, operation_id: str) -> tuple[Operation, list[OperationFailure]]:
        found = self._store.operations.get_with_failures(operation_id)
        if found is None:
            raise NotFound(f"There is no operation with the id {operation_id}.")
        return found


class Runner(Protocol):
    def step(self, operation: Operation) -> Operation:
        """A bounded piece of the work; safe to repeat. The operation as it is after it."""
        ...


class AdvanceOutcome(StrEnum):
    FINISHED = "finished"
    POSTPONED = "postponed"
    NOTHING_TO_DO = "nothing_to_do"
    OVERTAKEN = "overtaken"  # another worker is at it


class OperationWorker:
    """Carries operations on, step by step; each step is written down before the next."""

    def __init__(
        self,
        store: "Store",
        bell: "Bell",
        runners: Mapping[OperationType, Runner],
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._bell = bell
        self._runners = runners
        self._clock = clock

    def advance(self, operation_id: str, seconds_left: Callable[[], float]) -> AdvanceOutcome:
        """As far as time, budget and Thinkific allow; then a message is left for the rest."""
        operation = self._store.operations.get(operation_id)
        if operation is None or operation.status.is_final:
            return AdvanceOutcome.NOTHING_TO_DO
        runner = self._runners[operation.type]
        try:
            operation = self._save(replace(operation, status=OperationStatus.RUNNING))
            while not operation.status.is_final:
                if seconds_left() < _SECONDS_FOR_A_STEP:
                    return self._postpone(operation, 0)
                operation = self._save(runner.step(operation))
        except ConditionFailed:
            return AdvanceOutcome.OVERTAKEN
        except ThinkificDelay as delay:
            return self._postpone(operation, delay.retry_after)
        except AnswerLost:
            return self._postpone(operation, _AFTER_A_LOST_ANSWER)
        except ThinkificError as refusal:
            self._save(replace(operation, status=OperationStatus.FAILED, error=str(refusal)))
        return AdvanceOutcome.FINISHED

    def _save(self, operation: Operation) -> Operation:
        saved = replace(operation, version=operation.version + 1, updated_at=self._clock())
        self._store.transact([self._store.operations.save(saved)])
        return saved

    def _postpone(self, operation: Operation, seconds: float) -> AdvanceOutcome:
        self._bell.ring_operation(operation.id, delay_seconds=seconds)
        return AdvanceOutcome.POSTPONED
