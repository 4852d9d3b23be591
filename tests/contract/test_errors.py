"""Contract, section 1: the table of errors, over every call."""

import gzip
import json
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.contract.calls import (
    CALLS,
    PATHS,
    SCOPED,
    WITH_BODY,
    WITH_ID,
    WITH_REQUIRED_FIELDS,
    Call,
    methods_of,
)
from tests.contract.people import (
    Json,
    create_student,
    create_user,
    data_of,
    errors_of,
    read_user,
    student_fields,
    unique,
    user_fields,
)
from tests.contract.tokens import Tokens, bearer, create_token
from tests.local_stack import LocalStack, await_that

from b2b_cli.local.token import ADMIN_EMAIL

_MEBIBYTE = 1024 * 1024
_UNKNOWN = 999_999_999
_JSON = {"Content-Type": "application/json"}
_XML = {"Content-Type": "application/xml"}

_every_call = pytest.mark.parametrize("call", CALLS, ids=str)
_every_body = pytest.mark.parametrize("call", WITH_BODY, ids=str)

Known = Callable[[Call], str]


@pytest.fixture(scope="module")
def known(api: httpx.Client, unchanged_user: Json) -> Known:
    """The path of a call, with the id of a user or student who exists and whom no call here changes."""
    ids = {"users": unchanged_user["id"], "students": create_student(api)["id"]}
    return lambda call: call.at(ids.get(call.path.split("/")[1]))


class Test401:
    @_every_call
    def test_every_call_needs_a_token(self, anonymous: httpx.Client, call: Call) -> None:
        _assert_unauthenticated(anonymous.request(call.method, call.at(1)))

    @pytest.mark.parametrize("value", ["Bearer", "Bearer wrong", "Basic YTpi", "wrong", "Token {token}", ""])
    def test_anything_but_a_good_bearer_token_is_refused(
        self, anonymous: httpx.Client, stack: LocalStack, value: str
    ) -> None:
        header = value.format(token=stack.note["admin_token"])
        _assert_unauthenticated(anonymous.get("/users", headers={"Authorization": header}))

    def test_a_token_with_one_letter_changed_is_refused(self, anonymous: httpx.Client, stack: LocalStack) -> None:
        token = stack.note["admin_token"]
        changed = token[:-1] + ("a" if token[-1] != "a" else "b")
        _assert_unauthenticated(anonymous.get("/users", headers=bearer(changed)))

    def test_an_expired_token_is_refused(self, api: httpx.Client, anonymous: httpx.Client) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=2)
        token = create_token(api, expires_at=soon.isoformat())["token"]
        assert anonymous.get("/users", headers=bearer(token)).status_code == 200
        await_that(lambda: datetime.now(UTC) > soon, seconds=5)
        _assert_unauthenticated(anonymous.get("/users", headers=bearer(token)))

    def test_a_revoked_token_is_refused_a_minute_later_at_the_latest(
        self, api: httpx.Client, anonymous: httpx.Client
    ) -> None:
        token = create_token(api)
        assert anonymous.get("/users", headers=bearer(token["token"])).status_code == 200
        assert api.delete(f"/tokens/{token['id']}").status_code == 204

        def refused() -> httpx.Response | None:
            response = anonymous.get("/users", headers=bearer(token["token"]))
            return None if response.is_success else response

        _assert_unauthenticated(await_that(refused, seconds=60, what="The end of the token"))


class Test403:
    @pytest.mark.parametrize("call", SCOPED, ids=str)
    def test_every_call_needs_its_scope(self, anonymous: httpx.Client, tokens: Tokens, call: Call) -> None:
        assert call.scope is not None
        response = anonymous.request(call.method, call.at(1), headers=tokens.with_all_but(call.scope))
        assert (response.status_code, response.json()) == (403, {"message": "This action is unauthorized."})

    @pytest.mark.parametrize("call", SCOPED, ids=str)
    def test_no_call_needs_more_than_its_scope(self, anonymous: httpx.Client, tokens: Tokens, call: Call) -> None:
        assert call.scope is not None
        response = anonymous.request(call.method, call.at(_UNKNOWN), headers=tokens.with_only(call.scope))
        assert response.status_code in (200, 404, 422)

    def test_operations_and_settings_are_for_any_token(
        self, api: httpx.Client, anonymous: httpx.Client, tokens: Tokens
    ) -> None:
        operation = api.post("/products/sync").raise_for_status().json()["operation"]
        any_token = tokens.with_only("products:read")
        assert data_of(anonymous.get(f"/operations/{operation['id']}", headers=any_token))["id"] == operation["id"]
        assert data_of(anonymous.get("/settings", headers=any_token)) == data_of(api.get("/settings"))


