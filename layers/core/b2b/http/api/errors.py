"""Refusals as the API shows them: always JSON, never internals (contract, section 1)."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from b2b.domain.errors import (
    B2BError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    SeatsExhausted,
    TooManyRequests,
    Unauthenticated,
    WriteConflict,
)


class BadRequest(B2BError):
    """400: the body is neither a JSON object nor a form."""


class PayloadTooLarge(B2BError):
    """413"""


class UnsupportedMediaType(B2BError):
    """415"""


_STATUS: Sequence[tuple[type[B2BError], int]] = (
    (BadRequest, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (PayloadTooLarge, 413),
    (UnsupportedMediaType, 415),
    (InvalidInput, 422),
    (TooManyRequests, 429),
    (WriteConflict, 429),
)


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(B2BError, _refused)
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(Exception, _server_error)


def refusal_response(error: Exception) -> JSONResponse:
    """The answer to a refused call. Raises ``error`` again when it is none of the contract's."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
    if status is None:
        raise error
    return JSONResponse(_body(error), status, _headers(error))


async def _refused(_: Request, error: Exception) -> JSONResponse:
    return refusal_response(error)


def _body(error: Exception) -> dict[str, Any]:
    message = "Too Many Attempts." if isinstance(error, WriteConflict) else str(error)
    body: dict[str, Any] = {"message": message}
    if isinstance(error, InvalidInput):
        body["errors"] = error.errors
    if isinstance(error, Conflict):
        body["code"] = error.code
    if isinstance(error, SeatsExhausted):
        body["seats"] = [
            {
                "scope": shortage.scope,
                "product_id": shortage.product_id,
                "max_seats": shortage.max_seats,
                "seats_used": shortage.seats_used,
                "requested": shortage.requested,
            }
            for shortage in error.shortages
        ]
    return body


def _headers(error: Exception) -> dict[str, str] | None:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, WriteConflict):
        return {"Retry-After": "1"}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return None


async def _server_error(_: Request, __: Exception) -> JSONResponse:
    """Starlette raises the exception again behind this answer, for the log."""
    return JSONResponse({"message": "Server Error"}, 500)


async def _no_such_route(request: Request, error: Exception) -> JSONResponse:
    """What the router itself refuses: an unknown path, or a known one with another method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        allowed = ", ".join(_allowed_methods(request))
        message = f"The {request.method} method is not supported for this route. Supported methods: {allowed}."
        return JSONResponse({"message": message}, 405, {"Allow": allowed})
    return JSONResponse({"message": f"There is no route {request.url.path}."}, status)


def _allowed_methods(request: Request) -> list[str]:
    """Of all routes of this path; Starlette's own answer names those of the first only."""
    methods: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)
