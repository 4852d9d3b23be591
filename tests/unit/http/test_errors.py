"""Each refusal of the domain as an answer."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.unit.in_process import Open

from b2b.domain.errors import (
    B2BError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    SeatsExhausted,
    SeatShortage,
    TooManyRequests,
    Unauthenticated,
)
from b2b.http.api.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType, install_error_handlers

SHORTAGE = SeatShortage(scope="product", product_id=1001, max_seats=2, seats_used=2, requested=1)


def answer_to(error: B2BError, open_app: Open) -> httpx.Response:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def refuse() -> None:
        raise error

    return open_app(app).get("http://school.example/")


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (BadRequest("no JSON"), 400, {"message": "no JSON"}),
        (Unauthenticated(), 401, {"message": "Unauthenticated."}),
        (Forbidden(), 403, {"message": "This action is unauthorized."}),
        (NotFound("none"), 404, {"message": "none"}),
        (Conflict("twice", code="reused"), 409, {"message": "twice", "code": "reused"}),
        (
            SeatsExhausted([SHORTAGE]),
            409,
            {
                "message": "There are not enough free seats.",
                "code": "seats_exhausted",
                "seats": [
                    {"scope": "product", "product_id": 1001, "max_seats": 2, "seats_used": 2, "requested": 1},
                ],
            },
        ),
        (PayloadTooLarge("big"), 413, {"message": "big"}),
        (UnsupportedMediaType("xml"), 415, {"message": "xml"}),
        (
            InvalidInput({"a": ["One.", "Two."], "b.0": ["Three."]}),
            422,
            {"message": "One. (and 2 more errors)", "errors": {"a": ["One.", "Two."], "b.0": ["Three."]}},
        ),
        (TooManyRequests(7), 429, {"message": "Too Many Attempts."}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, B2BError) else None,
)
def test_a_refusal_as_an_answer(error: B2BError, status: int, body: dict[str, Any], open_app: Open) -> None:
    answer = answer_to(error, open_app)
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers["Content-Type"] == "application/json"


def test_too_many_requests_says_when_to_come_again(open_app: Open) -> None:
    assert answer_to(TooManyRequests(7), open_app).headers["Retry-After"] == "7"


def test_an_unauthenticated_caller_is_told_the_scheme(open_app: Open) -> None:
    assert answer_to(Unauthenticated(), open_app).headers["WWW-Authenticate"] == "Bearer"