class Test404:
    @pytest.mark.parametrize("call", WITH_ID, ids=str)
    @pytest.mark.parametrize("identifier", [_UNKNOWN, "abc"])
    def test_an_unknown_or_non_numeric_id_is_not_found(
        self, api: httpx.Client, call: Call, identifier: int | str
    ) -> None:
        _assert_only_message(api.request(call.method, call.at(identifier)), 404)

    @pytest.mark.parametrize("identifier", [10**30, 0, -1, "1.5", "1e3", "0x1", "%20", "\u0661"])
    def test_so_is_what_only_looks_like_an_id(self, api: httpx.Client, identifier: int | str) -> None:
        _assert_only_message(api.get(f"/users/{identifier}"), 404)

    @pytest.mark.parametrize("path", ["/no-such-route", "/users/1/seats", "/students/1/2/3", "/user", "/products/1/x"])
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
    def test_an_unknown_route_is_not_found(self, api: httpx.Client, method: str, path: str) -> None:
        _assert_only_message(api.request(method, path), 404)


class Test405:
    @pytest.mark.parametrize("path", PATHS)
    def test_a_method_that_a_route_lacks_is_refused_with_those_it_has(self, api: httpx.Client, path: str) -> None:
        response = api.patch(path.format(id=1))
        _assert_only_message(response, 405)
        allowed = {method.strip() for method in response.headers["Allow"].split(",")}
        assert methods_of(path) <= allowed
        assert "PATCH" not in allowed

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("DELETE", "/users"),
            ("PUT", "/students"),
            ("POST", "/users/1"),
            ("DELETE", "/products/1"),
            ("PUT", "/tokens"),
        ],
    )
    def test_so_are_the_other_methods(self, api: httpx.Client, method: str, path: str) -> None:
        response = api.request(method, path)
        _assert_only_message(response, 405)
        assert "GET" in response.headers["Allow"]
        assert method not in response.headers["Allow"]


class Test413:
    @_every_body
    def test_a_body_over_a_mebibyte_is_too_large(self, api: httpx.Client, known: Known, call: Call) -> None:
        response = api.request(call.method, known(call), content=_padded(_MEBIBYTE + 1), headers=_JSON)
        _assert_only_message(response, 413)

    def test_so_is_one_that_does_not_say_its_length(self, api: httpx.Client) -> None:
        chunks = iter([_padded(_MEBIBYTE + 1)])
        _assert_only_message(api.post("/users/search", content=chunks, headers=_JSON), 413)

    @pytest.mark.local  # the emulated gateway hands packed bodies on as text, which loses bytes
    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    def test_so_is_one_that_unpacks_to_more(self, api: httpx.Client, encoding: str) -> None:
        pack = gzip.compress if encoding == "gzip" else zlib.compress
        headers = _JSON | {"Content-Encoding": encoding}
        _assert_only_message(api.post("/users/search", content=pack(_padded(_MEBIBYTE + 1)), headers=headers), 413)
        fitting = api.post("/users/search", content=pack(_padded(_MEBIBYTE)), headers=headers)
        assert errors_of(fitting) == {"email"}

    def test_a_body_of_a_mebibyte_is_read(self, api: httpx.Client) -> None:
        response = api.post("/users/search", content=_padded(_MEBIBYTE), headers=_JSON)
        assert errors_of(response) == {"email"}


class Test415:
    @_every_body
    def test_a_body_of_another_type_is_refused(self, api: httpx.Client, known: Known, call: Call) -> None:
        response = api.request(call.method, known(call), content="<email/>", headers=_XML)
        _assert_only_message(response, 415)

    @pytest.mark.parametrize(
        "headers",
        [
            _XML,
            {"Content-Type": "text/html"},
            {"Content-Type": "application/octet-stream"},
            {"Content-Type": "multipart/mixed; boundary=x"},
            {"Content-Type": "application/json; charset=koi8-r"},
            {"Content-Encoding": "br"},
            {"Content-Encoding": "zstd"},
            {"Content-Encoding": "gzip, gzip"},
        ],
    )
    def test_so_is_one_whose_type_or_encoding_nobody_understands(
        self, api: httpx.Client, unchanged_user: Json, headers: dict[str, str]
    ) -> None:
        _assert_only_message(_search(api, unchanged_user, headers), 415)

    def test_so_is_a_file(self, api: httpx.Client) -> None:
        files = {"email": ("emails.csv", b"a@example.com", "text/csv")}
        _assert_only_message(api.post("/users/search", files=files), 415)

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Content-Type": "application/json"},
            {"Content-Type": "application/json; charset=utf-8"},
            {"Content-Type": "Application/JSON"},
            {"Content-Type": "application/vnd.acme.v1+json"},
            {"Content-Type": "text/plain;charset=UTF-8"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Content-Type": "multipart/form-data; boundary=x"},
            {"Content-Encoding": "identity"},
        ],
    )
    def test_json_is_understood_under_many_names(
        self, api: httpx.Client, unchanged_user: Json, headers: dict[str, str]
    ) -> None:
        assert data_of(_search(api, unchanged_user, headers))["id"] == unchanged_user["id"]


