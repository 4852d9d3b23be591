"""The simulated GraphQL endpoint, and the courses that the simulated Admin API leaves out."""

import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.simulator.school import CREDENTIALS, HEADERS, School

from b2b_cli.simulator import Store
from b2b_cli.simulator import store as store_module
from b2b_cli.simulator.graphql import PATH

BEARER = {"Authorization": f"Bearer {CREDENTIALS.access_token}"}
COURSES = "query($first: Int, $after: String) { site { courses(first: $first, after: $after) { nodes { %s } %s } } }"
PAGE = "pageInfo { endCursor hasNextPage }"
ALL = COURSES % ("id name product { id status }", PAGE)


def ask(school: School, query: str = ALL, *, headers: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return school.request("POST", PATH, headers=headers or BEARER, json=body)


def code(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["errors"][0]["extensions"]["code"]
    return found


@pytest.mark.parametrize(
    "headers",
    [
        HEADERS,
        {"Authorization": f"Bearer {CREDENTIALS.api_key}"},
        {"Authorization": f"Basic {CREDENTIALS.access_token}"},
        {"Authorization": CREDENTIALS.access_token},
        {"Authorization": "Bearer"},
        {"X-Auth-API-Key": CREDENTIALS.access_token, "X-Auth-Subdomain": CREDENTIALS.subdomain},
    ],
)
def test_only_the_access_token_opens_it(school: School, headers: dict[str, str]) -> None:
    assert ask(school, headers=headers).status_code == 401
    assert ask(school).status_code == 200


def test_the_access_token_does_not_open_the_admin_api(school: School) -> None:
    assert school.request("GET", "/api/public/v1/products", headers=BEARER).status_code == 401


def test_it_shows_courses_of_both_builders_page_by_page(school: School) -> None:
    ids = [str(school.course(f"Course {number}", newer_builder=number % 2 == 0)) for number in range(5)]
    shown: list[str] = []
    after, has_more = None, True
    while has_more:
        page = ask(school, first=2, after=after).json()["data"]["site"]["courses"]
        shown += [node["id"] for node in page["nodes"]]
        after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert shown == ids


@pytest.mark.parametrize(
    "path",
    ["/products/{product}", "/courses/{course}", "/courses/{course}/chapters"],
)
def test_the_admin_api_leaves_out_the_newer_builder(school: School, path: str) -> None:
    made = school.control("POST", "/courses", json={"name": "Hidden", "newer_builder": True})["product"]
    school.course("Shown")
    where = path.format(product=made["id"], course=made["productable_id"])
    assert school.api("GET", where).status_code == 404
    assert [item["name"] for item in school.items("/products")] == ["Shown"]
    assert [item["name"] for item in school.items("/courses")] == ["Shown"]
    school.control("PUT", f"/products/{made['id']}", json={"newer_builder": False})
    assert school.api("GET", where).status_code == 200


@pytest.mark.parametrize(("switch", "in_lists", "by_id"), [("listed", 1, 200), ("by_id", 0, 200), ("unseen", 0, 404)])
def test_enrollments_of_the_newer_builder_are_shown_as_the_switch_says(
    school: School, switch: str, in_lists: int, by_id: int
) -> None:
    course, user = school.course("Hidden", newer_builder=True), school.user()
    made = school.enrolled(user["id"], course)
    school.control("PUT", "/switches", json={"hidden_enrollments": switch})
    assert len(school.items("/enrollments", **{"query[user_id]": user["id"]})) == in_lists
    assert school.api("GET", f"/enrollments/{made['id']}").status_code == by_id
    assert school.api("PUT", f"/enrollments/{made['id']}", json={}).status_code == 204
    other = school.enrolled(user["id"], school.course("Shown"))
    assert school.api("GET", f"/enrollments/{other['id']}").status_code == 200


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ site { subdomain } }", 2),
        ("{ course(id: 1) { id } }", 2),
        (COURSES % ("id", PAGE), 3),
        (ALL, 52),
        ("{ site { courses { nodes { product { id } } } } }", 27),
        ("{ site { courses(first: 100) { nodes { product { id } } } } }", 102),
    ],
)
def test_a_query_costs_what_its_objects_cost(school: School, query: str, cost: int) -> None:
    assert ask(school, query, first=50).json()["extensions"]["rateLimit"]["cost"] == cost


