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
_DESCRIPTION = (
    "Sell seats of your courses and bundles in bulk: users hold grants of seats, their students are enrolled in "
    "Thinkific asynchronously. Send `Authorization: Bearer <token>` and JSON."
)
_REF = "#/components/schemas/{model}"


def describe(apps: Iterable[FastAPI]) -> dict[str, Any]:
    """The document of all ``apps`` together."""
    routes = [route for app in apps for route in app.routes if isinstance(route, APIRoute)]
    document = get_openapi(title=TITLE, version=VERSION, description=_DESCRIPTION, routes=routes)
    bodies = {model for route in routes for model in _bodies(route.dependant)}
    _, definitions = models_json_schema([(model, "validation") for model in bodies], ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(definitions.get("$defs", {}))
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"][route.path][method.lower()]
            _complete(operation, route)
    return document


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """What FastAPI cannot see: the body, which is read after the caller is known, and the scope."""
    for model in _bodies(route.dependant):
        schema = {"$ref": _REF.format(model=model.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    scopes = [found.scope for found in _calls(route.dependant) if isinstance(found, Scoped)]
    if scopes:
        operation["security"] = [{"token": []}]
        needed = " and ".join(f"`{scope}`" for scope in scopes if scope) or "any token"
        operation["description"] = f"{operation.get('description', '')}\n\nScope: {needed}".strip()


def _bodies(dependant: Dependant) -> list[type[BaseModel]]:
    return [found.model for found in _calls(dependant) if isinstance(found, JsonBody)]


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