class Test400:
    @_every_body
    def test_every_call_names_the_place_of_malformed_json(self, api: httpx.Client, known: Known, call: Call) -> None:
        body = '{\n  "email": "a@example.com",\n  "x" 1\n}'
        response = api.request(call.method, known(call), content=body, headers=_JSON)
        assert _place(response) == (3, 7)

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ("{", (1, 2)),
            ("nonsense", (1, 1)),
            ('{"email": }', (1, 11)),
            ("{'email': 1}", (1, 2)),
            ('{"email": "a@example.com"', (1, 26)),
            ('{"a": 1}\n{"b": 2}', (2, 1)),
            ('{"a": 1,,}', (1, 9)),
            ("{,}", (1, 2)),
            ('{"a": [1,,]}', (1, 10)),
            ('{\n"a": [1,],\n"b": x,\n}', (3, 6)),
        ],
    )
    def test_the_place_is_line_and_column(self, api: httpx.Client, body: str, place: tuple[int, int]) -> None:
        assert _place(api.post("/users/search", content=body, headers=_JSON)) == place

    @pytest.mark.parametrize("body", ["[{}]", '"text"', "0", "1", "null", "true", "[1,]"])
    def test_json_that_is_no_object_is_refused(self, api: httpx.Client, body: str) -> None:
        assert _place(api.post("/users/search", content=body, headers=_JSON)) == (1, 1)

    @pytest.mark.parametrize(
        "body",
        [
            b'{"email": NaN}',
            b'{"email": -Infinity}',
            pytest.param(b'{"email": "\xff"}', marks=pytest.mark.local),
            b"[" * 100_000,
        ],
    )
    def test_what_only_some_parsers_take_is_malformed(self, api: httpx.Client, body: bytes) -> None:
        assert _place(api.post("/users/search", content=body, headers=_JSON))

    @pytest.mark.parametrize(
        "template", ['{"email": "%s",}', '{"email": "%s" , \n}', '{"x": [1,{"y": 2,},], "email": "%s"}']
    )
    def test_a_single_trailing_comma_is_tolerated(self, api: httpx.Client, unchanged_user: Json, template: str) -> None:
        response = api.post("/users/search", content=template % unchanged_user["email"], headers=_JSON)
        assert data_of(response)["id"] == unchanged_user["id"]

    def test_a_comma_in_a_text_is_none(self, api: httpx.Client) -> None:
        fields = user_fields(name='A ",}" and a ",]" \\')
        assert create_user(api, **fields)["name"] == fields["name"]
        fields = user_fields(name='B ",}" and a ",]" \\')
        response = api.post("/users", content=json.dumps(fields)[:-1] + ",}", headers=_JSON)
        assert data_of(response, status=201)["name"] == fields["name"]

    @pytest.mark.parametrize("body", ["", " \n", "[]", " [ ] ", "{}"])
    def test_an_empty_body_or_array_counts_as_an_empty_object(self, api: httpx.Client, body: str) -> None:
        assert errors_of(api.post("/users/search", content=body, headers=_JSON)) == {"email"}


class Test422:
    @pytest.mark.parametrize("call", WITH_REQUIRED_FIELDS, ids=str)
    def test_every_required_field_is_asked_for(self, api: httpx.Client, known: Known, call: Call) -> None:
        response = api.request(call.method, known(call))
        assert errors_of(response) == set(call.required)
        _assert_validation(response)

    @pytest.mark.parametrize("call", [call for call in WITH_BODY if call.required], ids=str)
    def test_null_is_as_good_as_nothing(self, api: httpx.Client, known: Known, call: Call) -> None:
        response = api.request(call.method, known(call), json=dict.fromkeys(call.required))
        nullable = {"max_seats"}
        assert errors_of(response) == set(call.required) - nullable

    def test_one_error_is_the_message(self, api: httpx.Client) -> None:
        response = api.post("/users/search", json={})
        assert errors_of(response) == {"email"}
        (error,) = response.json()["errors"]["email"]
        assert response.json()["message"] == error

    def test_a_place_in_a_list_is_named_with_a_dot(self, api: httpx.Client, courses: list[Json]) -> None:
        body = student_fields(enrollments=[courses[0]["productable_id"], "x", None, {"id": []}])
        assert errors_of(api.post("/students", json=body)) == {"enrollments.1", "enrollments.3.id"}

    def test_a_refused_call_changes_nothing(self, api: httpx.Client, user: Json) -> None:
        body = {"email": user["email"], "name": unique("New name"), "max_seats": -1}
        assert errors_of(api.post("/users/upsert", json=body)) == {"max_seats"}
        assert read_user(api, user) == user


