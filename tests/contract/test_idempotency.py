"""Contract, section 1: ``Idempotency-Key``."""

import httpx
import pytest
from tests.contract.at_once import at_once
from tests.contract.people import (
    Json,
    an_email,
    create_student,
    create_user,
    data_of,
    errors_of,
    grant_fields,
    grant_in,
    newest_rows,
    read_user,
    unique,
    user_fields,
)
from tests.contract.tokens import Tokens, create_token


def key(text: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": text or unique("key")}


def test_the_same_call_is_carried_out_once_and_answered_alike(api: httpx.Client) -> None:
    same, body = key(), user_fields()
    first = api.post("/users", json=body, headers=same)
    again = api.post("/users", json=body, headers=same)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_a_refused_call_may_be_repeated_once_its_cause_is_mended(api: httpx.Client) -> None:
    user, same = create_user(api), key()
    body = user_fields(email=user["email"])
    for _ in range(2):
        refused = api.post("/users", json=body, headers=same)
        assert errors_of(refused) == {"email"}
        assert "Idempotency-Replayed" not in refused.headers
    data_of(api.put(f"/users/{user['id']}", json={"email": an_email()}))
    made = api.post("/users", json=body, headers=same)
    assert (made.status_code, "Idempotency-Replayed" in made.headers) == (201, False)
    again = api.post("/users", json=body, headers=same)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (made.json(), "true")


def test_a_refused_call_leaves_the_key_for_any_other(api: httpx.Client) -> None:
    same = key()
    assert errors_of(api.post("/users", json=user_fields(email="x"), headers=same)) == {"email"}
    assert api.post("/users/upsert", json=user_fields(), headers=same).status_code == 201


def test_a_new_token_is_not_told_again(api: httpx.Client) -> None:
    same, body = key(), {"name": unique("token"), "scopes": ["users:read"]}
    first = data_of(api.post("/tokens", json=body, headers=same), status=201)
    again = api.post("/tokens", json=body, headers=same)
    assert data_of(again, status=201) == first | {"token": None}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [token["id"] for token in newest_rows(api, "/tokens") if token["name"] == body["name"]] == [first["id"]]


def test_a_delete_is_answered_alike(api: httpx.Client) -> None:
    student, same = create_student(api), key()
    for _ in range(2):
        answer = api.delete(f"/students/{student['id']}", headers=same)
        assert (answer.status_code, answer.content) == (204, b"")


def test_a_change_is_carried_out_once(api: httpx.Client, user: Json) -> None:
    """Repeated after another change, it does not undo that one."""
    same, body = key(), {"name": unique("Renamed")}
    first = api.put(f"/users/{user['id']}", json=body, headers=same)
    later = data_of(api.put(f"/users/{user['id']}", json={"name": unique("Later")}))
    again = api.put(f"/users/{user['id']}", json=body, headers=same)
    assert (again.status_code, again.json()) == (200, first.json())
    assert read_user(api, user)["name"] == later["name"]


def test_another_body_is_a_conflict(api: httpx.Client) -> None:
    same = key()
    data_of(api.post("/users", json=user_fields(), headers=same), status=201)
    _is_reused(api.post("/users", json=user_fields(), headers=same))


def test_another_route_is_a_conflict(api: httpx.Client) -> None:
    same, body = key(), user_fields()
    data_of(api.post("/users", json=body, headers=same), status=201)
    _is_reused(api.post("/users/upsert", json=body, headers=same))


def test_another_token_has_keys_of_its_own(api: httpx.Client, tokens: Tokens) -> None:
    same, body = key(), user_fields()
    data_of(api.post("/users/upsert", json=body, headers=same), status=201)
    other = tokens.with_only("users:write")
    assert api.post("/users/upsert", json=body, headers=same | other).status_code == 200


def test_of_many_at_once_one_is_carried_out(api: httpx.Client, user: Json, courses: list[Json]) -> None:
    body, same = grant_fields(courses[0], add_seats=5), key()
    answers = at_once(lambda _: api.post(f"/users/seat/{user['id']}", json=body, headers=same), range(16))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_progress"}
    assert grant_in(read_user(api, user), courses[0])["max_seats"] == 5


def test_what_was_not_authenticated_is_not_kept(api: httpx.Client, anonymous: httpx.Client) -> None:
    same, body = key(), user_fields()
    assert anonymous.post("/users", json=body, headers=same).status_code == 401
    assert api.post("/users", json=body, headers=same).status_code == 201


def test_a_key_of_more_than_255_characters_is_refused(api: httpx.Client) -> None:
    longest = unique("k").ljust(255, "k")
    assert api.post("/users", json=user_fields(), headers=key(longest)).status_code == 201
    before = len(newest_rows(api, "/users"))
    assert errors_of(api.post("/users", json=user_fields(), headers=key("k" * 256))) == {"Idempotency-Key"}
    assert len(newest_rows(api, "/users")) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/users/access/{id}"),
        ("POST", "/users/seat/{id}"),
        ("POST", "/users/group/{id}"),
        ("POST", "/users/enrollments/{id}"),
        ("PUT", "/users/{id}"),
        ("DELETE", "/users/{id}"),
        ("PUT", "/students/{id}"),
        ("DELETE", "/students/{id}"),
        ("DELETE", "/tokens/{id}"),
    ],
)
def test_a_key_of_more_than_255_characters_is_refused_after_caller_and_record(
    api: httpx.Client, anonymous: httpx.Client, tokens: Tokens, method: str, path: str
) -> None:
    kind = path.split("/")[1]
    record = {"users": create_user, "students": create_student, "tokens": create_token}[kind](api)
    scope, known, unknown = f"{kind}:write", path.format(id=record["id"]), path.format(id=999_999_999)
    long = key("k" * 256)
    assert anonymous.request(method, known, headers=long).status_code == 401
    assert anonymous.request(method, known, headers=long | tokens.with_all_but(scope)).status_code == 403
    assert api.request(method, unknown, headers=long).status_code == 404
    assert errors_of(api.request(method, known, headers=long)) == {"Idempotency-Key"}
    if method == "DELETE":
        assert api.request(method, known).status_code == 204


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_takes_no_notice_of_it(api: httpx.Client, method: str) -> None:
    user, same = create_user(api), key()
    answers = [api.request(method, f"/users/{user['id']}", headers=same) for _ in range(2)]
    assert all("Idempotency-Replayed" not in answer.headers for answer in answers)


def _is_reused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
