"""Good answers: their status and shape, one call each."""

import itertools
from typing import Any

import pytest
from tests.unit.functions.api import Api
from tests.unit.functions.calls import EMAIL, OTHER

from b2b.services.identity.passwords import verify
from b2b.storage import keys

_numbers = itertools.count(1)

USER = {
    *("id", "name", "email", "role", "max_seats", "seats_used", "seats_available", "over_allocated", "group"),
    *("products", "created_at", "updated_at"),
}
STUDENT = {
    *("id", "thinkific_id", "first_name", "last_name", "email", "sync_error"),
    *("users", "enrollments", "created_at", "updated_at"),
}
ENROLLMENT = {
    *("product_id", "thinkific_id", "productable_type", "name", "status", "error", "activated_at", "expiry_date"),
    "percentage_completed",
}
GRANT = {
    *("product_id", "thinkific_id", "productable_type", "name", "active", "max_seats", "seats_used"),
    *("seats_available", "over_allocated", "enrollment_days", "reusable"),
}
PRODUCT = {
    *("id", "thinkific_id", "productable_id", "productable_type", "name", "status", "slug", "course_ids"),
    "source",
    *("created_at", "updated_at"),
}
OPERATION = {"id", "type", "status", "total", "done", "failed", "failures", "created_at", "updated_at"}
TOKEN = {"id", "name", "scopes", "last_four", "created_at", "last_used_at", "expires_at"}


@pytest.fixture
def email() -> str:
    """One that nobody has."""
    return f"person{next(_numbers)}@example.com"


