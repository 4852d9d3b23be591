from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.simulator.school import School


def join(school: School, user: int, *names: str) -> Any:
    return school.api("POST", "/group_users", json={"user_id": user, "group_names": list(names)})


def members(school: School, group: dict[str, Any]) -> list[int]:
    return [user["id"] for user in school.items("/users", **{"query[group_id]": group["id"]})]


@pytest.mark.parametrize("shape", ["wrapped", "bare"])
def test_a_single_group(open_school: Callable[..., School], shape: str) -> None:
    school = open_school(group_single=shape)
    made = school.api("POST", "/groups", json={"name": "Acme"})
    assert made.status_code == 200
    group = made.json()["group"] if shape == "wrapped" else made.json()
    assert group.keys() == {"id", "name", "token", "created_at"}
    assert (group["name"], len(group["token"]), group["created_at"]) == ("Acme", 8, "2026-03-10T12:00:00.000Z")
    assert school.api("GET", f"/groups/{group['id']}").json() == made.json()
    assert school.items("/groups") == [group]


def test_a_group_needs_a_name(school: School) -> None:
    response = school.api("POST", "/groups", json={"name": " "})
    assert (response.status_code, response.json()) == (422, {"errors": {"name": ["can't be blank"]}})


def test_a_name_of_a_group_that_is_too_long(open_school: Callable[..., School]) -> None:
    school = open_school(longest_name=4)
    response = school.api("POST", "/groups", json={"name": "Acmes"})
    assert (response.status_code, response.json()) == (
        422,
        {"errors": {"name": ["is too long (maximum is 4 characters)"]}},
    )


@pytest.mark.parametrize(("switch", "status", "count"), [("reject", 422, 1), ("allow", 200, 2)])
def test_a_name_twice(open_school: Callable[..., School], switch: str, status: int, count: int) -> None:
    school = open_school(group_dup_name=switch)
    school.group("Acme")
    response = school.api("POST", "/groups", json={"name": "Acme"})
    assert response.status_code == status
    assert len(school.items("/groups")) == count
    if status == 422:
        assert response.json() == {"errors": {"name": ["has already been taken"]}}


def test_deleting_a_group_keeps_its_members(school: School) -> None:
    group, user = school.group(), school.user()["id"]
    join(school, user, "Acme")
    assert school.api("DELETE", f"/groups/{group['id']}").status_code == 204
    assert school.api("GET", f"/users/{user}").status_code == 200
    assert members(school, group) == []
    for method in ("GET", "DELETE"):
        response = school.api(method, f"/groups/{group['id']}")
        assert (response.status_code, response.json()) == (404, {"error": ["Record not found."]})


def test_joining_adds(school: School) -> None:
    acme, other = school.group("Acme"), school.group("Other")
    user = school.user()["id"]
    for names in (["Acme"], ["Other", "Acme"]):
        response = join(school, user, *names)
        assert (response.status_code, response.content) == (201, b"")
    assert members(school, acme) == members(school, other) == [user]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"user_id": ["can't be blank"], "group_names": ["can't be blank"]}),
        ({"user_id": "USER", "group_names": []}, {"group_names": ["can't be blank"]}),
        ({"user_id": 1, "group_names": ["Acme"]}, ["User could not be found."]),
        ({"user_id": "USER", "group_names": ["Nobody"]}, ["Invalid group_names"]),
        ({"user_id": "USER", "group_names": ["acme"]}, ["Invalid group_names"]),
    ],
)
def test_joining_what_is_not_there(school: School, body: dict[str, Any], errors: Any) -> None:
    school.group("Acme")
    user = school.user()["id"]
    response = school.api("POST", "/group_users", json=body | ({"user_id": user} if "USER" in body.values() else {}))
    assert (response.status_code, response.json()) == (422, {"errors": errors})


@pytest.mark.parametrize(("switch", "joined"), [("atomic", False), ("partial", True)])
def test_a_known_and_an_unknown_name(open_school: Callable[..., School], switch: str, joined: bool) -> None:
    school = open_school(group_add_partial=switch)
    group, user = school.group("Acme"), school.user()["id"]
    assert join(school, user, "Acme", "Nobody").status_code == 422
    assert bool(members(school, group)) is joined


@pytest.mark.parametrize("status", [201, 422])
def test_joining_again(open_school: Callable[..., School], status: int) -> None:
    school = open_school(group_add_existing=status)
    school.group("Acme")
    user = school.user()["id"]
    join(school, user, "Acme")
    assert join(school, user, "Acme").status_code == status


def test_analysts(school: School) -> None:
    group, other = school.group("Acme")["id"], school.group("Other")["id"]
    analyst = school.user("a@example.com", roles=["group_analyst"])["id"]
    path = f"/groups/{group}/analysts"
    added = school.api("POST", path, json={"user_ids": [analyst, analyst]})
    assert (added.status_code, added.content) == (201, b"")
    assert (
        school.api("POST", f"/group_analysts/{analyst}/groups", json={"group_ids": [group, other]}).status_code == 201
    )
    for listed in (group, other):
        assert school.api("GET", f"/groups/{listed}/analysts").json() == {"group_analysts": [analyst]}
    assert school.api("DELETE", f"{path}/{analyst}").status_code == 204
    assert school.api("DELETE", f"/group_analysts/{analyst}/groups/{other}").status_code == 204
    for listed in (group, other):
        assert school.api("GET", f"/groups/{listed}/analysts").json() == {"group_analysts": []}


def test_analysts_that_cannot_be(school: School) -> None:
    group, student = school.group()["id"], school.user()["id"]
    response = school.api("POST", "/groups/1/analysts", json={"user_ids": [student, 3, 4]})
    assert (response.status_code, response.json()["errors"]) == (
        422,
        {
            "group_analysts": f"User IDs missing group_analysts role:: {student}",
            "user_id": "Invalid user IDs: 3, 4",
            "group_id": "Invalid group ID: 1",
        },
    )
    response = school.api("POST", f"/group_analysts/{student}/groups", json={"group_ids": [group, 1, 2]})
    assert (response.status_code, response.json()["errors"]) == (
        422,
        {
            "group_analysts": f"User IDs missing group_analysts role: {student}",
            "group_id": "Invalid group IDs: 1, 2",
        },
    )


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "/groups/1/analysts", [{"group_id": "Could not find group with ID 1."}]),
        ("POST", "/group_analysts/1/groups", {"user_id": ["Could not find user with ID 1."]}),
        (
            "DELETE",
            "/groups/1/analysts/2",
            {"user_id": ["Could not find user with ID 2."], "group_id": ["Could not find group with ID 1."]},
        ),
        (
            "DELETE",
            "/group_analysts/2/groups/1",
            {"user_id": ["Could not find user with ID 2."], "group_id": ["Could not find group with ID 1."]},
        ),
    ],
)
def test_analysts_of_what_is_not_there(school: School, method: str, path: str, error: Any) -> None:
    response = school.api(method, path)
    assert (response.status_code, response.json()) == (404, {"error": error})
