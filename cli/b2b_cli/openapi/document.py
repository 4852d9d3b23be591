"""One OpenAPI document for all functions: what their routes tell, and the words beside it."""

import copy
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import platform
from b2b.http.api.app import create_app
from b2b.http.api.authentication import Scoped
from b2b.http.api.requests.bodies import JsonBody
from b2b.services.work.idempotency import MAX_KEY
from b2b_cli.groups import GROUPS
from b2b_cli.openapi import fields, refusals
from b2b_cli.openapi.calls import CALLS, Call
from b2b_cli.openapi.parameters import PARAMETERS, PATH_IDS
from b2b_cli.openapi.plain import enum_schemas, name_values, plain
from b2b_cli.openapi.texts import BEARER, CONTACT, DESCRIPTION, TAGS, TITLE, VERSION

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

    from b2b.wiring.api import ApiServices

Json = dict[str, Any]

DOCUMENT = Path(platform.__file__).with_name("openapi.json")

_MUTATING = {"POST", "PUT", "DELETE"}
_REF = "#/components/schemas/{model}"
# FastAPI's names of our generic models, and what the wrapped resource is called as a component.
_NAMES = (
    (re.compile(r"Resource(?=_|$)"), ""),
    (re.compile(r"^DataBody_list_(\w+?)__$"), r"\1Matches"),
    (re.compile(r"^DataBody_(\w+)_$"), r"\1Body"),
    (re.compile(r"^ListBody_(\w+)_$"), r"\1List"),
    (re.compile(r"^StartedBody_(\w+)_$"), r"\1Started"),
)


def document() -> str:
    """As text, the same for the same routes."""
    return json.dumps(describe(), indent=1, ensure_ascii=False) + "\n"


def describe() -> Json:
    routes = [*_routes()]
    described = get_openapi(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        routes=routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        # Whoever serves the document puts its own address here.
        servers=[{"url": "/", "description": "Where this document was read"}],
        contact=CONTACT,
    )
    described["security"] = [{"token": []}]
    described["components"] = {
        "schemas": _schemas(described, routes),
        "headers": refusals.HEADERS,
        "responses": refusals.responses(),
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": BEARER}},
    }
    described["paths"] = _paths(described["paths"], routes)
    finished = cast("Json", plain(_renamed(described)))
    enums = {name: schema | {"description": fields.SCHEMAS[name]} for name, schema in enum_schemas().items()}
    schemas = dict(sorted((finished["components"]["schemas"] | enums).items()))
    name_values(schemas)
    finished["components"]["schemas"] = schemas
    return finished


