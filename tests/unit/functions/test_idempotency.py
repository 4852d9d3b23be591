"""``Idempotency-Key`` over the API: what is replayed, what may be tried again, what is refused first."""

import asyncio
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.unit.aws import Aws
from tests.unit.clock import Clock
from tests.unit.functions.api import Api
from tests.unit.functions.calls import CALLS, EMAIL, OTHER, Call
from tests.unit.in_process import Open

from api.users.routes import router
from b2b.domain.identity.tokens import SCOPES
from b2b.http.api.app import create_app, with_entry
from b2b.services.identity.tokens import TokenService
from b2b.storage import keys
from b2b.storage.actions import Update
from b2b.wiring.api import api_services_of
from b2b_cli.local.resources import Resources

MUTATING = tuple(call for call in CALLS if call.method in ("POST", "PUT", "DELETE"))
WITH_RECORD = tuple(call for call in MUTATING if call.has_id)
UNKNOWN = 999_999_999
TOO_LONG = {"Idempotency-Key": "k" * 256}

_numbers = itertools.count(1)


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": f"key-{next(_numbers)}"}


def created(api: Api, path: str, body: dict[str, Any]) -> Any:
    answer = api.call("POST", path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["data"]


Step = Callable[[Api], Any]


def course(number: int) -> Step:
    return lambda api: api.add_course(number)


def user(email: str) -> Step:
    return lambda api: created(api, "/api/users/upsert", {"email": email})


def student(email: str) -> Step:
    return lambda api: created(api, "/api/students", _person(email))


def user_renamed(email: str) -> Step:
    def rename(api: Api) -> None:
        found = created(api, "/api/users/search", {"email": email})
        api.call("PUT", f"/api/users/{found['id']}", json={"email": f"former-{email}"}).raise_for_status()

    return rename


def seats(email: str, product: int, number: int) -> Step:
    def set_seats(api: Api) -> None:
        found = created(api, "/api/users/search", {"email": email})
        grant = {"thinkific_id": product, "active": True, "max_seats": number, "enrollment_days": 0}
        api.call("POST", f"/api/users/access/{found['id']}", json=grant).raise_for_status()

    return set_seats


def nothing(api: Api) -> None:
    pass


def _person(email: str, **fields: Any) -> dict[str, Any]:
    return {"first_name": "Ada", "last_name": "Lovelace", "email": email} | fields


_ENFORCED = {"user_email": "few@example.com", "enrollments": [7], "enforce_seats": True}
# What stands in the way, the call, its refusal, what mends it, and what the same call with the same key answers then.
MENDED: list[tuple[Step, str, dict[str, Any], int, Step, int]] = [
    (user("taken-1@example.com"), "/api/users", {"name": "A", "email": "taken-1@example.com", "password": "12345678"},
     422, user_renamed("taken-1@example.com"), 201),
    (nothing, "/api/users/search", {"email": "late-2@example.com"}, 404, user("late-2@example.com"), 200),
    (nothing, "/api/students", _person("s3@example.com", user_email="late-3@example.com"),
     422, user("late-3@example.com"), 201),
    (nothing, "/api/students", _person("s4@example.com", enrollments=[104]), 422, course(104), 201),
    (nothing, "/api/students/associate", {"email": "late-5@example.com", "user_email": OTHER},
     422, student("late-5@example.com"), 200),
    (nothing, "/api/students/associate", {"email": EMAIL, "user_email": "late-6@example.com"},
     422, user("late-6@example.com"), 200),
    (nothing, "/api/students/dissociate", {"email": EMAIL, "user_email": "late-7@example.com"},
     422, user("late-7@example.com"), 200),
    (nothing, "/api/students/enroll", {"email": "late-8@example.com", "user_email": OTHER, "enrollments": [7]},
     422, student("late-8@example.com"), 200),
    (nothing, "/api/students/enroll", {"email": EMAIL, "user_email": OTHER, "enrollments": [7, 109]},
     422, course(109), 200),
    (user("few@example.com"), "/api/students", _person("s10@example.com", **_ENFORCED),
     409, seats("few@example.com", 7, 5), 201),
    (user("few@example.com"), "/api/students/enroll", {"email": EMAIL, **_ENFORCED, "enrollments": [111]},
     422, lambda api: (course(111)(api), seats("few@example.com", 111, 1)(api)), 200),
    (nothing, "/api/users/access/{user}",
     {"thinkific_id": 112, "active": True, "max_seats": 1, "enrollment_days": 0}, 422, course(112), 200),
    (nothing, "/api/users/seat/{user}",
     {"thinkific_id": 113, "active": True, "add_seats": 1, "enrollment_days": 0}, 422, course(113), 200),
    (nothing, "/api/users/enrollments/{user}", {"product": 114, "type": "no_expiry"}, 422, course(114), 200),
]  # fmt: skip


@pytest.mark.parametrize(("before", "path", "body", "refusal", "mend", "then"), MENDED)
def test_a_refused_call_may_be_repeated_once_its_cause_is_mended(
    api: Api,
    key: dict[str, str],
    before: Step,
    path: str,
    body: dict[str, Any],
    refusal: int,
    mend: Step,
    then: int,
) -> None:
    before(api)
    path = path.format(user=api.user_id)
    for _ in range(2):
        refused = api.call("POST", path, json=body, headers=key)
        assert (refused.status_code, "Idempotency-Replayed" in refused.headers) == (refusal, False), refused.text
    mend(api)
    done = api.call("POST", path, json=body, headers=key)
    assert (done.status_code, "Idempotency-Replayed" in done.headers) == (then, False), done.text
    again = api.call("POST", path, json=body, headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (then, "true")
    assert again.content == done.content


def test_the_secret_of_a_new_token_is_not_in_a_replay(api: Api, key: dict[str, str]) -> None:
    body = {"name": "Zapier", "scopes": ["users:read"]}
    first = api.call("POST", "/api/tokens", json=body, headers=key).json()["data"]
    again = api.call("POST", "/api/tokens", json=body, headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["data"] == first | {"token": None}
    assert api.call("GET", "/api/users", token=first["token"]).status_code == 200


@contextmanager
def failing(aws: Aws, request: str) -> Iterator[None]:
    """What DynamoDB is sent within, if it matches the regular expression, is not answered and not done."""
    pattern = re.compile(request)

    def fail(operation: str, call: dict[str, Any]) -> None:
        if pattern.search(f"{operation} {call}"):
            raise RuntimeError("what nobody foresaw")

    with aws.watched(fail):
        yield


def called(api: Api, method: str, path: str, body: Any, key: dict[str, str]) -> Any:
    return api.call(method, path, json=body, headers=key)


_SEVEN = {"thinkific_id": 7, "active": True, "enrollment_days": 0}
# A call, and what its repeat says where the process died after carrying it out and before keeping the answer.
REPEATED: list[tuple[str, str, dict[str, Any] | None, int]] = [
    ("POST", "/api/users/seat/{user}", _SEVEN | {"add_seats": 5}, 200),
    ("POST", "/api/users/access/{user}", _SEVEN | {"max_seats": 5}, 200),
    ("POST", "/api/users/group/{user}", {"name": "Acme"}, 200),
    ("POST", "/api/users/enrollments/{user}", {"product": 7, "type": "no_expiry"}, 200),
    ("PUT", "/api/users/{user}", {"name": "Boss"}, 200),
    ("POST", "/api/users/upsert", {"email": "{email}"}, 200),
    ("POST", "/api/students", _person("{email}", enrollments=[7]), 200),
    ("POST", "/api/students/enroll", {"email": EMAIL, "user_email": "{of_user}", "enrollments": [7]}, 200),
    ("POST", "/api/students/associate", {"email": EMAIL, "user_email": "{of_user}"}, 200),
    ("POST", "/api/students/dissociate", {"email": EMAIL, "user_email": "{of_user}"}, 200),
    ("PUT", "/api/students/{student}", _person("{of_student}"), 200),
    ("POST", "/api/tokens", {"name": "Zapier", "scopes": ["users:read"]}, 201),
    # True, though not what the first would have said.
    ("POST", "/api/users", {"name": "A", "email": "{email}", "password": "12345678"}, 422),
    ("DELETE", "/api/users/{user}", None, 404),
    ("DELETE", "/api/students/{student}", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), REPEATED)
def test_a_call_that_died_before_its_answer_was_kept_may_be_repeated(
    api: Api, aws: Aws, key: dict[str, str], method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    number = next(_numbers)
    boss = created(api, "/api/users/upsert", {"email": f"user-{number}@example.com"})
    ada = created(api, "/api/students", _person(f"student-{number}@example.com"))
    names = {"email": f"new-{number}@example.com", "of_user": boss["email"], "of_student": ada["email"]}
    path = path.format(user=boss["id"], student=ada["id"])
    if body is not None:
        body = {name: value.format(**names) if isinstance(value, str) else value for name, value in body.items()}
    with failing(aws, "UpdateItem.*IDEMPOTENCY#"):
        assert called(api, method, path, body, key).status_code == 500
    # As if a minute had passed.
    item = keys.idempotency(1, hashlib.sha256(key["Idempotency-Key"].encode()).hexdigest())
    assert api.services.records.table.succeeds(Update(item).set(busy_until="2001-01-01T00:00:00.000000Z").always())
    repeated = called(api, method, path, body, key)
    assert (repeated.status_code, "Idempotency-Replayed" in repeated.headers) == (status, False), repeated.text
    if "seat" in path:
        ((grant),) = repeated.json()["data"]["products"]
        assert grant["max_seats"] == 5


@pytest.mark.parametrize("number", range(3))
def test_a_fault_frees_the_key(api: Api, aws: Aws, key: dict[str, str], number: int) -> None:
    body = {"name": "A", "email": f"faulty-{number}@example.com", "password": "12345678"}
    with failing(aws, "TransactWriteItems"):
        for _ in range(2):
            assert called(api, "POST", "/api/users", body, key).status_code == 500
    assert called(api, "POST", "/api/users", body, key).status_code == 201


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_does_not_arrive_is_there_for_the_repeat(
    api: Api, key: dict[str, str], runner: asyncio.Runner, lost: int
) -> None:
    """Its head is lost, or its body."""
    body = {"name": "A", "email": f"lost-{lost}@example.com", "password": "12345678"}
    sent = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = key | {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/users",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    messages = itertools.count(1)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(_: Any) -> None:
        if next(messages) == lost:
            raise ConnectionResetError

    app: Any = with_entry(create_app(router, api.services), "users")
    runner.run(app(scope, receive, send))
    again = api.call("POST", "/api/users", content=sent, headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["data"]["email"] == body["email"]


def test_a_replay_counts_as_a_request(api: Api, key: dict[str, str], resources: Resources, open_app: Open) -> None:
    limited = api_services_of(resources.environment())
    limited.tokens = TokenService(limited.records.store, requests_per_minute=3, clock=Clock())
    client = open_app(with_entry(create_app(router, limited), "users"), base_url="http://school.example")
    headers = key | {"Authorization": f"Bearer {api.token_with(SCOPES)}"}
    answers = [client.post("/api/users/search", json={"email": OTHER}, headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, True, True, False, False]


def lacking(call: Call) -> list[str]:
    return [scope for scope in SCOPES if scope != call.scope]


@pytest.mark.parametrize("call", MUTATING, ids=str)
def test_a_key_that_is_too_long_is_refused_after_the_caller(api: Api, call: Call) -> None:
    path = call.at(api.id_for(call))
    bad = api.token_with(lacking(call))
    assert api.call(call.method, path, token=None, json=call.body, headers=TOO_LONG).status_code == 401
    assert api.call(call.method, path, token=bad, json=call.body, headers=TOO_LONG).status_code == 403
    answer = api.call(call.method, path, json=call.body, headers=TOO_LONG)
    assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["Idempotency-Key"])


@pytest.mark.parametrize("call", WITH_RECORD, ids=str)
@pytest.mark.parametrize("identifier", [UNKNOWN, "abc"])
def test_a_key_that_is_too_long_is_refused_after_an_unknown_id(api: Api, call: Call, identifier: object) -> None:
    answer = api.call(call.method, call.at(identifier), json=call.body, headers=TOO_LONG)
    assert answer.status_code == 404


def test_a_key_that_is_too_long_is_refused_after_an_unknown_route(api: Api) -> None:
    assert api.call("POST", "/api/users/none/1", json={}, headers=TOO_LONG).status_code == 404


@pytest.mark.parametrize(
    ("key_", "status"),
    [
        ("k", 200),
        ("k" * 255, 200),
        ("k" * 256, 422),
        ("é" * 255, 200),
        ("é" * 256, 422),
        ("日" * 255, 200),
        ("日" * 256, 422),
        ("😀" * 255, 200),
        ("😀" * 256, 422),
        ('{"a": 1}', 200),
    ],
)
def test_a_key_is_counted_in_characters(api: Api, key_: str, status: int) -> None:
    headers: Any = {"Idempotency-Key": key_.encode()}
    answer = api.call("POST", "/api/users/search", json={"email": OTHER}, headers=headers)
    assert answer.status_code == status, answer.text
