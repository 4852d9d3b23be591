"""The Lambda function behind the operations queue: carry on the operation that each message names."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from b2b.domain.work.messages import operation_id_of
from b2b.metrics import count
from b2b.observability import logger
from b2b.wiring.workers import worker_services

_services = worker_services()
_log = logger("operations")
# Longer than the function may run: a second worker at an operation only takes it from the first.
_HELD_SECONDS = 75


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """An SQS event in, ``{"batchItemFailures": [...]}`` out."""

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    calls_before = _services.thinkific_calls
    received = _services.received(event, seconds=_HELD_SECONDS)

    def advance(record: SQSRecord) -> None:
        operation_id = None
        received.extend_visibility()
        try:
            operation_id = operation_id_of(record.body)
            outcome = _services.operation_worker.advance(operation_id, seconds_left)
        except Exception:
            _log.exception("operation failed", extra={"operation_id": operation_id, "message_id": record.message_id})
            received.fail(record.message_id)
            raise
        received.finish(record.message_id)
        _log.info("operation", extra={"operation_id": operation_id, "outcome": outcome})

    # Only the messages that failed come back; the others of the batch are done.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=advance, processor=processor, context=context)
    count("operations", ThinkificCalls=_services.thinkific_calls - calls_before)
    return answer


gc.freeze()
gc.enable()