class TestPrecedence:
    """401, 403 and 404 come before 400, 413, 415 and 422."""

    _BAD_BODIES = (
        ("{", _JSON),
        ("{}", _JSON),
        ("<a/>", _XML),
        ("a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("{}", {"Content-Encoding": "br"}),
        (b" " * (_MEBIBYTE + 1), _JSON),
    )

    _every_bad_body = pytest.mark.parametrize(
        ("body", "headers"), _BAD_BODIES, ids=["malformed", "incomplete", "XML", "form", "encoded", "too large"]
    )

    @_every_body
    def test_who_may_not_call_is_told_that_first(self, anonymous: httpx.Client, tokens: Tokens, call: Call) -> None:
        lacking = tokens.with_all_but(call.scope or "")
        unknown = anonymous.request(call.method, call.at(1), content="{", headers=_JSON)
        unwelcome = anonymous.request(call.method, call.at(1), content="{", headers=_JSON | lacking)
        _assert_unauthenticated(unknown)
        _assert_only_message(unwelcome, 403)

    @_every_bad_body
    def test_whatever_is_wrong_with_the_body(
        self, anonymous: httpx.Client, tokens: Tokens, body: str | bytes, headers: dict[str, str]
    ) -> None:
        _assert_unauthenticated(anonymous.post("/users", content=body, headers=headers))
        lacking = tokens.with_all_but("users:write")
        _assert_only_message(anonymous.post("/users", content=body, headers=headers | lacking), 403)

    @_every_bad_body
    @pytest.mark.parametrize("path", ["/no-such-route", "/users/access/999999999", "/users/seat/abc"])
    def test_so_is_who_calls_what_is_not_there(
        self, api: httpx.Client, path: str, body: str | bytes, headers: dict[str, str]
    ) -> None:
        _assert_only_message(api.post(path, content=body, headers=headers), 404)


@pytest.mark.local
def test_429_tells_when_to_come_back(tmp_path: Path) -> None:
    limited = LocalStack(tmp_path / "data", "--workers", "1", environment={"API_RATE_PER_MINUTE": "5"})
    try:
        with limited.api() as api:
            response = await_that(lambda: _unless(200, api.get("/users")), seconds=10, what="The limit")
            assert (response.status_code, response.json()) == (429, {"message": "Too Many Attempts."})
            assert 0 < int(response.headers["Retry-After"]) <= 60
            assert api.get("/health").status_code == 200
            # An answer that is only repeated is a request as well.
            again = {"Idempotency-Key": unique("key")}
            search = {"email": ADMIN_EMAIL}
            response = await_that(
                lambda: _unless(200, api.post("/users/search", json=search, headers=again)),
                seconds=70,
                what="The limit",
            )
            assert (response.status_code, response.json()) == (429, {"message": "Too Many Attempts."})
            assert "Idempotency-Replayed" not in response.headers
    finally:
        limited.stop()


def _assert_unauthenticated(response: httpx.Response) -> None:
    assert (response.status_code, response.json()) == (401, {"message": "Unauthenticated."})


def _assert_only_message(response: httpx.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.json().keys() == {"message"}
    assert response.json()["message"]


def _assert_validation(response: httpx.Response) -> None:
    """``<first error>[ (and N more errors)]``, and each error under its field."""
    body = response.json()
    assert body.keys() == {"message", "errors"}
    errors = [error for found in body["errors"].values() for error in found]
    more = len(errors) - 1
    suffix = {0: "", 1: " (and 1 more error)"}.get(more, f" (and {more} more errors)")
    assert body["message"] == errors[0] + suffix


def _place(response: httpx.Response) -> tuple[int, int]:
    """The line and column that a 400 names."""
    _assert_only_message(response, 400)
    found = re.search(r"line (\d+)\D+column (\d+)", response.json()["message"])
    assert found, response.text
    return int(found[1]), int(found[2])


def _padded(length: int) -> bytes:
    """A JSON object of so many bytes."""
    frame = b'{"padding": ""}'
    return frame[:-2] + b"x" * (length - len(frame)) + frame[-2:]


def _search(api: httpx.Client, user: Json, headers: dict[str, str]) -> httpx.Response:
    return api.post("/users/search", content=json.dumps({"email": user["email"]}), headers=headers)


def _unless(status: int, response: httpx.Response) -> httpx.Response | None:
    return None if response.status_code == status else response
