"""Contract, section 1: what is true of every call."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contract.people import (
    Json,
    add_seats,
    an_email,
    create_student,
    create_user,
    data_of,
    enroll,
    enrollment_in,
    errors_of,
    grant_fields,
    grant_in,
    read_student,
    read_user,
    set_access,
    student_fields,
    unique,
    user_fields,
)
from tests.contract.tokens import create_token
from tests.local_stack import LocalStack, await_that


def test_health_needs_no_token(anonymous: httpx.Client) -> None:
    response = anonymous.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml;q=0.9", "application/json"])
@pytest.mark.parametrize("path", ["/users?per_page=1", "/users/0", "/no-such-route", "/health"])
def test_every_answer_is_json_whatever_is_accepted(api: httpx.Client, path: str, accept: str) -> None:
    response = api.get(path, headers={"Accept": accept})
    assert response.headers["Content-Type"].partition(";")[0] == "application/json"
    assert isinstance(response.json(), dict)


@pytest.mark.parametrize("path", ["/users", "/users/{id}", "/users/0", "/students", "/settings", "/health"])
def test_head_is_answered_as_get_is_without_the_body(api: httpx.Client, path: str) -> None:
    path = path.format(id=create_user(api)["id"])
    got, answer = api.get(path), api.head(path)
    assert (answer.status_code, answer.content) == (got.status_code, b"")
    assert answer.headers["Content-Type"] == got.headers["Content-Type"]


def test_head_needs_a_token_too(stack: LocalStack) -> None:
    with stack.anonymous() as anonymous:
        assert anonymous.head("/users").status_code == 401


def test_text_is_utf_8(api: httpx.Client) -> None:
    name = "Zoë Łukasiewicz 学习 🎓"
    created = create_user(api, name=name)
    assert api.get(f"/users/{created['id']}").content.decode("utf-8").count(name) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/health", None, 200),
        ("GET", "/products", None, 200),
        ("POST", "/users", "{", 400),
        ("GET", "/users/0", None, 404),
        ("GET", "/no-such-route", None, 404),
        ("PATCH", "/users", None, 405),
        ("POST", "/users", "{}", 422),
    ],
)
def test_every_response_has_a_request_id_that_is_in_the_log(
    api: httpx.Client, stack: LocalStack, method: str, path: str, body: str | None, status: int
) -> None:
    responses = [api.request(method, path, content=body) for _ in range(2)]
    assert [response.status_code for response in responses] == [status, status]
    first, second = (response.headers["X-Request-Id"] for response in responses)
    assert first != second
    await_that(lambda: first in stack.logged() and second in stack.logged(), seconds=5, what="The log line")


def test_logs_hold_no_token_email_name_or_password(api: httpx.Client, stack: LocalStack, courses: list[Json]) -> None:
    token = create_token(api, name=unique("token"))["token"]
    user, student = user_fields(), student_fields(enrollments=[courses[0]["productable_id"]])
    with stack.api(token) as client:
        responses = [
            client.post("/users", json=user),
            client.post("/users", json=user),
            client.post("/users/search", json=user),
            client.post("/students", json=student | {"user_email": user["email"]}),
            client.post("/students", content=json.dumps(student)[:-1]),
            client.get("/products/search", params={"term": user["name"]}),
            client.get(f"/users/{user['email']}"),
        ]
    assert [response.status_code for response in responses] == [201, 422, 200, 201, 400, 200, 404]
    last = responses[-1].headers["X-Request-Id"]
    await_that(lambda: last in stack.logged(), seconds=5, what="The log line")
    student_id = responses[3].json()["data"]["id"]
    await_that(lambda: read_student(api, {"id": student_id})["thinkific_id"], what="The student's sync")
    secrets = [token, *user.values(), *(student[key] for key in ("first_name", "last_name", "email"))]
    logged = stack.logged().lower()
    assert [secret for secret in secrets if secret.lower() in logged] == []


class TestIds:
    def test_ids_ascend_in_order_of_creation(self, api: httpx.Client) -> None:
        users = [create_user(api)["id"] for _ in range(3)]
        students = [create_student(api)["id"] for _ in range(3)]
        for ids in (users, students):
            assert ids == sorted(set(ids))
            assert ids[0] > 0


class TestTimes:
    def test_creation_and_change_are_dated(self, api: httpx.Client) -> None:
        before = datetime.now(UTC)
        user = create_user(api)
        after = datetime.now(UTC)
        assert before <= _moment(user["created_at"]) <= after
        assert user["updated_at"] == user["created_at"]
        changed = data_of(api.post("/users/upsert", json={"email": user["email"], "name": unique("New name")}))
        assert changed["created_at"] == user["created_at"]
        assert _moment(changed["updated_at"]) > _moment(user["updated_at"])

    @pytest.mark.parametrize("days", [1, 30, 365, 36_500])
    def test_days_are_24_hours_from_the_call(
        self, api: httpx.Client, user: Json, courses: list[Json], days: int
    ) -> None:
        set_access(api, user, courses[0], enrollment_days=days)
        before = datetime.now(UTC)
        enrollment = enrollment_in(enroll(api, create_student(api), user, courses[0]), courses[0])
        after = datetime.now(UTC)
        span = timedelta(hours=24 * days)
        assert before + span <= _moment(enrollment["expiry_date"]) <= after + span


_OF_ENROLLING = {"productable_type", "enforce_seats"}
_OF_EXPIRY = ("expiry_days", "expiry_date", "productable_type")
_TERMS: Json = {"thinkific_id": None, "active": True, "enrollment_days": 0}


class TestTypes:
    def test_unknown_keys_are_ignored(self, api: httpx.Client) -> None:
        created = create_user(api, id=1, role="admin", seats_used=7, colour="red", products=[1])
        assert created["id"] != 1
        assert (created["role"], created["seats_used"], created["products"]) == ("user", 0, [])

    def test_integers_and_booleans_may_come_as_text(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        thinkific_id = str(courses[0]["productable_id"])
        body = {"thinkific_id": thinkific_id, "active": "1", "max_seats": "55", "enrollment_days": "365"}
        grant = grant_in(data_of(api.post(f"/users/access/{user['id']}", json=body)), courses[0])
        assert (grant["active"], grant["max_seats"], grant["enrollment_days"]) == (True, 55, 365)
        body = {"thinkific_id": thinkific_id, "active": "0", "add_seats": "5", "enrollment_days": "0"}
        grant = grant_in(data_of(api.post(f"/users/seat/{user['id']}", json=body)), courses[0])
        assert (grant["active"], grant["max_seats"], grant["enrollment_days"]) == (False, 60, 0)

    @pytest.mark.parametrize(
        ("value", "meant"),
        [
            *((True, True), (1, True), ("1", True), ("true", True), ("True", True), ("TRUE", True)),
            *((False, False), (0, False), ("0", False), ("false", False), ("False", False), (" false ", False)),
        ],
    )
    def test_booleans_may_be_numbers_and_text(
        self, api: httpx.Client, user: Json, courses: list[Json], value: Any, meant: bool
    ) -> None:
        assert grant_in(set_access(api, user, courses[0], active=value), courses[0])["active"] is meant

    @pytest.mark.parametrize("value", ["yes", "on", "truth", "1.0", "", 2, -1, 1.0, 1.5, [], {}, None])
    def test_anything_else_is_no_boolean(
        self, api: httpx.Client, unchanged_user: Json, courses: list[Json], value: Any
    ) -> None:
        body = grant_fields(courses[0], active=value)
        assert errors_of(api.post(f"/users/access/{unchanged_user['id']}", json=body)) == {"active"}

    @pytest.mark.parametrize("field", ["thinkific_id", "max_seats", "enrollment_days"])
    @pytest.mark.parametrize("value", ["many", "5.0", "1e3", "", 1.5, True, [], {}, -1])
    def test_anything_else_is_no_integer(
        self, api: httpx.Client, unchanged_user: Json, courses: list[Json], field: str, value: Any
    ) -> None:
        body = grant_fields(courses[0]) | {field: value}
        assert errors_of(api.post(f"/users/access/{unchanged_user['id']}", json=body)) == {field}

    def test_an_integer_may_come_without_a_fraction(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        body = {"thinkific_id": float(courses[0]["productable_id"]), "active": True, "max_seats": 55.0}
        body |= {"enrollment_days": 365.0}
        grant = grant_in(data_of(api.post(f"/users/access/{user['id']}", json=body)), courses[0])
        assert (grant["max_seats"], grant["enrollment_days"]) == (55, 365)

    @pytest.mark.parametrize("blank", ["", "   ", None], ids=["empty", "blanks", "null"])
    @pytest.mark.parametrize(
        ("path", "required", "optional"),
        [
            ("/users", {"name": "A", "password": "12345678"}, ()),
            ("/users/upsert", {}, ("name", "password")),
            ("/students", {"first_name": "A", "last_name": "B"}, _OF_ENROLLING | {"user_email", "enrollments"}),
            ("/students/enroll", {"user_email": None, "enrollments": None}, _OF_ENROLLING),
            ("/users/access/{id}", {**_TERMS, "max_seats": 5}, ("productable_type", "reusable")),
            ("/users/seat/{id}", {**_TERMS, "add_seats": 5}, ("productable_type", "reusable")),
            ("/users/group/{id}", {"name": "A"}, ("sync",)),
            ("/users/enrollments/{id}", {"product": None, "type": "no_expiry"}, _OF_EXPIRY),
            ("/tokens", {"name": "A"}, ("scopes", "expires_at")),
        ],
    )
    def test_what_is_blank_in_an_optional_field_counts_as_not_given(
        self,
        api: httpx.Client,
        user: Json,
        courses: list[Json],
        path: str,
        required: Json,
        optional: tuple[str, ...] | set[str],
        blank: str | None,
    ) -> None:
        there = {"user_email": user["email"], "enrollments": [courses[0]["productable_id"]]}
        there |= {"product": courses[0]["productable_id"], "thinkific_id": courses[0]["productable_id"]}
        body = {name: there.get(name, value) for name, value in required.items()}
        email = create_student(api)["email"] if path == "/students/enroll" else an_email()
        body |= dict.fromkeys(optional, blank) | {"email": email}
        assert api.post(path.format(id=user["id"]), json=body).status_code in (200, 201)

    @pytest.mark.parametrize(("given", "kept"), [("", 7), (" ", 7), (None, None)])
    def test_no_seats_are_not_unlimited_seats(self, api: httpx.Client, given: str | None, kept: int | None) -> None:
        user = create_user(api, max_seats=7)
        assert data_of(api.put(f"/users/{user['id']}", json={"max_seats": given}))["max_seats"] == kept

    @pytest.mark.parametrize("field", ["name", "email", "password"])
    @pytest.mark.parametrize("value", [12345678, True, ["text"], {"a": 1}, None])
    def test_anything_but_text_is_no_text(self, api: httpx.Client, field: str, value: Any) -> None:
        assert errors_of(api.post("/users", json=user_fields(**{field: value}))) == {field}


class TestUpperBounds:
    def test_names_have_255_characters_at_most(self, api: httpx.Client) -> None:
        assert create_user(api, name="é" * 255)["name"] == "é" * 255
        student = create_student(api, first_name="a" * 255, last_name="b" * 255)
        assert (student["first_name"], student["last_name"]) == ("a" * 255, "b" * 255)
        assert errors_of(api.post("/users", json=user_fields(name="é" * 256))) == {"name"}
        too_long = student_fields(first_name="a" * 256, last_name="b" * 256)
        assert errors_of(api.post("/students", json=too_long)) == {"first_name", "last_name"}

    def test_days_and_seats_have_their_bounds(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        course = courses[0]
        grant = grant_in(set_access(api, user, course, max_seats=10**9, enrollment_days=36_500), course)
        assert (grant["max_seats"], grant["enrollment_days"]) == (10**9, 36_500)
        beyond = grant_fields(course, max_seats=10**9 + 1, enrollment_days=36_501)
        refused = api.post(f"/users/access/{user['id']}", json=beyond)
        assert errors_of(refused) == {"max_seats", "enrollment_days"}
        assert grant_in(read_user(api, user), course) == grant


class TestEmails:
    def test_they_are_trimmed_and_kept_as_typed(self, api: httpx.Client) -> None:
        email = an_email("Mixed.Case").replace("example", "Example")
        assert create_user(api, email=f"  {email}\t")["email"] == email
        assert create_student(api, email=f" {email} ")["email"] == email

    def test_they_are_compared_without_regard_to_case(self, api: httpx.Client, user: Json) -> None:
        shouted = user["email"].upper()
        assert data_of(api.post("/users/search", json={"email": shouted}))["id"] == user["id"]
        assert errors_of(api.post("/users", json=user_fields(email=shouted))) == {"email"}
        student = create_student(api, user_email=shouted)
        assert [under["id"] for under in student["users"]] == [user["id"]]
        again = data_of(api.post("/students", json=student_fields(email=student["email"].upper())))
        assert again["id"] == student["id"]

    def test_one_person_may_be_user_and_student(self, api: httpx.Client, user: Json) -> None:
        student = create_student(api, email=user["email"], user_email=user["email"])
        assert student["users"] == [{"id": user["id"], "name": user["name"], "email": user["email"]}]

    @pytest.mark.parametrize("email", ["plain", "@example.com", "a@", "a b@example.com", "a@b@example.com", "", "  "])
    def test_what_is_no_address_is_refused(self, api: httpx.Client, email: str) -> None:
        assert errors_of(api.post("/users", json=user_fields(email=email))) == {"email"}
        assert errors_of(api.post("/students", json=student_fields(email=email))) == {"email"}


class TestThePublishedExamples:
    """Bodies written as the published document writes them: a trailing comma, ids as text."""

    def test_adding_seats(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        number = courses[0]["productable_id"]
        body = f"""{{
            "thinkific_id": "{number}",
            "active": "1",
            "add_seats": "10",
            "enrollment_days": "365",
        }}"""
        updated = data_of(api.post(f"/users/seat/{user['id']}", content=body, headers=_JSON))
        assert grant_in(updated, courses[0])["max_seats"] == 10

    def test_adding_a_student(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        first, second = (course["productable_id"] for course in courses[:2])
        email = an_email("jane")
        body = f"""{{
            "first_name": "Jane, ]",
            "last_name": "O'Neil,}}",
            "email": "{email}",
            "user_email": "{user["email"]}",
            "enrollments": [
                {first},
                "{second}",
            ],
        }}"""
        student = data_of(api.post("/students", content=body, headers=_JSON), status=201)
        assert (student["first_name"], student["last_name"]) == ("Jane, ]", "O'Neil,}")
        assert [enrollment["thinkific_id"] for enrollment in student["enrollments"]] == [first, second]


def test_add_seats_answers_200_and_upsert_201_or_200(api: httpx.Client, user: Json, courses: list[Json]) -> None:
    """201 when a record was created, 200 otherwise: a grant is part of its user."""
    assert grant_in(add_seats(api, user, courses[0], 1), courses[0])["max_seats"] == 1
    body = {"email": an_email()}
    assert [api.post("/users/upsert", json=body).status_code for _ in range(2)] == [201, 200]
    fields = student_fields()
    assert [api.post("/students", json=fields).status_code for _ in range(2)] == [201, 200]


_JSON = {"Content-Type": "application/json"}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
