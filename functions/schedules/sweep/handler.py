"""The Lambda function of the expiry schedule."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from b2b.domain.errors import BrokenInvariant
from b2b.metrics import count
from b2b.observability import logger
from b2b.wiring.schedules import schedule_services

_services = schedule_services()
_log = logger("sweep")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """An EventBridge schedule's event in; what was done out."""
    del event
    report = _services.sweep.sweep(lambda: context.get_remaining_time_in_millis() / 1000)
    for failure in report.failures:
        ids = {"student_id": failure.student_id, "product_id": failure.product_id}
        _log.error("an enrollment cannot be swept", exc_info=failure.error, extra=ids)
        if isinstance(failure.error, BrokenInvariant):
            count("records", BrokenInvariants=1)
    if report.swept:
        _log.info("swept", extra={"enrollments": report.swept})
    return {"swept": report.swept, "failed": len(report.failures)}


gc.freeze()
gc.enable()