def data(api: Api, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
    answer = api.call(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def new_user(api: Api, email: str, **fields: Any) -> dict[str, Any]:
    body = {"name": "Boss", "email": email, "password": "12345678"} | fields
    user: dict[str, Any] = data(api, "POST", "/api/users", body, status=201)
    return user


@pytest.mark.parametrize("path", ["/api/users", "/api/students", "/api/products", "/api/tokens"])
def test_a_list(api: Api, path: str) -> None:
    answer = api.call("GET", path).json()
    assert answer.keys() == {"data", "links", "meta"}
    assert answer["links"].keys() == {"first", "last", "prev", "next"}
    assert {"current_page", "from", "last_page", "path", "per_page", "to", "total"} <= answer["meta"].keys()


def test_a_new_user(api: Api, email: str) -> None:
    user = new_user(api, email, max_seats="5")
    assert user.keys() == USER
    assert (user["role"], user["max_seats"], user["seats_available"], user["over_allocated"]) == ("user", 5, 5, 0)
    assert user["created_at"].endswith("Z")
    assert data(api, "GET", f"/api/users/{user['id']}") == user


def test_an_upsert_says_whether_it_created(api: Api, email: str) -> None:
    for status in (201, 200):
        assert data(api, "POST", "/api/users/upsert", {"email": email}, status=status)["email"] == email


def test_a_user_is_found_by_address(api: Api) -> None:
    assert data(api, "POST", "/api/users/search", {"email": OTHER.upper()})["id"] == api.user_id
    assert api.call("POST", "/api/users/search", json={"email": "no@example.com"}).status_code == 404


def test_a_user_changes_where_told(api: Api, email: str) -> None:
    user = new_user(api, email, max_seats=5)
    changed = data(api, "PUT", f"/api/users/{user['id']}", {"max_seats": None})
    assert (changed["name"], changed["max_seats"], changed["seats_available"]) == ("Boss", None, None)


def test_a_deleted_user_is_gone(api: Api, email: str) -> None:
    user = new_user(api, email)
    answer = api.call("DELETE", f"/api/users/{user['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.call("GET", f"/api/users/{user['id']}").status_code == 404


@pytest.mark.parametrize(("path", "field"), [("access", "max_seats"), ("seat", "add_seats")])
def test_a_grant(api: Api, email: str, path: str, field: str) -> None:
    user = new_user(api, email)
    body = {"thinkific_id": "7", "active": 1, "enrollment_days": "30", field: 3}
    (grant,) = data(api, "POST", f"/api/users/{path}/{user['id']}", body)["products"]
    assert grant.keys() == GRANT
    assert (grant["thinkific_id"], grant["max_seats"], grant["active"], grant["enrollment_days"]) == (7, 3, True, 30)


@pytest.mark.parametrize(
    ("path", "body"),
    [("group", {"name": " Acme "}), ("enrollments", {"product": 7, "type": "expire_now"})],
)
def test_a_call_that_touches_many_answers_the_user_and_an_operation(
    api: Api, email: str, path: str, body: dict[str, Any]
) -> None:
    user = new_user(api, email)
    answer = api.call("POST", f"/api/users/{path}/{user['id']}", json=body)
    assert answer.status_code == 200
    assert answer.json()["data"]["id"] == user["id"]
    operation = answer.json()["operation"]
    assert operation.keys() == OPERATION
    assert data(api, "GET", f"/api/operations/{operation['id']}") == operation


def test_a_new_student_is_pending_in_what_it_was_enrolled_in(api: Api, email: str) -> None:
    body = {"first_name": " Ada ", "last_name": "L", "email": email, "user_email": OTHER, "enrollments": ["7", 7]}
    student = data(api, "POST", "/api/students", body, status=201)
    assert student.keys() == STUDENT
    assert student["first_name"] == "Ada"
    assert student["users"] == [{"id": api.user_id, "name": "Boss", "email": OTHER}]
    (enrollment,) = student["enrollments"]
    assert enrollment.keys() == ENROLLMENT
    assert (enrollment["product_id"], enrollment["thinkific_id"], enrollment["status"]) == (1007, 7, "pending")
    assert data(api, "GET", f"/api/students/{student['id']}") == student


def test_a_known_student_is_200(api: Api) -> None:
    assert data(api, "POST", "/api/students", {"first_name": "A", "last_name": "L", "email": EMAIL})["email"] == EMAIL


def test_enrollments_that_cannot_be_are_named_by_position(api: Api) -> None:
    body = {"email": EMAIL, "user_email": OTHER, "enrollments": [7, 8, {"id": 7, "productable_type": "Bundle"}, "x"]}
    answer = api.call("POST", "/api/students/enroll", json=body)
    assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["enrollments.3"])
    body["enrollments"] = [7, 8, {"id": 7, "productable_type": "Bundle"}]
    answer = api.call("POST", "/api/students/enroll", json=body)
    assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["enrollments.1", "enrollments.2"])


@pytest.mark.parametrize(("count", "status"), [(500, 200), (501, 422)])
def test_a_call_takes_five_hundred_enrollments(api: Api, count: int, status: int) -> None:
    body = {"email": EMAIL, "user_email": OTHER, "enrollments": [7] * count}
    assert api.call("POST", "/api/students/enroll", json=body).status_code == status


def test_seats_that_are_not_there_are_a_conflict(api: Api, email: str) -> None:
    user = new_user(api, email, max_seats=0)
    body = {"first_name": "A", "last_name": "L", "email": f"s{email}", "user_email": email, "enforce_seats": True}
    answer = api.call("POST", "/api/students", json=body | {"enrollments": [7]})
    assert answer.status_code == 409
    assert answer.json()["code"] == "seats_exhausted"
    assert [seat["scope"] for seat in answer.json()["seats"]] == ["account", "product"]
    assert data(api, "GET", f"/api/users/{user['id']}")["seats_used"] == 0


def test_an_empty_user_email_counts_as_none_given(api: Api) -> None:
    body = {"first_name": "A", "last_name": "L", "email": EMAIL, "user_email": ""}
    assert api.call("POST", "/api/students", json=body).status_code == 200


def test_a_product(api: Api) -> None:
    product = data(api, "GET", "/api/products/1007")
    assert product.keys() == PRODUCT
    assert (product["id"], product["thinkific_id"], product["productable_id"]) == (1007, 1007, 7)
    assert api.call("GET", "/api/products/7").status_code == 404


@pytest.mark.parametrize(
    ("number", "kind", "shown"),
    [
        (770, "Course", "Course"),
        ("771", "course", "Course"),
        (" 772 ", "COURSE", "Course"),
        (773, " bundle ", "Bundle"),
        (2**53, "bUNDLE", "Bundle"),
        (774, "Bundle", "Bundle"),
        (1774, "Course", "Course"),
    ],
)
def test_a_product_added_by_hand(api: Api, number: object, kind: str, shown: str) -> None:
    body = {"productable_id": number, "productable_type": kind, "name": " Remote "}
    answer = api.call("POST", "/api/products", json=body)
    assert answer.status_code == 201, answer.text
    product = answer.json()["data"]
    assert product.keys() == PRODUCT
    assert (product["productable_id"], product["productable_type"]) == (int(str(number)), shown)
    assert (product["name"], product["source"], product["id"] > 2**52) == ("Remote", "manual", True)
    assert api.call("POST", "/api/products", json=body).status_code == 422


@pytest.mark.parametrize(("term", "count"), [("FIRE", 1), ("1007", 1), ("7", 1), ("none", 0), (" fire ", 1)])
def test_a_search(api: Api, term: str, count: int) -> None:
    assert len(data(api, "GET", f"/api/products/search?term={term}")) == count


@pytest.mark.parametrize("query", ["", "?term=", "?term=%20", "?term=" + "x" * 256])
def test_a_search_for_nothing_or_too_much(api: Api, query: str) -> None:
    answer = api.call("GET", f"/api/products/search{query}")
    assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["term"])


def test_a_refresh_of_the_catalogue_is_an_operation(api: Api) -> None:
    answer = api.call("POST", "/api/products/sync")
    assert answer.status_code == 200
    assert answer.json()["operation"]["status"] == "pending"


