"""Of all that ministack emulates, only the two services that the product uses.

The rest includes Lambda, which executes code as the person who runs the stack, and ministack's own controls, which
wipe everything.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from b2b_cli.loopback_guard import forbid

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# ministack's names.
SERVICES = ("dynamodb", "sqs")

_TARGETS = (b"DynamoDB_20120810.", b"AmazonSQS.")
# A message that is received comes back by itself; workers ask for one all the time.
_READING = (b"Get", b"Query", b"Scan", b"BatchGet", b"TransactGet", b"Describe", b"List", b"ReceiveMessage")
_REFUSAL = {"__type": "AccessDeniedException", "message": "The local stack emulates DynamoDB and SQS only."}


class OnlyServices:
    """In front of ministack: passes the JSON protocol's calls of the two services and the health check.

    ``changed`` is called after every call that may have changed something.
    """

    def __init__(self, app: "ASGIApp", changed: Callable[[], None]) -> None:
        self._app = app
        self._changed = changed

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "lifespan" or _is_health_check(scope):
            await self._app(scope, receive, send)
            return
        target = _target(scope)
        if target is None:
            await forbid(send, _REFUSAL)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            if not target.partition(b".")[2].startswith(_READING):
                self._changed()


def _is_health_check(scope: "Scope") -> bool:
    return bool(scope["method"] == "GET" and scope["path"] == "/health")


def _target(scope: "Scope") -> bytes | None:
    """Of a call of the two services. No other path or query, which ministack might understand otherwise."""
    if scope["method"] != "POST" or scope["path"] != "/" or scope["query_string"]:
        return None
    targets: list[bytes] = [value for name, value in scope["headers"] if name.lower() == b"x-amz-target"]
    return targets[0] if len(targets) == 1 and targets[0].startswith(_TARGETS) else None
