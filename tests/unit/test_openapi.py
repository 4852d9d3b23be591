"""The API's document: one that a stranger can work from, and whose every change shows in the diff."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from tests.documented import Documented, Json

from b2b.domain.identity.tokens import SCOPES
from b2b.http.api.requests.bodies import validated
from b2b_cli.groups import GROUPS
from b2b_cli.openapi import fields
from b2b_cli.openapi.calls import CALLS
from b2b_cli.openapi.document import DOCUMENT, document, operation_id, request_model

_DOCUMENT: Json = json.loads(document())
_COMPONENTS: Json = _DOCUMENT["components"]
_JUDGE = Documented(_DOCUMENT)
_PUBLIC = {"getHealth", "getDocument"}
_MUTATING = ("post", "put", "delete")

_OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, operations in _DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
_every_operation = pytest.mark.parametrize(("method", "path", "operation"), _OPERATIONS.values(), ids=_OPERATIONS)
_ROUTES = {
    operation_id(route): route
    for router in GROUPS.values()
    for route in router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
}


def test_the_committed_document_is_that_of_the_routes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `make openapi` and look at the difference"


def test_every_route_is_an_operation_with_an_id_of_its_own() -> None:
    assert len(_OPERATIONS) == sum(len(operations) for operations in _DOCUMENT["paths"].values())
    assert _OPERATIONS.keys() == _ROUTES.keys() == CALLS.keys()
    assert {"createUser", "addSeats", "changeExpiry", "upsertStudent", "disassociateStudent"} <= _OPERATIONS.keys()


@_every_operation
def test_an_operation_says_what_it_does(method: str, path: str, operation: Json) -> None:
    text, _, needs = operation["description"].rpartition("\n\n")
    assert operation["summary"]
    assert text.endswith(".")
    assert len(operation["tags"]) == 1
    if operation["operationId"] in _PUBLIC:
        assert operation["security"] == []
        assert needs == "Needs no token."
    else:
        assert "security" not in operation
        assert needs in {f"Scope of the token: {scope}." for scope in ("any", *(f"`{scope}`" for scope in SCOPES))}


def test_every_tag_is_described() -> None:
    described = {tag["name"] for tag in _DOCUMENT["tags"] if tag["description"]}
    assert {operation["tags"][0] for _, _, operation in _OPERATIONS.values()} == described


@_every_operation
def test_a_parameter_is_described_and_has_an_example_where_it_is_needed(
    method: str, path: str, operation: Json
) -> None:
    parameters = {parameter["name"]: parameter for parameter in operation.get("parameters", [])}
    assert ("id" in parameters) == ("{id}" in path)
    assert ("Idempotency-Key" in parameters) == (method in _MUTATING)
    for parameter in parameters.values():
        assert parameter["description"].endswith(".")
        # Swagger UI and Postman send the examples of what may be left out too.
        assert ("example" in parameter) == parameter["required"]
        if parameter["required"]:
            assert _JUDGE.errors(parameter["schema"], parameter["example"]) == []


@pytest.mark.parametrize("name", _COMPONENTS["schemas"])
def test_a_schema_describes_each_of_its_fields(name: str) -> None:
    for field, value in _COMPONENTS["schemas"][name].get("properties", {}).items():
        assert value["description"].endswith("."), field
        assert "title" not in value
        assert "default" not in value


def test_nothing_is_said_of_what_there_is_not() -> None:
    schemas = _COMPONENTS["schemas"]
    assert fields.SCHEMAS.keys() <= schemas.keys()
    for name, words in fields.FIELDS.items():
        assert words.keys() == schemas[name]["properties"].keys(), name


@_every_operation
def test_an_example_of_a_body_is_what_the_call_takes(method: str, path: str, operation: Json) -> None:
    model = request_model(_ROUTES[operation["operationId"]])
    assert ("requestBody" in operation) == (model is not None) == (method in ("post", "put"))
    if model is not None:
        content = operation["requestBody"]["content"]["application/json"]
        for example in _examples(content):
            assert _JUDGE.errors(content["schema"], example) == []
            validated(model, example)


def test_each_way_to_change_an_end_has_an_example() -> None:
    _, _, operation = _OPERATIONS["changeExpiry"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert [example["value"]["type"] for example in examples.values()] == _COMPONENTS["schemas"]["ExpiryKind"]["enum"]


@_every_operation
def test_an_answer_has_a_meaning_and_an_example_that_fits(method: str, path: str, operation: Json) -> None:
    assert any(status.startswith("2") for status in operation["responses"])
    for status, found in operation["responses"].items():
        answer = _JUDGE.resolved(found)
        assert answer["description"]
        assert answer["description"] != "Successful Response"
        assert ("content" in answer) == (status != "204")
        if "content" in answer:
            content = answer["content"]["application/json"]
            for example in _examples(content):
                assert _JUDGE.errors(content["schema"], example) == [], status


@_every_operation
def test_the_refusals_are_those_that_the_call_can_meet(method: str, path: str, operation: Json) -> None:
    name = operation["operationId"]
    expected = {"500"}
    if name not in _PUBLIC:
        expected |= {"401", "429"}
    if name not in _PUBLIC | {"getSettings", "getOperation"}:
        expected |= {"403"}
    if "{id}" in path or name == "searchUser":
        expected |= {"404"}
    if method in ("post", "put"):
        expected |= {"400", "413", "415"}
    if method in _MUTATING:
        expected |= {"409", "422"}
    if name in ("listUsers", "listStudents", "listProducts", "listTokens", "searchProducts"):
        expected |= {"422"}
    assert {status for status in operation["responses"] if status >= "400"} == expected


@_every_operation
def test_a_conflict_names_its_codes(method: str, path: str, operation: Json) -> None:
    if "409" not in operation["responses"]:
        return
    answer = _JUDGE.resolved(operation["responses"]["409"])
    examples = answer["content"]["application/json"]["examples"]
    codes = {example["value"]["code"] for example in examples.values()}
    enforced = {"seats_exhausted"} if operation["operationId"] in ("upsertStudent", "enrollStudent") else set()
    assert codes == {"idempotency_key_reused", "idempotency_in_progress"} | enforced


@_every_operation
def test_what_is_not_found_is_what_the_path_names(method: str, path: str, operation: Json) -> None:
    if "404" in operation["responses"]:
        message = operation["responses"]["404"]["content"]["application/json"]["example"]["message"]
        assert message.startswith(f"There is no {operation['tags'][0].lower().removesuffix('s')} with the ")


@_every_operation
def test_headers(method: str, path: str, operation: Json) -> None:
    own = {"401": "WWW-Authenticate", "429": "Retry-After"}
    for status, found in operation["responses"].items():
        answer = _JUDGE.resolved(found)
        assert "X-Request-Id" in answer["headers"]
        assert own.get(status, "X-Request-Id") in answer["headers"]
        # Only what succeeded is kept.
        assert ("Idempotency-Replayed" in answer["headers"]) == (method in _MUTATING and status[0] == "2")


def test_another_method_is_answered_with_those_there_are() -> None:
    answer = _COMPONENTS["responses"]["MethodNotAllowed"]
    assert answer["headers"].keys() == {"X-Request-Id", "Allow"}
    content = answer["content"]["application/json"]
    assert _JUDGE.errors(content["schema"], content["example"]) == []


def test_every_header_is_described_and_has_an_example_that_fits() -> None:
    for header in _COMPONENTS["headers"].values():
        assert header["description"].endswith(".")
        assert _JUDGE.errors(header["schema"], header["example"]) == []


def test_every_reference_leads_somewhere() -> None:
    for reference in _all(_DOCUMENT, lambda value: value.get("$ref")):
        assert _JUDGE.resolved({"$ref": reference})


def test_no_example_names_a_domain_that_somebody_has() -> None:
    domains = set(re.findall(r"\w@([\w.]+\w)", document())) | set(re.findall(r"https?://([^/\"]+)", document()))
    assert domains
    assert [domain for domain in domains if not f".{domain}".endswith((".example.com", ".example"))] == []


def _examples(content: Json) -> list[Any]:
    """At least one."""
    if "example" in content:
        return [content["example"]]
    return [example["value"] for example in content["examples"].values()]


def _all(value: Any, wanted: Callable[[Json], Any]) -> Iterator[Any]:
    if isinstance(value, dict):
        if wanted(value) is not None:
            yield wanted(value)
        for inner in value.values():
            yield from _all(inner, wanted)
    elif isinstance(value, list):
        for inner in value:
            yield from _all(inner, wanted)
