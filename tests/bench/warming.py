"""Warm calls of the users' function and of its peers, in a process with nothing but what is built:
``python -m tests.bench.warming ROUNDS CALLS``. Prints JSON: CPU seconds a call, by subject, one for each round.
"""

import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

# Logs are written as ever, to where they cost no disk. Before the imports, because loggers take hold of it.
_report, sys.stdout = sys.stdout, Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the very end
warnings.simplefilter("ignore", DeprecationWarning)

from tests.bench.peers import fastapi_mangum, handwritten, powertools_resolver, starlette_mangum
from tests.bench.peers.task import SEARCH, SECRET, find_by_email
from tests.bench.sampling import interleaved

from api.users.routes import router
from b2b.domain.identity.tokens import SCOPES, Token, digest
from b2b.http.api.app import create_app
from b2b.http.asgi import lambda_handler
from b2b.observability import logger
from b2b.services.identity.tokens import TokenService
from b2b.wiring.api import ApiServices
from b2b.wiring.messages import messages
from b2b.wiring.records import records

_EVENT = Path(__file__).parents[2] / "events/apigateway-v2-create-student.json"
_UNLOGGED = "unlogged"

Event = dict[str, Any]
Handler = Callable[[Event, Any], Any]


class Context:
    """What Lambda hands over."""

    function_name = "users"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:users"
    aws_request_id = "8f6d3a52-1d0b-4b7a-9d4e-0d4f7a3e5c11"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


class CannedTokens:
    """In the place of the tokens' rows."""

    class _Table:
        def find(self, digest_: str) -> Token | None:
            now = datetime.now(UTC)
            return Token(
                id=1,
                name="bench",
                scopes=frozenset(SCOPES),
                user_id=1,
                digest=digest(SECRET),
                last_four=SECRET[-4:],
                created_at=now,
                last_used_at=now,
            )

    tokens = _Table()


class CannedUsers:
    """In the place of the users' service."""

    find_by_email = staticmethod(find_by_email)


class CannedServices(ApiServices):
    """The product's own but for two: nothing asks a table. The token stays remembered."""

    @cached_property
    def tokens(self) -> Any:
        store: Any = CannedTokens()
        return TokenService(store, monotonic=lambda: 0.0)

    @cached_property
    def users(self) -> Any:
        return CannedUsers()


def event() -> Event:
    """As the gateway sends it, anew for each call: a framework may write into it."""
    sent: Event = json.loads(_EVENT.read_text(encoding="utf-8"))
    method, path = SEARCH
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = path
    sent["requestContext"]["http"]["method"] = method
    sent["routeKey"] = sent["requestContext"]["routeKey"] = "ANY /api/users/{proxy+}"
    sent["headers"]["authorization"] = f"Bearer {SECRET}"
    sent["body"] = json.dumps({"email": "hr@acme.example"})
    sent["headers"]["content-length"] = str(len(sent["body"]))
    return sent


def subjects() -> dict[str, Handler]:
    """The first is what the others are compared with."""
    services = CannedServices(records(os.environ), messages(os.environ))
    app = create_app(router, services)
    # With the level at which nothing of a call is logged.
    logger(_UNLOGGED).setLevel("WARNING")
    return {
        "handwritten": handwritten.handler,
        "handwritten, logged": handwritten.logging_handler,
        "starlette": starlette_mangum.handler,
        "starlette, logged": starlette_mangum.logging_handler,
        "powertools": powertools_resolver.handler,
        "powertools, logged": powertools_resolver.logging_handler,
        "fastapi": fastapi_mangum.handler,
        "fastapi, logged": fastapi_mangum.logging_handler,
        "ours, unlogged": lambda_handler(app, _UNLOGGED),
        "ours": lambda_handler(app, "users"),
    }


def check_same_answers(handlers: dict[str, Handler]) -> None:
    """What is compared has to be the same work."""
    expected = None
    for name, handler in handlers.items():
        answer = handler(event(), Context())
        seen = (answer["statusCode"], json.loads(answer["body"]))
        expected = expected or seen
        if seen != expected or seen[0] != 200:
            raise SystemExit(f"{name} answers {seen}, and not {expected}.")
        refused = event()
        refused["headers"]["authorization"] = "Bearer none"
        if handler(refused, Context())["statusCode"] != 401:
            raise SystemExit(f"{name} lets everyone in.")


def cpu_seconds_a_call(handler: Handler, calls: int) -> float:
    sent, context = [event() for _ in range(calls)], Context()
    began = time.process_time()
    for each in sent:
        handler(each, context)
    return (time.process_time() - began) / calls


def main(rounds: int, calls: int) -> None:
    handlers = subjects()
    check_same_answers(handlers)
    gc.collect()
    gc.freeze()
    measures = {name: partial(cpu_seconds_a_call, handler, calls) for name, handler in handlers.items()}
    _report.write(json.dumps(interleaved(measures, rounds, warm_ups=2)) + "\n")
    _report.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
