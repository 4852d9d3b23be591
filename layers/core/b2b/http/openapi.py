"""One OpenAPI document for all functions, built from their routes."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from b2b.http.authentication import Scoped
from b2b.http.bodies import JsonBody

TITLE = "B2B seats for Thinkific"
VERSION = "1.0.0"
_DESCRIPTION = """\
Sell seats of your courses and bundles in bulk: *users* (your clients' managers) hold *grants* of seats for *products*,
and their *students* are enrolled in Thinkific.

Send `Authorization: Bearer <token>` and JSON. Enrolments are asynchronous: an answer says what is `pending`, and
reading the student again shows it turn `active`, or `failed` with the reason. Every POST, PUT and DELETE takes an
`Idempotency-Key`: the same key with the same call is carried out once. Every answer carries `X-Request-Id`.
"""
_REF = "#/components/schemas/{model}"
_MUTATING = {"POST", "PUT", "DELETE"}

_MESSAGE: dict[str, Any] = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
_INVALID: dict[str, Any] = {
    "type": "object",
    "required": ["message", "errors"],
    "properties": {
        "message": {"type": "string", "description": "The first error, and how many more there are."},
        "errors": {
            "type": "object",
            "description": "Sentences by field; an item of a list as `enrollments.0`.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
_CONFLICT: dict[str, Any] = {
    "type": "object",
    "required": ["message", "code"],
    "properties": {
        "message": {"type": "string"},
        "code": {"enum": ["seats_exhausted", "idempotency_key_reused", "idempotency_in_progress"]},
        "seats": {
            "type": "array",
            "description": "With `seats_exhausted`: each limit that the call would break.",
            "items": {
                "type": "object",
                "required": ["scope", "product_id", "max_seats", "seats_used", "requested"],
                "properties": {
                    "scope": {"enum": ["account", "product"]},
                    "product_id": {"type": ["integer", "null"]},
                    "max_seats": {"type": "integer"},
                    "seats_used": {"type": "integer"},
                    "requested": {"type": "integer"},
                },
            },
        },
    },
}

# Status -> what it means, its schema, an example.
_REFUSALS: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: (
        "The body is no JSON object",
        "Message",
        {"message": "The body is not valid JSON: Expecting value (line 1, column 11)."},
    ),
    401: ("No token, or one that is wrong, expired or revoked", "Message", {"message": "Unauthenticated."}),
    403: ("The token lacks the scope", "Message", {"message": "This action is unauthorized."}),
    404: ("There is no such record", "Message", {"message": "There is no user with the id 55."}),
    405: (
        "Another method is wanted; `Allow` names those there are",
        "Message",
        {"message": "The PATCH method is not supported for this route. Supported methods: GET, PUT."},
    ),
    409: (
        "A conflict that a retry does not cure",
        "Conflict",
        {"message": "This Idempotency-Key was used for another request.", "code": "idempotency_key_reused"},
    ),
    413: ("The body is larger than 1 MiB", "Message", {"message": "The body is larger than 1 MiB."}),
    415: (
        "The content type is not JSON",
        "Message",
        {"message": "Send JSON: the content type text/plain is not supported."},
    ),
    422: (
        "Something in the request is not acceptable; nothing was changed",
        "Invalid",
        {
            "message": "The name field is required. (and 1 more error)",
            "errors": {
                "name": ["The name field is required."],
                "email": ["The email field must be a valid e-mail address."],
            },
        },
    ),
    429: ("Come again after `Retry-After` seconds", "Message", {"message": "Too Many Attempts."}),
    500: ("Our fault; the log has it under the `X-Request-Id`", "Message", {"message": "Server Error"}),
}


def describe(apps: Iterable[FastAPI]) -> dict[str, Any]:
    """The document of all ``apps`` together."""
    routes = [route for app in apps for route in app.routes if isinstance(route, APIRoute)]
    document = get_openapi(title=TITLE, version=VERSION, description=_DESCRIPTION, routes=routes)
    bodies = sorted({model for route in routes for model in _bodies(route.dependant)}, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in bodies], ref_template=_REF)
    components = document["components"]
    schemas = components["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form of 422, which we do not use
        schemas.pop(name, None)
    schemas.update(definitions.get("$defs", {}))
    schemas.update({"Message": _MESSAGE, "Invalid": _INVALID, "Conflict": _CONFLICT})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for route in routes:
        for method in route.methods or ():
            _complete(document["paths"][route.path][method.lower()], route, method)
    return document


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    """What FastAPI cannot see: the body, which is read after the caller is known, the scope, and the refusals."""
    bodies = _bodies(route.dependant)
    for model in bodies:
        required = any(field.is_required() for field in model.model_fields.values())
        schema = {"$ref": _REF.format(model=model.__name__)}
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    scopes = [found.scope for found in _calls(route.dependant) if isinstance(found, Scoped)]
    if scopes:
        operation["security"] = [{"token": []}]
        needed = " and ".join(f"`{scope}`" for scope in scopes if scope) or "any"
        operation["description"] = f"{operation.get('description', '')}\n\nScope of the token: {needed}.".strip()
    if method in _MUTATING:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key with the same call is carried out once, for 24 hours.",
                "schema": {"type": "string", "maxLength": 255},
            }
        )
    responses = operation["responses"]
    responses.pop("422", None)
    for status in sorted(_refusals(route, method, scoped=bool(scopes), with_body=bool(bodies))):
        meaning, name, example = _REFUSALS[status]
        content = {"schema": {"$ref": _REF.format(model=name)}, "example": example}
        responses[str(status)] = {"description": meaning, "content": {"application/json": content}}


def _refusals(route: APIRoute, method: str, *, scoped: bool, with_body: bool) -> set[int]:
    statuses = {500}
    if scoped:
        statuses |= {401, 403, 429}
    if "{id}" in route.path or route.path.endswith("/users/search"):
        statuses.add(404)
    if with_body:
        statuses |= {400, 413, 415, 422}
    if route.path.endswith("/products/search"):
        statuses.add(422)
    if method in _MUTATING:
        statuses |= {409, 413, 422}
    return statuses


def _bodies(dependant: Dependant) -> list[type[BaseModel]]:
    return [found.model for found in _calls(dependant) if isinstance(found, JsonBody)]


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