def test_a_token_shows_its_secret_once(api: Api) -> None:
    made = data(api, "POST", "/api/tokens", {"name": "Zapier", "scopes": ["users:read"]}, status=201)
    assert made.keys() == TOKEN | {"token"}
    assert made["last_four"] == made["token"][-4:]
    listed = data(api, "GET", "/api/tokens?per_page=100")
    assert all(token.keys() == TOKEN for token in listed)
    assert api.call("GET", "/api/users", token=made["token"]).status_code == 200
    assert api.call("DELETE", f"/api/tokens/{made['id']}").status_code == 204
    assert api.call("GET", "/api/users", token=made["token"]).status_code == 401


def test_a_token_cannot_mint_one_with_a_scope_it_lacks(api: Api) -> None:
    narrow = api.token_with(["tokens:write", "users:read"])
    for scopes, status in ((["users:read"], 201), (["users:read", "users:write"], 403), (None, 403)):
        body = {"name": "x"} | ({"scopes": scopes} if scopes else {})
        assert api.call("POST", "/api/tokens", token=narrow, json=body).status_code == status


def test_settings_change_where_told(api: Api) -> None:
    before = data(api, "GET", "/api/settings")
    after = data(api, "PUT", "/api/settings", {"default_enrollment_days": "7"})
    assert after == before | {"default_enrollment_days": 7}
    assert data(api, "PUT", "/api/settings", before) == before


def test_health(api: Api) -> None:
    assert api.call("GET", "/api/health", token=None).json() == {"status": "ok"}


ITEMS: list[tuple[Any, Any, list[Any]]] = [
    (True, 422, [*range(1, 27)]),
    (True, 422, [7] * 26),
    ("1", 422, ["7"] * 26),
    (1, 422, [{"id": 7}] * 26),
    (True, 422, [{"id": 7, "productable_type": "Course"}] * 100),
    (True, 422, [7] * 500),
    (True, 409, [7] * 25),
    (True, 409, ["7"]),
    (False, 200, [7] * 26),
    ("0", 200, [7] * 26),
    (None, 200, [7] * 500),
    (None, 422, [7] * 501),
]


@pytest.mark.parametrize(("enforce", "status", "items"), ITEMS)
def test_an_enforced_call_has_at_most_25_enrollments(
    api: Api, email: str, enforce: Any, status: int, items: list[Any]
) -> None:
    """The user has no seat, so that a call which is short enough is refused for that."""
    body = {"first_name": "Ada", "last_name": "Lovelace", "email": email}
    new_user(api, f"of-{email}")
    wanted = {"user_email": f"of-{email}", "enrollments": items, "enforce_seats": enforce}
    refused = status != 200
    made = api.call("POST", "/api/students", json=body | wanted)
    assert made.status_code == (status if refused else 201), made.text
    enrolled = api.call("POST", "/api/students/enroll", json={"email": EMAIL} | wanted)
    assert enrolled.status_code == status, enrolled.text
    if status == 422:
        for answer in (made, enrolled):
            assert answer.json()["errors"].keys() == {"enrollments"}
    if refused:
        assert data(api, "POST", "/api/users/search", {"email": f"of-{email}"})["seats_used"] == 0


def test_too_many_enforced_enrollments_are_said_with_all_that_is_wrong(api: Api) -> None:
    body = {"first_name": "", "email": "x", "enrollments": [7] * 26, "enforce_seats": True}
    errors = api.call("POST", "/api/students", json=body).json()["errors"]
    assert errors["enrollments"] == ["The enrollments field must not have more than 25 items when seats are enforced."]
    assert errors.keys() == {"first_name", "last_name", "email", "enrollments"}


PASSWORDS = [
    "12345678",
    "x" * 255,
    "        x",
    "x        ",
    "p\u00e4ssw\u00f6rd",
    "\U0001f600" * 255,
    "quote ' \" \\ \n",
]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_kept_to_the_letter(api: Api, email: str, password: str) -> None:
    user = new_user(api, email, password=password)
    assert verify(password, _stored(api, user["id"]))
    assert not verify(password.strip() + "!", _stored(api, user["id"]))
    data(api, "PUT", f"/api/users/{user['id']}", {"password": password[::-1]})
    assert verify(password[::-1], _stored(api, user["id"]))


@pytest.mark.parametrize("password", ["1234567", "\U0001f600" * 7, "x" * 256, "\U0001f600" * 256])
def test_a_password_has_8_to_255_characters(api: Api, email: str, password: str) -> None:
    answer = api.call("POST", "/api/users", json={"name": "A", "email": email, "password": password})
    assert (answer.status_code, answer.json()["errors"].keys()) == (422, {"password"})


def _stored(api: Api, user_id: int) -> str:
    item = api.services.records.table.get(keys.user(user_id))
    assert item is not None
    hashed: str = item["password_hash"]
    return hashed
