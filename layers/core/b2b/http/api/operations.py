"""Operations on the wire, beside the ``data`` of the call that started one and by themselves."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from b2b.domain import timestamps
from b2b.domain.work.operations import Operation, OperationFailure, OperationStatus, OperationType
from b2b.http.api.requests.fields import Moment

Resource = TypeVar("Resource")


class FailureResource(BaseModel):
    student_id: int | None
    email: str | None
    error: str


class OperationResource(BaseModel):
    id: str
    type: OperationType
    status: OperationStatus
    total: int
    done: int
    failed: int
    failures: list[FailureResource]
    created_at: Moment
    updated_at: Moment


class StartedBody(BaseModel, Generic[Resource]):
    """What the call is about, and the operation that goes on after the answer."""

    data: Resource
    operation: OperationResource


def present_operation(operation: Operation, failures: Sequence[OperationFailure]) -> dict[str, Any]:
    listed = [
        {"student_id": failure.student_id, "email": failure.email, "error": failure.error} for failure in failures
    ]
    if operation.error is not None:
        listed.insert(0, {"student_id": None, "email": None, "error": operation.error})
    return {
        "id": operation.id,
        "type": operation.type,
        "status": operation.status,
        "total": operation.total,
        "done": operation.done,
        "failed": operation.failed,
        "failures": listed,
        "created_at": timestamps.to_text(operation.created_at),
        "updated_at": timestamps.to_text(operation.updated_at),
    }
