"""``Idempotency-Key`` on POST, PUT and DELETE: in front of the routes, so that every one of them has it."""

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.responses import Response

from b2b.domain.errors import B2BError, InvalidInput
from b2b.domain.work.idempotency import Claim
from b2b.http.api.authentication import bearer
from b2b.http.api.errors import refusal_response
from b2b.http.api.requests.content import MAX_BODY_BYTES
from b2b.services.work.idempotency import MAX_KEY, Answer, in_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from b2b.wiring.api import ApiServices

_METHODS = {"POST", "PUT", "DELETE"}
# How long the second of two twins waits for the first's answer before it is refused.
_PATIENCE_SECONDS = 3.0
_ASK_EVERY_SECONDS = 0.05
# What is the answer's own; the rest belongs to the connection.
_KEPT_HEADERS = {"content-type", "location"}


class IdempotencyKeys:
    """Pure ASGI. A call without the header passes through untouched."""

    def __init__(self, app: "ASGIApp", services: "ApiServices") -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        key = headers.get("Idempotency-Key")
        if not key or scope["method"] not in _METHODS:
            await self._app(scope, receive, send)
            return
        if _length(key) > MAX_KEY:
            await self._app(scope, _refuse_key, send)
            return
        try:
            secret = bearer(headers)
            token_id = self._services.tokens.identify(secret)
        except B2BError:
            # The route will refuse it.
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if len(body) > MAX_BODY_BYTES:
            # The route refuses this too, after what it has to refuse first.
            await self._app(scope, _given(body, receive), send)
            return
        try:
            begun = await self._begin(token_id, secret, key, _request(scope, body))
            if isinstance(begun, Answer):
                self._count(secret, scope)
        except B2BError as error:
            await refusal_response(error)(scope, receive, send)
            return
        if isinstance(begun, Answer):
            await _replayed(begun)(scope, receive, send)
            return
        await self._carry_out(begun, scope, _given(body, receive), send)

    def _count(self, secret: str, scope: "Scope") -> None:
        """What no route sees is one of the token's requests too. Raises TooManyRequests."""
        principal = self._services.tokens.authenticate(secret)
        scope.setdefault("state", {})["token_id"] = principal.token_id

    async def _begin(self, token_id: int, secret: str, key: str, request: bytes) -> Claim | Answer:
        owner = uuid.uuid4().hex
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            begun = self._services.idempotency.begin(token_id, secret, key, request, owner)
            if begun is not None:
                return begun
            if time.monotonic() > deadline:
                raise in_progress()
            await asyncio.sleep(_ASK_EVERY_SECONDS)

    async def _carry_out(self, claim: Claim, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """The answer is kept before it is sent: whoever repeats the call after it was lost finds it."""
        messages: list[Message] = []

        async def collect(message: "Message") -> None:
            messages.append(message)

        scope.setdefault("state", {})["claim"] = claim
        try:
            await self._app(scope, receive, collect)
        except BaseException:
            self._services.idempotency.release(claim)
            raise
        self._services.idempotency.end(claim, _answer(messages))
        for message in messages:
            await send(message)


async def _claim(request: Request) -> Claim | None:
    return getattr(request.state, "claim", None)


# In the signature of a route whose call must not happen twice.
CurrentClaim = Annotated[Claim | None, Depends(_claim)]


class KeyAccepted:
    """Dependency of a route that takes no body. Raises InvalidInput for a key that is too long.

    A route that takes one learns of that by reading it. ``record_exists``: as with ``JsonBody``.
    """

    def __init__(self, record_exists: "Callable[[Request], object]") -> None:
        self._record_exists = record_exists

    async def __call__(self, request: Request) -> None:
        if _length(request.headers.get("Idempotency-Key", "")) > MAX_KEY:
            self._record_exists(request)
            await _refuse_key()


def _length(key: str) -> int:
    """In characters of what the client wrote: a server reads headers as Latin-1, clients write UTF-8."""
    return len(key.encode("latin-1").decode(errors="replace"))


async def _refuse_key() -> "Message":
    """In the place of ``receive``: so the refusal comes where that of a body would, after 401, 403 and 404."""
    sentence = f"The Idempotency-Key header must not be greater than {MAX_KEY} characters."
    raise InvalidInput.field("Idempotency-Key", sentence)


def _request(scope: "Scope", body: bytes) -> bytes:
    """What must be the same for two calls to be one."""
    return b"\n".join([scope["method"].encode(), scope["path"].encode(), scope.get("query_string", b""), body])


def _answer(messages: "list[Message]") -> Answer:
    start = next(message for message in messages if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    pairs = ((name.decode().lower(), value.decode("latin-1")) for name, value in start.get("headers", ()))
    return Answer(cast("int", start["status"]), tuple(pair for pair in pairs if pair[0] in _KEPT_HEADERS), body)


def _replayed(answer: Answer) -> Response:
    headers = {**dict(answer.headers), "Idempotency-Replayed": "true"}
    return Response(answer.body or None, answer.status, headers)


async def _body(receive: "Receive") -> bytes:
    """The whole body, or as much of it as is needed to see that it is larger than any route takes."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return bytes(body)
        if not message.get("more_body", False):
            return bytes(body)


def _given(body: bytes, receive: "Receive") -> "Receive":
    """A ``receive`` that yields ``body`` first, as it was read already."""
    pending = [body]

    async def replay() -> "Message":
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replay
