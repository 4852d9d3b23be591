"""The Lambda function of the recount schedule."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from b2b.metrics import count
from b2b.observability import logger
from b2b.wiring.schedules import schedule_services

_services = schedule_services()
_log = logger("recount")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """An EventBridge schedule's event in; what was done out. Each drift is a line of the log."""
    del event
    report = _services.recount.continue_walk(lambda: context.get_remaining_time_in_millis() / 1000)
    if report is None:
        return {"users": 0, "drifts": 0}
    for drift in report.drifts:
        _log.error("a counter has drifted; `b2b recount --repair` sets it right", extra={"drift": str(drift)})
    _log.info("recounted", extra={"users": report.users, "busy": report.busy, "finished": report.finished})
    count("recount", CounterDrift=len(report.drifts), UsersRecounted=report.users)
    return {"users": report.users, "drifts": len(report.drifts)}


gc.freeze()
gc.enable()
