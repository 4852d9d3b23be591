"""The outermost layer of an API function: request id, headers of every answer, one log line, no exception leaves it."""

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SERVER_ERROR = json.dumps({"message": "Server Error"}).encode()


class Entry:
    """Pure ASGI: Starlette's BaseHTTPMiddleware costs 250 microseconds a request.

    The log line holds the route's template, not the path, so that no e-mail or id of a person gets there.
    HEAD is answered as GET is, without the body (RFC 9110, section 9.3.2); FastAPI by itself refuses it.
    No cache keeps an answer, unless its route sets Cache-Control itself: answers hold names and e-mails.
    """

    def __init__(self, app: "ASGIApp", logger: "Logger") -> None:
        self._app = app
        self._logger = logger

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _gateway_request_id(scope) or uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        if len(scope["path"]) > 1:
            scope["path"] = scope["path"].rstrip("/")
        started = time.perf_counter()
        status = 0
        method = scope["method"]
        if method == "HEAD":
            # In a copy: the server wants to know by its own that no body follows.
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            self._logger.exception("request failed", extra={"request_id": request_id})
            if status == 0:
                await _answer_server_error(send_with_headers)
        self._log(scope, method, status, time.perf_counter() - started)

    def _log(self, scope: "Scope", method: str, status: int, seconds: float) -> None:
        state: dict[str, Any] = scope["state"]
        route = scope.get("route")
        self._logger.info(
            "request",
            extra={
                "request_id": state["request_id"],
                "method": method,
                "route": getattr(route, "path", None),
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "token_id": state.get("token_id"),
            },
        )


def _gateway_request_id(scope: "Scope") -> str | None:
    event = scope.get("aws.event") or {}
    request_id = event.get("requestContext", {}).get("requestId")
    return str(request_id) if request_id else None


async def _answer_server_error(send: "Send") -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_SERVER_ERROR)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": _SERVER_ERROR})
