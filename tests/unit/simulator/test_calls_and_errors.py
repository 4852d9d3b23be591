"""What holds for every endpoint: credentials, unknown paths, bodies that cannot be read, pages."""

import json
from typing import Any

import pytest
from tests.unit.simulator.school import HEADERS, School

from b2b_cli.simulator import Store
from b2b_cli.simulator.catalogue import add_course

AUTHENTICATION_ERROR = {"error": "Authentication Error"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (HEADERS, 200),
        ({"Authorization": f"Bearer {HEADERS['X-Auth-API-Key']}"}, 200),
        ({"Authorization": f"bearer {HEADERS['X-Auth-API-Key']}"}, 200),
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        (HEADERS | {"X-Auth-API-Key": "wrong"}, 401),
        (HEADERS | {"X-Auth-Subdomain": "other"}, 401),
        ({"X-Auth-API-Key": HEADERS["X-Auth-API-Key"]}, 401),
    ],
)
def test_credentials(school: School, headers: dict[str, str], status: int) -> None:
    response = school.api("GET", "/users", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.json() == AUTHENTICATION_ERROR


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/bundles"),
        ("GET", "/group_users"),
        ("DELETE", "/group_users/1"),
        ("DELETE", "/enrollments/1"),
        ("PUT", "/groups/1"),
        ("GET", "/chapters"),
        ("GET", "/me"),
        ("PATCH", "/users/1"),
        ("GET", "/users/1"),
        ("GET", "/users/abc"),
        ("GET", "/users/99999999999999999999999"),
        ("GET", "/users/1/authentications/SSO"),
        ("PUT", "/users/1"),
        ("DELETE", "/users/1"),
        ("GET", "/enrollments/1"),
        ("PUT", "/enrollments/1"),
        ("GET", "/bundles/1"),
        ("GET", "/bundles/1/courses"),
        ("POST", "/bundles/1/enrollments"),
        ("GET", "/products/1"),
        ("GET", "/products/1/related"),
        ("GET", "/courses/1"),
        ("GET", "/courses/1/chapters"),
        ("GET", "/chapters/1"),
        ("GET", "/chapters/1/contents"),
        ("GET", "/contents/1"),
    ],
)
def test_what_does_not_exist(school: School, method: str, path: str) -> None:
    response = school.api(method, path)
    assert (response.status_code, response.json()) == (404, {"error": "Record not found."})


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_json_object(school: School, content: bytes) -> None:
    response = school.api("POST", "/users", content=content)
    assert response.status_code == 400
    assert school.items("/users") == []


def test_a_form_is_read_like_json(school: School) -> None:
    form = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
    user = school.api("POST", "/users", data=form).json()
    group = school.group()
    added = school.api("POST", "/group_users", data={"user_id": str(user["id"]), "group_names[]": ["Acme"]})
    assert added.status_code == 201
    assert [row["id"] for row in school.items("/users", **{"query[group_id]": group["id"]})] == [user["id"]]


@pytest.mark.parametrize("path", ["/users/", "//users", "//users/"])
def test_slashes_too_many(school: School, path: str) -> None:
    assert school.api("GET", path).status_code == 200


def test_the_list_envelope(school: School) -> None:
    ids = [school.user(f"u{number}@example.com")["id"] for number in range(5)]
    body = school.api("GET", "/users", params={"page": 2, "limit": 2}).json()
    assert [row["id"] for row in body["items"]] == ids[2:4]
    assert body["meta"] == {
        "pagination": {
            "current_page": 2,
            "next_page": 3,
            "prev_page": 1,
            "total_pages": 3,
            "total_items": 5,
            "entries_info": "3-4 of 5",
        }
    }


@pytest.mark.parametrize(
    ("params", "pages", "shown"),
    [
        ({}, (1, 2, None, 11), 25),
        ({"limit": 250}, (1, 2, None, 2), 250),
        ({"limit": 1000}, (1, 2, None, 2), 250),
        ({"limit": 0}, (1, 2, None, 11), 25),
        ({"limit": "many", "page": "first"}, (1, 2, None, 11), 25),
        ({"limit": 250, "page": 2}, (2, None, 1, 2), 1),
        ({"limit": 250, "page": 3}, (3, None, None, 2), 0),
        ({"page": -1}, (1, 2, None, 11), 25),
    ],
)
def test_page_and_limit(
    school: School, store: Store, params: dict[str, Any], pages: tuple[Any, ...], shown: int
) -> None:
    for number in range(251):
        add_course(store, f"Course {number}")
    body = school.api("GET", "/courses", params=params).json()
    pagination = body["meta"]["pagination"]
    names = ("current_page", "next_page", "prev_page", "total_pages")
    assert tuple(pagination[name] for name in names) == pages
    assert pagination["total_items"] == 251
    assert len(body["items"]) == shown


def test_an_empty_list(school: School) -> None:
    pagination = school.api("GET", "/enrollments").json()["meta"]["pagination"]
    assert (pagination["total_items"], pagination["next_page"], pagination["prev_page"]) == (0, None, None)


def test_filters_outside_query_are_ignored(school: School) -> None:
    school.user("a@example.com")
    school.user("b@example.com")
    assert len(school.items("/users", email="a@example.com", **{"query[nonsense]": "x", "query[email]": ""})) == 2


def test_the_log_has_every_call_and_no_password(school: School) -> None:
    school.user(password="secret-1", nested=[{"password": "secret-2", "kept": 1}])
    school.api("GET", "/users", params={"query[email]": "ada@example.com"})
    school.api("GET", "/users", headers={})
    log = school.control("GET", "/calls")
    assert "secret" not in json.dumps(log)
    assert (log["total"], log["busiest_minute"]) == (3, 3)
    assert [(call["method"], call["path"], call["status"]) for call in log["calls"]] == [
        ("POST", "/users", 201),
        ("GET", "/users", 200),
        ("GET", "/users", 401),
    ]
    assert log["calls"][0]["body"]["nested"] == [{"kept": 1}]
    assert log["calls"][1]["query"] == {"query[email]": "ada@example.com"}
    assert log["calls"][0]["at"] == "2026-03-10T12:00:00.000Z"


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 4),
        ({"method": "post"}, 1),
        ({"path": "^/users$"}, 3),
        ({"path": "group|enroll"}, 1),
        ({"status": 401}, 1),
        ({"since": "2026-03-10T12:01:00Z"}, 1),
        ({"since": "1773144060000"}, 1),
        ({"since": "2026-03-10"}, 4),
    ],
)
def test_the_log_is_filtered(school: School, params: dict[str, Any], count: int) -> None:
    school.user()
    school.api("GET", "/users")
    school.api("GET", "/groups", headers={})
    school.time += 60
    school.api("GET", "/users")
    assert school.control("GET", "/calls", params=params)["total"] == count


def test_the_log_goes_on_after_a_call(school: School) -> None:
    school.api("GET", "/users")
    last = school.control("GET", "/calls")["calls"][-1]["id"]
    school.api("GET", "/groups")
    assert [call["path"] for call in school.control("GET", "/calls", params={"after": last})["calls"]] == ["/groups"]
    assert school.control("DELETE", "/calls") == {"deleted": 2}
    assert school.control("GET", "/calls")["total"] == 0
