"""The table of errors (contract, section 1), over every call."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi.routing import APIRoute
from tests.unit.functions.api import Api
from tests.unit.functions.calls import (
    CALLS,
    PATHS,
    PROTECTED,
    SCOPED,
    WITH_BODY,
    WITH_ID,
    WITH_REQUIRED,
    Call,
)

from b2b.domain.identity.tokens import SCOPES, new_secret
from b2b_cli.groups import GROUPS

MEBIBYTE = 1024 * 1024
UNKNOWN = 999_999_999
TOO_LARGE = b'{"a": "' + b"x" * MEBIBYTE + b'"}'
XML = {"Content-Type": "application/xml"}
JSON = {"Content-Type": "application/json"}

# Each body is refused with the status; what comes later in the list would refuse it too.
BAD_BODIES = [(413, TOO_LARGE, XML), (415, b"{", XML), (400, b"{", JSON), (422, b'{"email": 1}', JSON)]


def said(answer: httpx.Response, status: int) -> str:
    """The message of a refusal with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    message: str = answer.json()["message"]
    return message


def lacking(scope: str) -> list[str]:
    return [found for found in SCOPES if found != scope]


def test_no_call_is_missing_here() -> None:
    routes = {
        f"{method} {route.path}"
        for router in GROUPS.values()
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }
    assert routes == {str(call) for call in CALLS}


@pytest.mark.parametrize("call", PROTECTED, ids=str)
def test_without_a_token_it_is_401(api: Api, call: Call) -> None:
    answer = api.call(call.method, call.at(1), token=None)
    assert said(answer, 401) == "Unauthenticated."
    assert answer.json().keys() == {"message"}


@pytest.mark.parametrize("call", PROTECTED, ids=str)
def test_with_a_token_that_nobody_gave_out_it_is_401(api: Api, call: Call) -> None:
    assert said(api.call(call.method, call.at(1), token=new_secret()), 401) == "Unauthenticated."


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Token {}", "Bearer x{}", "Bearer {}x"])
def test_what_is_no_good_bearer_token_is_401(api: Api, value: str) -> None:
    said(api.call("GET", "/api/users", token=None, headers={"Authorization": value.format(api.token)}), 401)


@pytest.mark.parametrize("value", ["bearer {}", "BEARER {}", "Bearer  {} "])
def test_the_scheme_is_read_in_any_case(api: Api, value: str) -> None:
    headers = {"Authorization": value.format(api.token)}
    assert api.call("GET", "/api/users", token=None, headers=headers).status_code == 200


@pytest.mark.parametrize("call", SCOPED, ids=str)
def test_without_its_scope_it_is_403(api: Api, call: Call) -> None:
    answer = api.call(call.method, call.at(1), token=api.token_with(lacking(str(call.scope))))
    assert said(answer, 403) == "This action is unauthorized."
    assert answer.json().keys() == {"message"}


@pytest.mark.parametrize("call", SCOPED, ids=str)
def test_its_scope_alone_is_enough(api: Api, call: Call) -> None:
    answer = api.call(call.method, call.at(UNKNOWN), token=api.token_with([call.scope]), content=b"[]")
    assert answer.status_code in (200, 400, 404, 422)


@pytest.mark.parametrize("path", ["/api/settings", "/api/operations/x"])
def test_any_token_reads_settings_and_operations(api: Api, path: str) -> None:
    assert api.call("GET", path, token=api.token_with(["products:read"])).status_code in (200, 404)


@pytest.mark.parametrize("path", ["/api/health", "/api/openapi.json"])
def test_public_paths_need_no_token(api: Api, path: str) -> None:
    assert api.call("GET", path, token=None).status_code == 200


@pytest.mark.parametrize("call", WITH_ID, ids=str)
@pytest.mark.parametrize("identifier", [UNKNOWN, 0, "abc", "-1", "1.5", "1e3", "9" * 40, "%D9%A1", "1%20"])
def test_an_unknown_id_is_404(api: Api, call: Call, identifier: object) -> None:
    answer = api.call(call.method, call.at(identifier), json=call.body)
    said(answer, 404)
    assert answer.json().keys() == {"message"}


@pytest.mark.parametrize("path", ["/", "/api", "/api/nothing", "/api/users/1/2", "/api/products/1/x"])
def test_an_unknown_route_is_404(api: Api, path: str) -> None:
    said(api.call("GET", path, token=None), 404)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE"])
def test_a_method_that_a_path_does_not_have_is_405_with_all_that_it_has(api: Api, path: str, method: str) -> None:
    answer = api.call(method, path.replace("{id}", "1"), token=None)
    message = said(answer, 405)
    allowed = set(answer.headers["Allow"].split(", "))
    own = _with_head({call.method for call in CALLS if call.path == path})
    pattern_mates = _with_head({call.method for call in CALLS if _matches(call.path, path.replace("{id}", "1"))})
    assert own <= allowed <= pattern_mates
    assert answer.headers["Allow"] in message


def _with_head(methods: set[str]) -> set[str]:
    return methods | {"HEAD"} if "GET" in methods else methods


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(template.replace("{id}", "[^/]+"), path) is not None


# Bodies


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
@pytest.mark.parametrize(("status", "body", "headers"), BAD_BODIES[:3], ids=["413", "415", "400"])
def test_a_bad_body_is_refused(api: Api, call: Call, status: int, body: bytes, headers: dict[str, str]) -> None:
    answer = api.call(call.method, call.at(api.id_for(call)), content=body, headers=headers)
    said(answer, status)
    assert answer.json().keys() == {"message"}


