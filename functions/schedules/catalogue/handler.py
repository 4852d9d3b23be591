"""The Lambda function of the schedule that refreshes the catalogue."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from typing import Any

from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.observability import logger
from b2b.wiring.schedules import schedule_services

_services = schedule_services()
_log = logger("catalogue")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """An EventBridge schedule's event in; how many operations were started out."""
    del event, context
    operation = _services.operations.start_scheduled(CatalogueSyncState())
    if operation is None:
        _log.warning("the refresh that was started before is not finished")
        return {"started": 0}
    _log.info("started", extra={"operation_id": operation.id})
    return {"started": 1}


gc.freeze()
gc.enable()
