"""Operations: calls that touch many records and go on after their answer (contract, section 1)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2b.domain.work.operation_states import OperationState


class OperationType(StrEnum):
    CATALOGUE_SYNC = "catalogue_sync"
    EXPIRY_CHANGE = "expiry_change"
    GROUP_IMPORT = "group_import"
    STUDENT_DELETE = "student_delete"
    USER_DELETE = "user_delete"


class OperationStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTIAL = "partial"

    @property
    def is_final(self) -> bool:
        return self in (OperationStatus.SUCCEEDED, OperationStatus.FAILED, OperationStatus.PARTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailure:
    student_id: int | None
    email: str | None
    error: str


@dataclass(frozen=True, slots=True)
class OperationItem:
    """A student of an operation, until Thinkific has confirmed, or refused for good, ``version`` of its wish."""

    student_id: int
    product_id: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``state`` is where it goes on after an interruption, in the form of its type; None once it is final.

    ``version`` rises with every write: a second worker at the same operation finds its write refused.
    ``attempts``: how often in a row Thinkific has failed it.
    """

    id: str
    type: OperationType
    status: OperationStatus = OperationStatus.PENDING
    total: int = 0
    done: int = 0
    failed: int = 0
    error: str | None = None
    attempts: int = 0
    state: "OperationState | None" = None
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def finished(self) -> "Operation":
        """With the status that its counts amount to."""
        status = OperationStatus.SUCCEEDED
        if self.failed:
            status = OperationStatus.FAILED if self.failed >= self.total else OperationStatus.PARTIAL
        return replace(self, status=status, state=None)