def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not(api: Api) -> None:
    fitting = TOO_LARGE[:7] + b"x" * (MEBIBYTE - 9) + b'"}'
    assert len(fitting) == MEBIBYTE
    assert said(api.call("POST", "/api/users", content=fitting), 422)
    assert said(api.call("POST", "/api/users", content=fitting + b" "), 413)


def test_a_body_that_does_not_say_how_long_it_is_is_measured(api: Api) -> None:
    pieces = (TOO_LARGE[start : start + 65_536] for start in range(0, len(TOO_LARGE), 65_536))
    said(api.call("POST", "/api/users", content=pieces), 413)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/vnd.api+json",
        "text/json",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_json_under_any_of_its_names_under_others_and_under_none(api: Api, content_type: str) -> None:
    answer = api.call("POST", "/api/users/search", content=b"{}", headers={"Content-Type": content_type})
    said(answer, 422)


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream", "application/jsonp", "json"])
def test_what_is_neither_json_nor_a_form(api: Api, content_type: str) -> None:
    said(api.call("POST", "/api/users/search", content=b"{}", headers={"Content-Type": content_type}), 415)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br"])
def test_an_encoding_that_is_not_understood(api: Api, encoding: str) -> None:
    said(api.call("POST", "/api/users/search", content=b"{}", headers={"Content-Encoding": encoding}), 415)


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_every_call_takes_a_form(api: Api, call: Call) -> None:
    """A form of the good body: arrays as PHP writes them, true as 1, null left out."""
    fields = [*_form_fields(call.body or {})]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = api.call(call.method, call.at(api.id_for(call)), content=urlencode(fields), headers=headers)
    taken = {"POST /api/users": {"email"}, "PUT /api/users/{id}": set()}.get(str(call), set())
    assert answer.status_code in (200, 201) or answer.json()["errors"].keys() == taken, answer.text


def _form_fields(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        if isinstance(value, list):
            yield from ((f"{name}[{place}]", str(entry)) for place, entry in enumerate(value))
        else:
            yield name, str(int(value)) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("call", WITH_REQUIRED, ids=str)
@pytest.mark.parametrize("body", [b"", b"{}"], ids=["nothing", "an empty object"])
def test_what_is_required_is_asked_for(api: Api, call: Call, body: bytes) -> None:
    answer = api.call(call.method, call.at(api.id_for(call)), content=body)
    message = said(answer, 422)
    errors = answer.json()["errors"]
    assert set(errors) == set(call.required)
    first, *more = [sentence for sentences in errors.values() for sentence in sentences]
    assert first.endswith("field is required.")
    assert message.startswith(first)
    assert bool(more) == ("more error" in message)


JUNK: list[object] = [
    [],
    {},
    [None],
    [1.5],
    {"id": {}},
    True,
    -1,
    1.5,
    10**30,
    "",
    "x" * 300,
    "\x00",
    "9" * 400,
    "9999-12-31T23:59:59-23:00",
    "0001-01-01T00:00:00+23:00",
    "Feb 30 2026",
]


@pytest.mark.parametrize(
    ("call", "field"),
    [(call, field) for call in WITH_BODY for field in call.body or ()],
    ids=str,
)
def test_no_value_of_a_field_breaks_a_call(api: Api, call: Call, field: str) -> None:
    for junk in JUNK:
        body = (call.body or {}) | {field: junk}
        if field in ("expiry_days", "expiry_date"):
            body["type"] = field.removeprefix("expiry_")
        answer = api.call(call.method, call.at(api.id_for(call)), json=body)
        assert answer.status_code in (200, 201, 404, 409, 422), f"{json.dumps(junk)[:60]}: {answer.text}"


# What comes first


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
@pytest.mark.parametrize("body", [body for _, body, _ in BAD_BODIES], ids=["413", "415", "400", "422"])
def test_who_may_not_call_is_told_so_before_anything_of_the_body(api: Api, call: Call, body: bytes) -> None:
    path = call.at(UNKNOWN)
    said(api.call(call.method, path, token=None, content=body), 401)
    if call.scope is not None:
        said(api.call(call.method, path, token=api.token_with(lacking(call.scope)), content=body), 403)


@pytest.mark.parametrize("call", [call for call in WITH_BODY if call.has_id], ids=str)
@pytest.mark.parametrize(("body", "headers"), [bad[1:] for bad in BAD_BODIES], ids=["413", "415", "400", "422"])
def test_an_unknown_id_is_said_before_anything_of_the_body(
    api: Api, call: Call, body: bytes, headers: dict[str, str]
) -> None:
    said(api.call(call.method, call.at(UNKNOWN), content=body, headers=headers), 404)


@pytest.mark.parametrize("call", [call for call in WITH_BODY if call.has_id], ids=str)
@pytest.mark.parametrize(("body", "headers"), [bad[1:] for bad in BAD_BODIES], ids=["413", "415", "400", "422"])
def test_an_idempotency_key_does_not_change_what_comes_first(
    api: Api, call: Call, body: bytes, headers: dict[str, str]
) -> None:
    keyed = headers | {"Idempotency-Key": f"{call} with {len(body)} bytes"}
    path = call.at(UNKNOWN)
    said(api.call(call.method, path, token=None, content=body, headers=keyed), 401)
    said(api.call(call.method, path, token=api.token_with(lacking(str(call.scope))), content=body, headers=keyed), 403)
    said(api.call(call.method, path, content=body, headers=keyed), 404)


def test_the_scope_is_asked_for_before_the_id_is_looked_at(api: Api) -> None:
    said(api.call("GET", "/api/users/abc", token=api.token_with(lacking("users:read"))), 403)
