"""The races that clients can start, over HTTP against the local stack with four API processes."""

from collections.abc import Iterator, Mapping, Sequence

import httpx
import pytest
from tests.integration.crowd import THREADS, crowd
from tests.integration.recount import recount
from tests.integration.stacks import answered, course_ids, school_of
from tests.local_stack import LocalStack

NAMES = {"first_name": "Ada", "last_name": "Lovelace"}
TERMS = {"active": True, "enrollment_days": 0}


class Callers:
    """As many clients as there are threads, each with a connection of its own: they spread over the API's processes."""

    def __init__(self, stack: LocalStack) -> None:
        self._clients = [stack.api() for _ in range(THREADS)]

    def post(
        self, path: str, bodies: Sequence[Mapping[str, object]], headers: Mapping[str, str] | None = None
    ) -> list[httpx.Response]:
        """All at once."""

        def call(number: int) -> httpx.Response:
            return self._clients[number % THREADS].post(path, json=bodies[number], headers=headers)

        return [response for response in crowd(call, range(len(bodies))) if isinstance(response, httpx.Response)]

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def callers(stack: LocalStack) -> Iterator[Callers]:
    callers = Callers(stack)
    yield callers
    callers.close()
    assert recount(school_of(stack)) == []


@pytest.fixture
def course(stack: LocalStack) -> int:
    with stack.api() as api:
        return course_ids(api)[0]


def upsert_user(stack: LocalStack, email: str) -> int:
    with stack.api() as api:
        user_id: int = answered(api.post("/users/upsert", json={"email": email}))["data"]["id"]
        return user_id


def grant_of(stack: LocalStack, user_id: int) -> dict[str, int]:
    with stack.api() as api:
        (grant,) = answered(api.get(f"/users/{user_id}"))["data"]["products"]
        return dict(grant)


def test_seats_added_by_many_add_up(stack: LocalStack, callers: Callers, course: int, rounds: range) -> None:
    for turn in rounds:
        user_id = upsert_user(stack, f"seats-{turn}@example.com")
        bodies = [TERMS | {"thinkific_id": course, "add_seats": seats} for seats in range(1, 33)]
        responses = callers.post(f"/users/seat/{user_id}", bodies)
        assert [response.status_code for response in responses] == [200] * THREADS
        assert grant_of(stack, user_id)["max_seats"] == sum(range(1, 33))


@pytest.mark.parametrize("kind", ["users", "students"])
def test_an_email_upserted_by_many_is_one(stack: LocalStack, callers: Callers, rounds: range, kind: str) -> None:
    path, names = ("/users/upsert", {}) if kind == "users" else ("/students", NAMES)
    for turn in rounds:
        emails = [f"one-{turn}@example.com", f"ONE-{turn}@example.com", f" One-{turn}@Example.com "]
        with stack.api() as api:
            before = answered(api.get(f"/{kind}"))["meta"]["total"]
            responses = callers.post(path, [names | {"email": emails[number % 3]} for number in range(THREADS)])
            after = answered(api.get(f"/{kind}"))["meta"]["total"]
        assert sorted(response.status_code for response in responses) == [200] * (THREADS - 1) + [201]
        assert len({response.json()["data"]["id"] for response in responses}) == 1
        assert after == before + 1


def test_enforced_seats_are_never_oversold(stack: LocalStack, callers: Callers, course: int, rounds: range) -> None:
    for turn in rounds:
        user_email = f"scarce-{turn}@example.com"
        user_id = upsert_user(stack, user_email)
        with stack.api() as api:
            answered(api.post(f"/users/access/{user_id}", json=TERMS | {"thinkific_id": course, "max_seats": 20}))
        wanted = NAMES | {"user_email": user_email, "enrollments": [course], "enforce_seats": True}
        responses = callers.post(
            "/students", [wanted | {"email": f"scarce-{turn}-{number}@example.com"} for number in range(100)]
        )
        assert sorted(response.status_code for response in responses) == [201] * 20 + [409] * 80
        for response in responses:
            if response.status_code == 409:
                assert response.json()["code"] == "seats_exhausted"
                assert [seat["scope"] for seat in response.json()["seats"]] == ["product"]
        grant = grant_of(stack, user_id)
        assert (grant["seats_used"], grant["seats_available"], grant["over_allocated"]) == (20, 0, 0)


@pytest.mark.parametrize("kind", ["users", "tokens"])
def test_a_call_made_by_many_with_one_key_is_carried_out_once(
    stack: LocalStack, callers: Callers, rounds: range, kind: str
) -> None:
    """The others wait for its answer, or are told that it is under way; the secret of a token is told once."""
    for turn in rounds:
        body = {"name": f"Once {turn}", "email": f"once-{turn}@example.com", "password": "12345678"}
        key = {"Idempotency-Key": f"{kind}-{turn}"}
        with stack.api() as api:
            before = answered(api.get(f"/{kind}"))["meta"]["total"]
            responses = callers.post(f"/{kind}", [body] * THREADS, headers=key)
            assert answered(api.get(f"/{kind}"))["meta"]["total"] == before + 1
        done = [response for response in responses if response.status_code == 201]
        first = [response for response in done if "Idempotency-Replayed" not in response.headers]
        assert len(first) == 1
        told = first[0].json()["data"]
        again = told | {"token": None} if kind == "tokens" else told
        assert all(response.json()["data"] == again for response in done if response is not first[0])
        for response in responses:
            if response.status_code != 201:
                assert (response.status_code, response.json()["code"]) == (409, "idempotency_in_progress")