def test_a_request_beyond_the_most_points_is_refused_and_charged_nothing(school: School) -> None:
    school.control("PUT", "/switches", json={"graphql_rate_limit": 1000})
    answer = ask(school, first=999)
    assert code(answer) == "MAX_QUERY_COST_EXCEEDED"
    assert answer.json()["errors"][0]["extensions"]["maxCost"] == 1000
    assert "data" in ask(school, first=990).json()


@pytest.mark.parametrize(
    ("switch", "reset"), [("time", "2026-03-10T12:01:00.000Z"), ("past", "2026-03-10T11:51:00.000Z")]
)
def test_points_come_back_after_a_minute(school: School, switch: str, reset: str) -> None:
    school.control("PUT", "/switches", json={"graphql_rate_limit": 60, "graphql_reset_at": switch})
    assert "data" in ask(school, first=50).json()
    answer = ask(school, first=50)
    assert code(answer) == "RATE_LIMITED"
    assert answer.json()["extensions"]["rateLimit"] == {"resetAt": reset, "cost": 52}
    school.time += 60
    assert "data" in ask(school, first=50).json()


@pytest.mark.parametrize("query", ["{ site { nothing } }", "{ site { courses(number: 1) { nodes { id } } } }", "{", ""])
def test_what_the_schema_does_not_have_is_an_error_with_200(school: School, query: str) -> None:
    answer = ask(school, query)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["message"]
    assert "data" not in answer.json()


FAULTS = {
    "rate_limited": (200, "RATE_LIMITED"),
    "too_costly": (200, "MAX_QUERY_COST_EXCEEDED"),
    "gateway_timeout": (200, "GATEWAY_TIMEOUT"),
    "html_429": (429, "<h1>"),
    "html_502": (502, "error code"),
    "not_json": (200, "<html>"),
    "refused": (401, "Authentication Error"),
    "unknown_field": (200, "doesn't exist"),
    "no_data": (200, '"site":null'),
    "stuck_cursor": (200, '"hasNextPage":true'),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_spoils_the_next_calls_and_no_more(school: School, kind: str) -> None:
    status, said = FAULTS[kind]
    school.course()
    school.control("PUT", "/faults", json={"graphql": [{"kind": kind, "times": 2}]})
    for left in (1, 0):
        answer = ask(school)
        assert (answer.status_code, said in answer.text) == (status, True)
        assert len(school.control("GET", "/faults")["graphql"]) == left
    assert ask(school).json()["data"]["site"]["courses"]["nodes"]


def test_calls_are_logged_apart_from_the_admin_apis(school: School) -> None:
    ask(school, first=3)
    ask(school, headers=HEADERS)
    (first, refused) = school.control("GET", "/graphql_calls")["calls"]
    assert (first["status"], first["variables"], first["cost"]) == (200, {"first": 3}, 5)
    assert refused["status"] == 401
    assert school.control("GET", "/calls")["total"] == 0
    assert school.control("GET", "/graphql_calls", params={"after": refused["id"]}) == {"calls": []}


def test_a_database_of_the_release_before_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "thinkific.sqlite"
    older = store_module._SCHEMA.replace("  newer_builder integer not null default 0,\n", "")
    with sqlite3.connect(path) as connection:
        connection.executescript(f"{older} pragma user_version = 1;")
        connection.execute("insert into courses (name, slug) values ('Safety', 'safety')")
    store = Store(path)
    assert store.scalar("select name from courses") == "Safety"
    assert store.rows("select newer_builder from products") == store.rows("select * from graphql_calls") == []
    store.close()
    Store(path).close()
