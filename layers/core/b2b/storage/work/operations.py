"""Operations: how far they are, and whom they failed for."""

from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr

from b2b.domain import timestamps
from b2b.domain.work.operation_states import restored
from b2b.domain.work.operations import Operation, OperationFailure, OperationItem, OperationStatus, OperationType
from b2b.storage import keys
from b2b.storage.actions import ABSENT, Action, Update, delete, put
from b2b.storage.items import Item
from b2b.storage.table import Table

# Longer than a step may take: whoever was at the operation has died. Repair finds it within another minute.
_STEP_MAY_TAKE = timedelta(seconds=30)
# How long the first message of an operation may wait in the queue before repair sends another.
_MESSAGE_MAY_TAKE = timedelta(seconds=60)
# How long a message from repair may wait in the queue before repair sends another.
_REPAIR_AFTER = timedelta(seconds=180)
_KEPT_FOR_SECONDS = 90 * 24 * 3600


class Operations:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, operation_id: str) -> Operation | None:
        item = self._table.get(keys.operation(operation_id))
        return _from_item(item) if item else None

    def get_with_failures(self, operation_id: str) -> tuple[Operation, list[OperationFailure]] | None:
        operation = self.get(operation_id)
        if operation is None:
            return None
        rows = self._table.query(*keys.operation_failures(operation_id)) if operation.failed else []
        failures = [
            OperationFailure(student_id=row.get("student_id"), email=row.get("email"), error=row["error"])
            for row in rows
        ]
        return operation, failures

    def add_operation(self, operation: Operation) -> Action:
        key = keys.operation(operation.id)
        return put(key, _item(operation), when=ABSENT)

    def latest_scheduled(self, type_: OperationType) -> str | None:
        """Id of the operation that a schedule started last."""
        item = self._table.get(keys.latest_scheduled(type_))
        return item["operation_id"] if item else None

    def note_scheduled(self, operation: Operation, previous: str | None) -> Action:
        """Refused when another run of the schedule has started one since ``previous``."""
        unchanged = ABSENT if previous is None else Attr("operation_id").eq(previous)
        return put(keys.latest_scheduled(operation.type), {"operation_id": operation.id}, when=unchanged)

    def due(self, now: datetime, *, limit: int) -> list[str]:
        """Ids of operations that should have been carried on by now."""
        rows = self._table.due(keys.OPERATIONS, timestamps.to_text(now), limit=limit)
        return [str(row[keys.PARTITION]).removeprefix("OPERATION#") for row in rows]

    def open(self, limit: int) -> list[Operation]:
        """At most ``limit`` of those that are not final."""
        rows = self._table.due(keys.OPERATIONS, keys.LAST, limit=limit)
        found = self._table.get_many(keys.Key(row[keys.PARTITION], row[keys.SORT]) for row in rows)
        return [_from_item(item) for item in found.values()]

    def postpone_repair(self, operation_id: str, until: datetime) -> None:
        """Repair looks after it then, and not earlier."""
        update = Update(keys.operation(operation_id)).set(**{keys.DUE_AT: timestamps.to_text(until)})
        self._table.succeeds(update.when(Attr(keys.DUE_AT).exists()))

    def claim_due(self, operation_id: str, now: datetime) -> bool:
        """Claim a due operation, so that two runs of the repair do not both enqueue it."""
        moment = timestamps.to_text(now)
        update = Update(keys.operation(operation_id))
        update.set(**{keys.DUE_AT: timestamps.to_text(now + _REPAIR_AFTER)})
        return self._table.succeeds(update.when(Attr(keys.DUE_AT).lte(moment)))

    def add_item(self, operation_id: str, student_id: int, product_id: int, version: int) -> Action:
        """A student whose wish ``version`` the operation has written. Refused when it has done so already."""
        item = {"student_id": student_id, "product_id": product_id, "version": version}
        return put(keys.operation_item(operation_id, student_id), item, when=ABSENT)

    def items(self, operation_id: str, *, after: int, limit: int) -> list[OperationItem]:
        """Behind the student ``after``, by student, at most ``limit``."""
        rows = self._table.query_some(*keys.operation_items(operation_id, after), limit)
        return [OperationItem(row["student_id"], row["product_id"], row["version"]) for row in rows]

    def has_item(self, operation_id: str, student_id: int) -> bool:
        return self._table.get(keys.operation_item(operation_id, student_id)) is not None

    def remove_item(self, operation_id: str, student_id: int) -> Action:
        return delete(keys.operation_item(operation_id, student_id))

    def add_failure(self, operation: Operation, failure: OperationFailure, person_id: int) -> Action:
        """``person_id``: whatever tells the persons of this operation apart."""
        key = keys.operation_failure(operation.id, person_id)
        item = {"student_id": failure.student_id, "email": failure.email, "error": failure.error}
        return put(key, item | {"ttl": _ttl(operation)})

    def save(self, operation: Operation) -> Action:
        """Progress. ``operation.version`` is one higher than what was read; refused when it no longer fits.

        Until it is final, repair looks after it when nobody has carried it on for half a minute.
        """
        unchanged = Attr("version").eq(operation.version - 1)
        return put(keys.operation(operation.id), _item(operation), when=unchanged)


def _item(operation: Operation) -> Item:
    return {
        "id": operation.id,
        "type": operation.type.value,
        "status": operation.status.value,
        "total": operation.total,
        "done": operation.done,
        "failed": operation.failed,
        "error": operation.error,
        "attempts": operation.attempts,
        "state": operation.state.stored() if operation.state else {},
        "version": operation.version,
        "created_at": timestamps.to_text(operation.created_at),
        "updated_at": timestamps.to_text(operation.updated_at),
        "ttl": _ttl(operation),
        **({} if operation.status.is_final else _due(operation)),
    }


def _due(operation: Operation) -> Item:
    """When repair looks after an operation that nobody has carried on."""
    is_taken_up = operation.status is not OperationStatus.PENDING
    due_at = operation.updated_at + (_STEP_MAY_TAKE if is_taken_up else _MESSAGE_MAY_TAKE)
    return {keys.DUE_PARTITION: keys.OPERATIONS, keys.DUE_AT: timestamps.to_text(due_at)}


def _ttl(operation: Operation) -> int:
    return int(operation.created_at.timestamp()) + _KEPT_FOR_SECONDS


def _from_item(item: Item) -> Operation:
    return Operation(
        id=item["id"],
        type=OperationType(item["type"]),
        status=OperationStatus(item["status"]),
        total=item["total"],
        done=item["done"],
        failed=item["failed"],
        error=item.get("error"),
        attempts=item.get("attempts", 0),
        state=restored(OperationType(item["type"]), item.get("state", {})),
        version=item["version"],
        created_at=timestamps.from_text(item["created_at"]),
        updated_at=timestamps.from_text(item["updated_at"]),
    )
