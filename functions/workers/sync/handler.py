"""The Lambda function behind the sync queues: look at the student that each message names."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from collections import Counter
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from b2b.domain.work.messages import student_id_of
from b2b.metrics import count
from b2b.observability import logger
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.wiring.workers import worker_services

_services = worker_services()
_log = logger("sync")
_FIGURES = {
    SyncOutcome.FULFILLED: "StudentsFulfilled",
    SyncOutcome.POSTPONED: "StudentsPostponed",
    SyncOutcome.NOT_NOW: "StudentsNotNow",
}


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """An SQS event in, ``{"batchItemFailures": [...]}`` out."""

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    outcomes: Counter[str] = Counter()
    calls_before = _services.thinkific_calls
    received = _services.received(event)

    def sync_one(record: SQSRecord) -> None:
        student_id = None
        received.extend_visibility()
        try:
            student_id = student_id_of(record.body)
            outcome = _services.sync.sync_student(student_id, seconds_left)
        except Exception:
            outcomes["StudentsInError"] += 1
            _log.exception("sync failed", extra={"student_id": student_id, "message_id": record.message_id})
            received.fail(record.message_id)
            raise
        received.finish(record.message_id)
        outcomes[_FIGURES[outcome]] += 1
        _log.info("sync", extra={"student_id": student_id, "outcome": outcome})

    # Only the messages that failed come back; the others of the batch are done.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=sync_one, processor=processor, context=context)
    count("sync", **outcomes, ThinkificCalls=_services.thinkific_calls - calls_before)
    return answer


gc.freeze()
gc.enable()
