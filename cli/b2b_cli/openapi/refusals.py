"""The answers to calls that are refused, and the headers of all answers."""

from collections.abc import Mapping
from typing import Any

from b2b.domain.errors import Forbidden, InvalidInput, SeatsExhausted, TooManyRequests, Unauthenticated
from b2b.services.work.idempotency import MAX_KEY
from b2b_cli.openapi.records import OPERATION_ID

Json = dict[str, Any]

_REPLAYED = "Idempotency-Replayed"

HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "The call's own id; the log has it in the line of this call.",
        "required": True,
        "schema": {"type": "string"},
        "example": "9f1c2d3e4b5a69788796a5b4c3d2e1f0",
    },
    _REPLAYED: {
        "description": "There where this is the answer of an earlier call with the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Retry-After": {
        "description": "Seconds to wait before the next call.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 17,
    },
    "WWW-Authenticate": {
        "description": "How to say who is calling.",
        "required": True,
        "schema": {"type": "string", "enum": ["Bearer"]},
        "example": "Bearer",
    },
    "Location": {
        "description": "The operation that goes on after the answer.",
        "required": True,
        "schema": {"type": "string", "format": "uri"},
        "example": f"https://academy.example/api/operations/{OPERATION_ID}",
    },
    "Allow": {
        "description": "The methods that the route knows.",
        "required": True,
        "schema": {"type": "string"},
        "example": "DELETE, GET, PUT",
    },
}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_MESSAGE: Json = {"type": "string", "description": "A sentence for a person."}

SCHEMAS: dict[str, Json] = {
    "Message": {"type": "object", "required": ["message"], "properties": {"message": _MESSAGE}},
    "Invalid": {
        "type": "object",
        "required": ["message", "errors"],
        "properties": {
            "message": {"type": "string"},
            "errors": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            },
        },
    },
    "Conflict": {
        "type": "object",
        "required": ["message", "code"],
        "properties": {
            "message": _MESSAGE,
            "code": _ref("ConflictCode"),
            "seats": {"type": "array", "minItems": 1, "items": _ref("SeatShortage")},
        },
    },
    "ConflictCode": {
        "type": "string",
        "enum": ["idempotency_key_reused", "idempotency_in_progress", "seats_exhausted"],
    },
    "SeatShortage": {
        "type": "object",
        "required": ["scope", "product_id", "max_seats", "seats_used", "requested"],
        "properties": {
            "scope": _ref("SeatScope"),
            "product_id": {"type": ["integer", "null"]},
            "max_seats": {"type": "integer"},
            "seats_used": {"type": "integer"},
            "requested": {"type": "integer"},
        },
    },
    "SeatScope": {"type": "string", "enum": ["account", "product"]},
}

_MEANINGS = {
    400: "The body is neither a JSON object nor a form",
    401: "No token, or one that is wrong, expired or revoked",
    403: "The token lacks the scope",
    404: "There is no such record",
    409: "A conflict that a retry does not cure",
    413: "The body is larger than 1 MiB",
    415: "A content type or `Content-Encoding` that is not understood",
    422: "Something in the request is not acceptable; nothing was changed",
    429: "Too many calls at the moment; come again after `Retry-After` seconds",
    500: "Our fault; the log has it under the `X-Request-Id`",
}

_IDEMPOTENCY: dict[str, Json] = {
    "idempotency_key_reused": {
        "message": "This Idempotency-Key was used for another request.",
        "code": "idempotency_key_reused",
    },
    "idempotency_in_progress": {
        "message": "The same call is being carried out right now.",
        "code": "idempotency_in_progress",
    },
}
_SEATS: Json = {
    "message": str(SeatsExhausted(())),
    "code": "seats_exhausted",
    "seats": [
        {"scope": "account", "product_id": None, "max_seats": 100, "seats_used": 100, "requested": 1},
        {"scope": "product", "product_id": 2000001, "max_seats": 20, "seats_used": 20, "requested": 1},
    ],
}

KEY_TOO_LONG = {"Idempotency-Key": f"The Idempotency-Key header must not be greater than {MAX_KEY} characters."}


# What the answers of a status are called that are the same for every call. The others say what the call refuses.
_SHARED = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "Forbidden",
    409: "KeyConflict",
    413: "PayloadTooLarge",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
    500: "ServerError",
}
_SEAT_CONFLICT = "SeatConflict"


def shared(status: int, *, with_seats: bool) -> Json | None:
    """A reference to the response object of a status, where calls share one."""
    name = _SEAT_CONFLICT if status == 409 and with_seats else _SHARED.get(status)
    return {"$ref": f"#/components/responses/{name}"} if name else None


def own(status: int, bodies: Mapping[str, Json]) -> Json:
    """The response object of a status of one call. ``bodies``: examples by name."""
    return _answer(status, bodies, "Invalid" if status == 422 else "Message")


def responses() -> dict[str, Json]:
    """Those that calls share, by name."""
    same: dict[int, Json] = {
        400: {"message": "The body is not valid JSON: Expecting value (line 1, column 11)."},
        401: {"message": str(Unauthenticated())},
        403: {"message": str(Forbidden())},
        413: {"message": "The body is larger than 1 MiB."},
        415: {"message": "Send JSON or a form: the content type text/xml is not supported."},
        429: {"message": str(TooManyRequests(17))},
        500: {"message": "Server Error"},
    }
    answers = {_SHARED[status]: _answer(status, {"refused": body}, "Message") for status, body in same.items()}
    answers[_SHARED[409]] = _answer(409, _IDEMPOTENCY, "Conflict")
    answers[_SEAT_CONFLICT] = _answer(409, {"seats_exhausted": _SEATS} | _IDEMPOTENCY, "Conflict")
    answers["MethodNotAllowed"] = _method_not_allowed()
    return dict(sorted(answers.items()))


def _answer(status: int, bodies: Mapping[str, Json], schema: str) -> Json:
    headers_ = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}.get(status, ())
    return {
        "description": _MEANINGS[status],
        "headers": headers(*headers_),
        "content": {"application/json": {"schema": _ref(schema)} | examples(bodies)},
    }


def _method_not_allowed() -> Json:
    """Of no operation, because no operation is meant by a method that a route does not have."""
    message = "The PATCH method is not supported for this route. Supported methods: DELETE, GET, PUT."
    content = {"schema": _ref("Message"), "example": {"message": message}}
    return {
        "description": "The route knows other methods, which `Allow` names",
        "headers": headers("Allow"),
        "content": {"application/json": content},
    }


def invalid(errors: Mapping[str, str]) -> Json:
    """The body of a 422 that says these sentences of these fields."""
    refusal = InvalidInput({field: [sentence] for field, sentence in errors.items()})
    return {"message": str(refusal), "errors": refusal.errors}


def headers(*names: str, replayed: bool = False) -> Json:
    """``replayed``: of an answer that an ``Idempotency-Key`` brings again."""
    wanted = ("X-Request-Id", *names, *([_REPLAYED] if replayed else []))
    return {name: {"$ref": f"#/components/headers/{name}"} for name in wanted}


def examples(bodies: Mapping[str, Json]) -> Json:
    """One as `example`, several as `examples`."""
    if len(bodies) == 1:
        return {"example": next(iter(bodies.values()))}
    return {"examples": {name: {"value": body} for name, body in bodies.items()}}