def operation_id(route: APIRoute) -> str:
    """``create_user`` is ``createUser``."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def request_model(route: APIRoute) -> type[BaseModel] | None:
    return next((found.model for found in _calls(route.dependant) if isinstance(found, JsonBody)), None)


def _paths(found: Json, routes: Iterable[APIRoute]) -> Json:
    """In the order of what is said of the calls, which is that of the contract."""
    place = {name: position for position, name in enumerate(CALLS)}
    paths: Json = {}
    for route in sorted(routes, key=lambda route: place[operation_id(route)]):
        for method in route.methods or ():
            operation = _Operation(route, method).described(found[route.path][method.lower()])
            paths.setdefault(route.path, {})[method.lower()] = operation
    return paths


class _Operation:
    """What FastAPI cannot see: the words, the body, which is read after the caller is known, scope and refusals."""

    def __init__(self, route: APIRoute, method: str) -> None:
        self._id = operation_id(route)
        self._call: Call = CALLS[self._id]
        self._tag = str(route.tags[0])
        self._is_mutating = method in _MUTATING
        self._model = request_model(route)
        scopes = [found.scope for found in _calls(route.dependant) if isinstance(found, Scoped)]
        self._is_public = not scopes
        self._scope = next((scope for scope in scopes if scope), None)
        self._has_id = "{id}" in route.path

    def described(self, found: Json) -> Json:
        operation = {
            "tags": found["tags"],
            "summary": found["summary"],
            "description": f"{self._call.text}\n\n{self._needs()}",
            "operationId": self._id,
            "deprecated": self._call.deprecated or None,
            "security": [] if self._is_public else None,
            "parameters": self._parameters(found.get("parameters", [])),
            "requestBody": self._request_body(),
            "responses": self._answers(found["responses"]) | self._refusals(),
        }
        return {name: value for name, value in operation.items() if value is not None}

    def _needs(self) -> str:
        if self._is_public:
            return "Needs no token."
        return f"Scope of the token: `{self._scope}`." if self._scope else "Scope of the token: any."

    def _parameters(self, found: Iterable[Json]) -> list[Json] | None:
        parameters = []
        for parameter in found:
            name = parameter["name"]
            words = self._words_of_id() if name == "id" else PARAMETERS[name]
            schema = parameter["schema"] | words.get("schema", {})
            schema.pop("title", None)
            parameters.append(parameter | words | {"schema": schema})
        if self._is_mutating:
            parameters.append(_idempotency_key())
        return parameters or None

    def _words_of_id(self) -> Json:
        words = PATH_IDS[self._tag]
        return words | ({"example": self._call.id} if self._call.id is not None else {})

    def _request_body(self) -> Json | None:
        if self._model is None:
            return None
        schema = {"$ref": _REF.format(model=self._model.__name__)}
        content = {"schema": schema} | refusals.examples(self._call.bodies)
        required = any(field.is_required() for field in self._model.model_fields.values())
        return {"required": required, "content": {"application/json": content}}

    def _answers(self, found: Json) -> Json:
        # FastAPI has one schema for all that is no refusal.
        schema = next(_schema_of(answer) for status, answer in found.items() if status.startswith("2"))
        answers = {}
        for status, answer in self._call.answers.items():
            headers = refusals.headers(*answer.headers, replayed=self._is_mutating)
            described: Json = {"description": answer.meaning, "headers": headers}
            if answer.example is not None:
                content = {"schema": answer.schema or schema, "example": answer.example}
                described["content"] = {"application/json": content}
            answers[str(status)] = described
        return answers

    def _refusals(self) -> Json:
        described = {}
        for status in sorted(self._refused_with()):
            shared = refusals.shared(status, with_seats=self._knows_enforce_seats)
            described[str(status)] = shared or refusals.own(status, self._bodies(status))
        return described

    def _bodies(self, status: int) -> dict[str, Json]:
        """Examples by name."""
        if status == 404:
            return {"unknown": {"message": self._call.not_found}}
        return {"refused": refusals.invalid(self._call.invalid or refusals.KEY_TOO_LONG)}

    @property
    def _knows_enforce_seats(self) -> bool:
        return self._model is not None and "enforce_seats" in self._model.model_fields

    def _refused_with(self) -> set[int]:
        statuses = {500}
        if not self._is_public:
            statuses |= {401, 429}
        if self._scope:
            statuses.add(403)
        if self._has_id or self._call.not_found:
            statuses.add(404)
        if self._model is not None:
            statuses |= {400, 413, 415}
        if self._is_mutating:
            statuses |= {409, 422}
        if self._call.invalid:
            statuses.add(422)
        return statuses


def _idempotency_key() -> Json:
    words = PARAMETERS["Idempotency-Key"]
    schema = {"type": "string", "maxLength": MAX_KEY} | words["schema"]
    return {"name": "Idempotency-Key", "in": "header", "required": False} | words | {"schema": schema}


def _routes() -> Iterator[APIRoute]:
    # Describing routes calls none of them.
    nobody = cast("ApiServices", None)
    for router in GROUPS.values():
        for route in create_app(router, nobody).routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                yield route


def _schemas(described: Json, routes: Iterable[APIRoute]) -> Json:
    schemas: Json = described["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form of 422, which we do not use
        schemas.pop(name, None)
    models = sorted({model for route in routes if (model := request_model(route))}, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    for name, schema in definitions["$defs"].items():
        # Of a request only: what is not given is said in words, because it is not always the value that is none.
        for value in schema.get("properties", {}).values():
            value.pop("default", None)
        schemas[name] = schema
    schemas |= copy.deepcopy(refusals.SCHEMAS)
    for name, schema in schemas.items():
        _explain(_name(name), schema)
    return schemas


def _explain(name: str, schema: Json) -> None:
    schema.pop("title", None)
    if name in fields.SCHEMAS:
        schema["description"] = fields.SCHEMAS[name]
    if "properties" not in schema:
        return
    words = fields.FIELDS.get(name, fields.OF_EVERY_WRAPPER)
    # In the order of the words: an inherited field is not always the first that a reader looks for.
    properties = {field: schema["properties"].pop(field) for field in words if field in schema["properties"]}
    if schema["properties"]:
        raise LookupError(f"fields.py says nothing of {', '.join(schema['properties'])} of {name}")
    schema["properties"] = properties
    for field, value in properties.items():
        value.pop("title", None)
        value["description"] = words[field]


def _renamed(value: Any) -> Any:
    """With components called by their names in words, wherever one is defined or referred to."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {key: _renamed(inner) for key, inner in value.items()}
    if isinstance(value.get("$ref"), str):
        place, _, name = value["$ref"].rpartition("/")
        renamed["$ref"] = f"{place}/{_name(name)}"
    if "schemas" in value and "securitySchemes" in value:
        renamed["schemas"] = {_name(name): schema for name, schema in renamed["schemas"].items()}
    return renamed


def _name(model: str) -> str:
    for pattern, name in _NAMES:
        model = pattern.sub(name, model)
    return model


def _schema_of(answer: Json) -> Json | None:
    schema: Json | None = answer.get("content", {}).get("application/json", {}).get("schema")
    return schema


def _calls(dependant: "Dependant") -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
