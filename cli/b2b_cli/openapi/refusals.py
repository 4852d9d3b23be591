"""The answers to calls that are refused, and the headers of all answers."""

from collections.abc import Mapping
from typing import Any

from b2b.domain.errors import Forbidden, InvalidInput, SeatsExhausted, TooManyRequests, Unauthenticated
from b2b.services.idempotency import MAX_KEY

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
    "Allow": {
        "description": "The methods that the route knows.",
        "required": True,
        "schema": {"type": "string"},
        "example": "DELETE, GET, PUT",
    },
}

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
    "IdempotencyConflict": {
        "type": "object",
        "required": ["message", "code"],
        "properties": {
            "message": _MESSAGE,
            "code": {"type": "string", "enum": ["idempotency_key_reused", "idempotency_in_progress"]},
        },
    },
    "SeatsExhausted": {
        "type": "object",
        "required": ["message", "code", "seats"],
        "properties": {
            "message": _MESSAGE,
            "code": {"type": "string", "enum": ["seats_exhausted"]},
            "seats": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/SeatShortage"}},
        },
    },
    "SeatShortage": {
        "type": "object",
        "required": ["scope", "product_id", "max_seats", "seats_used", "requested"],
        "properties": {
            "scope": {"type": "string", "enum": ["account", "product"]},
            "product_id": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "max_seats": {"type": "integer"},
            "seats_used": {"type": "integer"},
            "requested": {"type": "integer"},
        },
    },
}

_MEANINGS = {
    400: "The body is no JSON object",
    401: "No token, or one that is wrong, expired or revoked",
    403: "The token lacks the scope",
    404: "There is no such record",
    409: "A conflict that a retry does not cure",
    413: "The body is larger than 1 MiB",
    415: "The content type is not JSON",
    422: "Something in the request is not acceptable; nothing was changed",
    429: "Too many calls at the moment; come again after `Retry-After` seconds",
    500: "Our fault; the log has it under the `X-Request-Id`",
}

# Status -> name of an example -> the body; of those that are the same for every call.
BODIES: dict[int, dict[str, Json]] = {
    400: {"malformed": {"message": "The body is not valid JSON: Expecting value (line 1, column 11)."}},
    401: {"unauthenticated": {"message": str(Unauthenticated())}},
    403: {"unauthorized": {"message": str(Forbidden())}},
    413: {"too_large": {"message": "The body is larger than 1 MiB."}},
    415: {"not_json": {"message": "Send JSON: the content type text/plain is not supported."}},
    429: {"too_many": {"message": str(TooManyRequests(17))}},
    500: {"server_error": {"message": "Server Error"}},
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
        {"scope": "product", "product_id": 1001, "max_seats": 20, "seats_used": 20, "requested": 1},
    ],
}

KEY_TOO_LONG = {"Idempotency-Key": f"The Idempotency-Key header must not be greater than {MAX_KEY} characters."}


def answer(status: int, bodies: Mapping[str, Json], *, with_seats: bool) -> Json:
    """The response object of a refusal."""
    own = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}.get(status, ())
    schema: Json = _ref({409: "IdempotencyConflict", 422: "Invalid"}.get(status, "Message"))
    if status == 409 and with_seats:
        schema = {"anyOf": [_ref("SeatsExhausted"), schema]}
    return {
        "description": _MEANINGS[status],
        "headers": headers(*own, replayed=False),
        "content": {"application/json": {"schema": schema} | examples(bodies)},
    }


def method_not_allowed() -> Json:
    """Of no operation, because no operation is meant by a method that a route does not have."""
    message = "The PATCH method is not supported for this route. Supported methods: DELETE, GET, PUT."
    content = {"schema": _ref("Message"), "example": {"message": message}}
    return {
        "description": "The route knows other methods, which `Allow` names",
        "headers": headers("Allow", replayed=False),
        "content": {"application/json": content},
    }


def conflicts(*, with_seats: bool) -> dict[str, Json]:
    return ({"seats_exhausted": _SEATS} if with_seats else {}) | _IDEMPOTENCY


def invalid(errors: Mapping[str, str]) -> Json:
    """The body of a 422 that says these sentences of these fields."""
    refusal = InvalidInput({field: [sentence] for field, sentence in errors.items()})
    return {"message": str(refusal), "errors": refusal.errors}


def headers(*names: str, replayed: bool) -> Json:
    wanted = ("X-Request-Id", *names, *([_REPLAYED] if replayed else []))
    return {name: {"$ref": f"#/components/headers/{name}"} for name in wanted}


def examples(bodies: Mapping[str, Json]) -> Json:
    """One as `example`, several as `examples`."""
    if len(bodies) == 1:
        return {"example": next(iter(bodies.values()))}
    return {"examples": {name: {"value": body} for name, body in bodies.items()}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
