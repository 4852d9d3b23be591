"""The queues. A message says only what to look at; what to do is in the table."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

MAX_DELAY_SECONDS = 900  # SQS's own limit
_MOST_IN_ONE_CALL = 10  # likewise

# How long after its last sign of life the messages of a dead worker are handed out again. A little longer than a
# lease, so that whoever receives them can take it.
VISIBILITY_SECONDS = 35
_EXTEND_EVERY_SECONDS = 5.0
# A message that failed for a reason nobody foresaw waits as long as the queue itself would make it wait.
_FAILED_SECONDS = 360


class Queues:
    """``sync_url``: students to bring to Thinkific. ``operations_url``: operations to go on with."""

    def __init__(self, client: "SQSClient", *, sync_url: str, sync_bulk_url: str, operations_url: str) -> None:
        self._client: Any = client
        self._sync_url = sync_url
        self._sync_bulk_url = sync_bulk_url
        self._operations_url = operations_url
        self._urls = {url.rpartition("/")[2]: url for url in (sync_url, sync_bulk_url, operations_url)}

    def enqueue_student(self, student_id: int, *, delay_seconds: float = 0, bulk: bool = False) -> None:
        """Have a look at the student. Raises what botocore raises: the caller knows if that matters."""
        url = self._sync_bulk_url if bulk else self._sync_url
        self._send(url, {"version": 1, "student_id": student_id}, delay_seconds)

    def enqueue_operation(self, operation_id: str, *, delay_seconds: float = 0) -> None:
        self._send(self._operations_url, {"version": 1, "operation_id": operation_id}, delay_seconds)

    def _send(self, url: str, message: dict[str, Any], delay_seconds: float) -> None:
        delay = min(MAX_DELAY_SECONDS, max(0, round(delay_seconds)))
        self._client.send_message(QueueUrl=url, MessageBody=json.dumps(message), DelaySeconds=delay)

    def hide_messages(self, queue_arn: str, receipt_handles: Iterable[str], seconds: int) -> None:
        """Nobody else receives these messages for ``seconds`` from now; afterwards anybody may.

        Raises what botocore raises.
        """
        url = self._urls[queue_arn.rpartition(":")[2]]
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
            for number, handle in enumerate(receipt_handles)
        ]
        for start in range(0, len(entries), _MOST_IN_ONE_CALL):
            chunk = entries[start : start + _MOST_IN_ONE_CALL]
            self._client.change_message_visibility_batch(QueueUrl=url, Entries=chunk)


class ReceivedMessages:
    """The messages of one SQS event that the worker has not finished.

    The queues hide a received message for six times the function's time-out, as AWS advises. That is too long for the
    students of a worker that was killed, so a living worker hides its messages for ``VISIBILITY_SECONDS`` again and
    again.
    Nothing depends on it: ``on_failure`` makes a call that SQS refuses visible, and the message comes back later.
    """

    def __init__(
        self,
        queues: Queues,
        event: Mapping[str, Any],
        on_failure: Callable[[Exception], None],
        *,
        seconds: int = VISIBILITY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queues = queues
        self._on_failure = on_failure
        self._seconds = seconds
        self._monotonic = monotonic
        self._unfinished: dict[str, tuple[str, str]] = {
            record["messageId"]: (record["eventSourceARN"], record["receiptHandle"]) for record in event["Records"]
        }
        self._extended_at: float | None = None

    def extend_visibility(self) -> None:
        """Before each message. A call to SQS is made where the last one was some seconds ago."""
        now = self._monotonic()
        if self._extended_at is not None and now - self._extended_at < _EXTEND_EVERY_SECONDS:
            return
        self._extended_at = now
        by_queue: dict[str, list[str]] = {}
        for queue_arn, handle in self._unfinished.values():
            by_queue.setdefault(queue_arn, []).append(handle)
        for queue_arn, handles in by_queue.items():
            self._hide(queue_arn, handles, self._seconds)

    def finish(self, message_id: str) -> None:
        """The worker is done with the message."""
        del self._unfinished[message_id]

    def fail(self, message_id: str) -> None:
        """The message is to be tried again later: the queue counts the tries."""
        queue_arn, handle = self._unfinished.pop(message_id)
        self._hide(queue_arn, [handle], _FAILED_SECONDS)

    def _hide(self, queue_arn: str, handles: Iterable[str], seconds: int) -> None:
        try:
            self._queues.hide_messages(queue_arn, handles, seconds)
        except Exception as error:  # whatever the queue's client raises
            self._on_failure(error)
