"""The Lambda function of the expiry schedule."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from b2b.observability import logger
from b2b.wiring.core import services

_services = services()
_log = logger("expiry_sweep")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """An EventBridge schedule's event in; what was done out."""
    del event
    swept = _services.sweep.sweep(lambda: context.get_remaining_time_in_millis() / 1000)
    if swept:
        _log.info("swept", extra={"enrollments": swept})
    return {"swept": swept}


gc.freeze()
gc.enable()
