"""Contract, section 1: ``Idempotency-Key``."""

import httpx
import pytest
from tests.contract.at_once import at_once
from tests.contract.people import (
    Json,
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
from tests.contract.tokens import Tokens


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


def test_a_refusal_is_answered_alike_too(api: httpx.Client, unchanged_user: Json) -> None:
    same, body = key(), user_fields(email=unchanged_user["email"])
    first = api.post("/users", json=body, headers=same)
    again = api.post("/users", json=body, headers=same)
    assert (again.status_code, again.json()) == (422, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"


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


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_takes_no_notice_of_it(api: httpx.Client, method: str) -> None:
    user, same = create_user(api), key()
    answers = [api.request(method, f"/users/{user['id']}", headers=same) for _ in range(2)]
    assert all("Idempotency-Replayed" not in answer.headers for answer in answers)


def _is_reused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
