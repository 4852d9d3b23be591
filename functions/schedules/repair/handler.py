"""The Lambda function of the repair schedule."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from typing import Any

from b2b.observability import logger
from b2b.wiring.schedules import schedule_services

_services = schedule_services()
_log = logger("repair")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """An EventBridge schedule's event in; what was done out."""
    del event
    enqueued = _services.repair.enqueue_overdue(lambda: context.get_remaining_time_in_millis() / 1000)
    if enqueued:
        _log.info("enqueued again", extra={"enqueued": enqueued})
    tried = _services.refusals.retry_due()
    if tried:
        _log.info("trying again what Thinkific refused", extra={"students": tried})
    return {"enqueued": enqueued, "tried_again": tried}


gc.freeze()
gc.enable()
