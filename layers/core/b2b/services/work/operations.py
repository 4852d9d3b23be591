"""Operations: started by a call, read by whoever started them; a worker carries them on (``operation_worker``)."""

import secrets
from typing import TYPE_CHECKING

from b2b.domain.errors import NotFound, WriteConflict
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.operations import Operation, OperationFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from b2b.domain.work.operation_states import OperationState
    from b2b.services.work.notifier import Notifier
    from b2b.storage.actions import Action
    from b2b.storage.store import Store


class OperationService:
    def __init__(self, store: "Store", notifier: "Notifier", clock: Clock = utc_now) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock

    def start(self, state: "OperationState", *, together_with: "Sequence[Action]" = ()) -> Operation:
        """Durable, in one transaction with ``together_with``, when this returns; a worker carries it out."""
        operation = self._new(state)
        self._write(operation, together_with)
        return operation

    def start_scheduled(self, state: "OperationState") -> Operation | None:
        """None while the one that a schedule started before is not finished: it is at what this would do."""
        previous = self._store.operations.latest_scheduled(state.type)
        running = self._store.operations.get(previous) if previous is not None else None
        if running is not None and not running.status.is_final:
            return None
        operation = self._new(state)
        try:
            self._write(operation, [self._store.operations.note_scheduled(operation, previous)])
        except WriteConflict:
            return None  # another run of the schedule was faster
        return operation

    def get(self, operation_id: str) -> tuple[Operation, list[OperationFailure]]:
        """Raises NotFound."""
        found = self._store.operations.get_with_failures(operation_id)
        if found is None:
            raise NotFound(f"There is no operation with the id {operation_id}.")
        return found

    def _new(self, state: "OperationState") -> Operation:
        now = self._clock()
        return Operation(id=secrets.token_hex(12), type=state.type, state=state, created_at=now, updated_at=now)

    def _write(self, operation: Operation, together_with: "Sequence[Action]") -> None:
        self._store.transact([*together_with, self._store.operations.add_operation(operation)])
        self._notifier.enqueue_operation(operation.id)
