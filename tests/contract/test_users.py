"""Contract, sections 2 and 3: users."""

from typing import Any

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
    newest_rows,
    read_user,
    set_access,
    unique,
    user_fields,
)
from tests.contract.shapes import USER, assert_shape


class TestTheResource:
    def test_it_has_exactly_its_keys(self, api: httpx.Client, user: Json, courses: list[Json], bundle: Json) -> None:
        set_access(api, user, courses[0], max_seats=5)
        shown = set_access(api, user, bundle)
        assert len(shown["products"]) == 2
        assert_shape(shown, USER)

    def test_every_call_shows_the_same(self, api: httpx.Client, user: Json) -> None:
        assert read_user(api, user) == user
        assert data_of(api.post("/users/search", json={"email": user["email"]})) == user
        assert data_of(api.post("/users/upsert", json={"email": user["email"]})) == user
        assert user in newest_rows(api, "/users")

    def test_there_is_never_a_password(self, api: httpx.Client) -> None:
        fields = user_fields()
        created = api.post("/users", json=fields)
        searched = api.post("/users/search", json={"email": fields["email"]})
        for response in (created, searched):
            assert response.is_success
            assert fields["password"] not in response.text
            assert "password" not in response.json()["data"]


class TestCreating:
    def test_it_answers_201_with_what_was_given(self, api: httpx.Client) -> None:
        fields = user_fields(max_seats=25)
        created = data_of(api.post("/users", json=fields), status=201)
        assert (created["name"], created["email"], created["role"]) == (fields["name"], fields["email"], "user")
        assert (created["group"], created["products"]) == (None, [])

    @pytest.mark.parametrize(
        ("given", "max_seats", "available"),
        [({}, None, None), ({"max_seats": None}, None, None), ({"max_seats": 0}, 0, 0), ({"max_seats": "55"}, 55, 55)],
    )
    def test_max_seats_is_optional(
        self, api: httpx.Client, given: Json, max_seats: int | None, available: int | None
    ) -> None:
        created = create_user(api, **given)
        assert (created["max_seats"], created["seats_available"]) == (max_seats, available)
        assert (created["seats_used"], created["over_allocated"]) == (0, 0)

    @pytest.mark.parametrize("value", [-1, 1.5, "1.5", "-1", True, "many", [], 10**9 + 1])
    def test_other_max_seats_are_refused(self, api: httpx.Client, value: Any) -> None:
        assert errors_of(api.post("/users", json=user_fields(max_seats=value))) == {"max_seats"}

    @pytest.mark.parametrize(("password", "is_good"), [("1234567", False), ("12345678", True)])
    def test_a_password_has_at_least_8_characters(self, api: httpx.Client, password: str, is_good: bool) -> None:
        response = api.post("/users", json=user_fields(password=password))
        assert response.status_code == (201 if is_good else 422)

    def test_a_taken_email_is_refused(self, api: httpx.Client, user: Json) -> None:
        assert errors_of(api.post("/users", json=user_fields(email=user["email"]))) == {"email"}
        assert read_user(api, user) == user

    def test_a_students_email_is_free(self, api: httpx.Client) -> None:
        student = create_student(api)
        assert create_user(api, email=student["email"])["email"] == student["email"]

    def test_two_at_once_for_one_email_make_one_user(self, api: httpx.Client) -> None:
        email = an_email()
        responses = at_once(lambda _: api.post("/users", json=user_fields(email=email)), range(6))
        assert sorted(response.status_code for response in responses) == [201, *[422] * 5]


class TestUpserting:
    def test_an_email_is_all_it_needs(self, api: httpx.Client) -> None:
        email = an_email("first.last")
        created = data_of(api.post("/users/upsert", json={"email": email}), status=201)
        assert (created["email"], created["name"]) == (email, email.partition("@")[0])
        assert (created["role"], created["max_seats"]) == ("user", None)

    def test_it_creates_with_all_that_is_given(self, api: httpx.Client) -> None:
        fields = user_fields(max_seats=7)
        created = data_of(api.post("/users/upsert", json=fields), status=201)
        assert (created["name"], created["email"], created["max_seats"]) == (fields["name"], fields["email"], 7)

    def test_upserting_a_user_keeps_the_fields_that_are_not_given(self, api: httpx.Client) -> None:
        user = create_user(api, max_seats=7)
        new_name = unique("New name")
        renamed = data_of(api.post("/users/upsert", json={"email": user["email"], "name": new_name}))
        assert (renamed["id"], renamed["name"], renamed["max_seats"]) == (user["id"], new_name, 7)
        resized = data_of(api.post("/users/upsert", json={"email": user["email"], "max_seats": 9}))
        assert (resized["name"], resized["max_seats"]) == (new_name, 9)
        unlimited = data_of(api.post("/users/upsert", json={"email": user["email"], "max_seats": None}))
        assert (unlimited["name"], unlimited["max_seats"], unlimited["seats_available"]) == (new_name, None, None)

    def test_upserting_a_user_finds_its_email_in_any_case(self, api: httpx.Client, user: Json) -> None:
        assert data_of(api.post("/users/upsert", json={"email": user["email"].upper()}))["id"] == user["id"]

    def test_a_short_password_is_refused(self, api: httpx.Client) -> None:
        assert errors_of(api.post("/users/upsert", json={"email": an_email(), "password": "short"})) == {"password"}

    def test_two_at_once_for_one_email_make_one_user(self, api: httpx.Client) -> None:
        email = an_email()
        responses = at_once(lambda _: api.post("/users/upsert", json={"email": email}), range(8))
        assert sorted(response.status_code for response in responses) == [*[200] * 7, 201]
        assert len({response.json()["data"]["id"] for response in responses}) == 1


class TestSearching:
    def test_it_finds_the_one_user_with_the_email(self, api: httpx.Client, user: Json) -> None:
        assert data_of(api.post("/users/search", json={"email": f" {user['email'].upper()} "})) == user

    def test_it_is_exact(self, api: httpx.Client, user: Json) -> None:
        for email in (user["email"][1:], f"x{user['email']}", an_email()):
            assert api.post("/users/search", json={"email": email}).status_code == 404

    def test_it_does_not_find_students(self, api: httpx.Client) -> None:
        student = create_student(api)
        assert api.post("/users/search", json={"email": student["email"]}).status_code == 404


def test_an_empty_text_counts_as_not_given(api: httpx.Client) -> None:
    email = an_email("blank")
    made = data_of(api.post("/users/upsert", json={"email": email, "name": "", "password": " "}), status=201)
    assert made["name"] == email.partition("@")[0]
    assert data_of(api.put(f"/users/{made['id']}", json={"name": " ", "email": ""})) == made
