"""The queues. A message says only what to look at; what to do is in the table."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

MAX_DELAY_SECONDS = 900  # SQS's own limit


class Queues:
    """``sync_url``: students to bring to Thinkific. ``operations_url``: operations to go on with."""

    def __init__(self, client: "SQSClient", *, sync_url: str, sync_bulk_url: str, operations_url: str) -> None:
        self._client: Any = client
        self._sync_url = sync_url
        self._sync_bulk_url = sync_bulk_url
        self._operations_url = operations_url

    def ring_student(self, student_id: int, *, delay_seconds: float = 0, bulk: bool = False) -> None:
        """Have a look at the student. Raises what botocore raises: the caller knows if that matters."""
        url = self._sync_bulk_url if bulk else self._sync_url
        self._send(url, {"version": 1, "student_id": student_id}, delay_seconds)

    def ring_operation(self, operation_id: str, *, delay_seconds: float = 0) -> None:
        self._send(self._operations_url, {"version": 1, "operation_id": operation_id}, delay_seconds)

    def _send(self, url: str, message: dict[str, Any], delay_seconds: float) -> None:
        delay = min(MAX_DELAY_SECONDS, max(0, round(delay_seconds)))
        self._client.send_message(QueueUrl=url, MessageBody=json.dumps(message), DelaySeconds=delay)
