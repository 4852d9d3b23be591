from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.simulator.school import School

BLANK = ["can't be blank"]
NAMES = {"first_name": "Ada", "last_name": "Lovelace"}
FULL = NAMES | {"email": "ada@example.com"}
AFFILIATE: dict[str, Any] = {
    "affiliate_code": "ada",
    "affiliate_commission": 15,
    "affiliate_payout_email": "pay@example.com",
}


def test_a_new_user(school: School) -> None:
    created = school.user(company="Engines", roles=["course_admin"], external_id="e-1", password="secret")
    assert created["id"] > 1_000_000
    assert created == {
        "id": created["id"],
        "created_at": "2026-03-10T12:00:00.000Z",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "full_name": "Ada Lovelace",
        "company": "Engines",
        "email": "ada@example.com",
        "roles": ["course_admin"],
        "avatar_url": None,
        "bio": None,
        "headline": None,
        "external_source": None,
        "affiliate_code": None,
        "affiliate_commission": None,
        "affiliate_commission_type": "%",
        "affiliate_payout_email": None,
        "administered_course_ids": [],
        "custom_profile_fields": [],
    }
    assert school.api("GET", f"/users/{created['id']}").json() == created
    assert school.items("/users") == [created]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"first_name": BLANK, "last_name": BLANK, "email": BLANK}),
        (FULL | {"first_name": "  "}, {"first_name": BLANK}),
        (FULL | {"email": "ada"}, {"email": ["is invalid"]}),
        (FULL | {"password": "short"}, {"password": ["is too short (minimum is 6 characters)"]}),
        (FULL | {"roles": ["king"]}, {"roles": ["is invalid"]}),
        (FULL | {"roles": ["affiliate"]}, dict.fromkeys(AFFILIATE, BLANK)),
        (FULL | {"affiliate_commission": 101}, {"affiliate_commission": ["is invalid"]}),
        (FULL | {"affiliate_commission": "much"}, {"affiliate_commission": ["is invalid"]}),
        (
            FULL | {"affiliate_commission": 10_000, "affiliate_commission_type": "$"},
            {"affiliate_commission": ["is invalid"]},
        ),
        (FULL | {"affiliate_commission_type": "£"}, {"affiliate_commission_type": ["is not included in the list"]}),
        (FULL | {"external_id": "1", "provider": "X"}, {"provider": ["is not included in the list"]}),
    ],
)
def test_a_user_that_cannot_be(school: School, body: dict[str, Any], errors: dict[str, Any]) -> None:
    response = school.api("POST", "/users", json=body)
    assert (response.status_code, response.json()) == (422, {"errors": errors})
    assert school.items("/users") == []


def test_a_name_that_is_too_long(open_school: Callable[..., School]) -> None:
    school = open_school(longest_name=8)
    ada = school.user("ada@example.com")
    body = {"first_name": "Elizabeth", "last_name": "King"}
    errors = {"first_name": ["is too long (maximum is 8 characters)"]}
    created = school.api("POST", "/users", json=body | {"email": "augusta@example.com"})
    assert (created.status_code, created.json()) == (422, {"errors": errors})
    changed = school.api("PUT", f"/users/{ada['id']}", json=body)
    assert (changed.status_code, changed.json()) == (422, {"errors": errors})


def test_an_address_is_taken_once(school: School) -> None:
    school.user("ada@example.com")
    response = school.api("POST", "/users", json=NAMES | {"email": "Ada@Example.com"})
    assert (response.status_code, response.json()) == (422, {"errors": {"email": ["has already been taken"]}})
    other = school.user("bob@example.com")
    response = school.api("PUT", f"/users/{other['id']}", json={"email": "ada@example.com"})
    assert (response.status_code, response.json()) == (422, {"errors": {"email": ["has already been taken"]}})


@pytest.mark.parametrize(
    ("switch", "stored", "found_by_other_case"),
    [
        ("lowercase", "ada@example.com", True),
        ("insensitive", "Ada@Example.com", True),
        ("sensitive", "Ada@Example.com", False),
    ],
)
def test_case_of_addresses(
    open_school: Callable[..., School], switch: str, stored: str, found_by_other_case: bool
) -> None:
    school = open_school(email_case=switch)
    assert school.user("Ada@Example.com")["email"] == stored
    assert bool(school.items("/users", **{"query[email]": "ADA@example.COM"})) is found_by_other_case
    assert len(school.items("/users", **{"query[email]": "Ada@Example.com"})) == 1
    again = school.api("POST", "/users", json=NAMES | {"email": "ADA@example.COM"})
    assert again.status_code == (422 if found_by_other_case else 201)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"email": "a+1@example.com"}, ["a"]),
        ({"email": "a"}, []),
        ({"role": "group_analyst"}, ["b"]),
        ({"external_source": "crm"}, ["c"]),
        ({"group_id": "GROUP"}, ["a", "b"]),
        ({"group_id": "GROUP", "email": "b@example.com"}, ["b"]),
        ({"group_id": "GROUP", "email": "c@example.com"}, []),
        ({"group_id": "none"}, []),
        ({"custom_profile_field_label": "Country", "custom_profile_field_value": "Canada"}, ["c"]),
        ({"custom_profile_field_label": "Country", "custom_profile_field_value": "Peru"}, []),
        ({"custom_profile_field_label": "Country"}, ["a", "b", "c"]),
    ],
)
def test_filters(school: School, filters: dict[str, str], names: list[str]) -> None:
    country = school.control("POST", "/custom_profile_field_definitions", json={"label": "Country"})
    group = school.group()
    field = {"custom_profile_field_definition_id": country["id"], "value": "Canada"}
    a = school.user("a+1@example.com", first_name="a")
    b = school.user("b@example.com", first_name="b", roles=["group_analyst"])
    c = school.user("c@example.com", first_name="c", custom_profile_fields=[field])
    school.api("PUT", f"/users/{c['id']}", json={"external_source": "crm"})
    for user in (a, b):
        school.api("POST", "/group_users", json={"user_id": user["id"], "group_names": ["Acme"]})
    query = {f"query[{name}]": str(group["id"]) if value == "GROUP" else value for name, value in filters.items()}
    assert [user["first_name"] for user in school.items("/users", **query)] == names


@pytest.mark.parametrize(("switch", "status"), [(204, 204), (200, 200)])
def test_a_change_touches_what_it_names(open_school: Callable[..., School], switch: int, status: int) -> None:
    school = open_school(put_status=switch)
    before = school.user(company="Engines", external_id="x")
    changes = {"last_name": "King", "email": "King@example.com", "avatar_url": "/a.png", "roles": ["site_admin"]}
    response = school.api("PUT", f"/users/{before['id']}", json=changes)
    assert (response.status_code, response.content) == (status, b"")
    expected = before | changes | {"full_name": "Ada King", "email": "king@example.com"}
    assert school.api("GET", f"/users/{before['id']}").json() == expected


def test_a_change_cannot_blank_a_name(school: School) -> None:
    user = school.user()
    response = school.api("PUT", f"/users/{user['id']}", json={"first_name": ""})
    assert (response.status_code, response.json()) == (422, {"errors": {"first_name": BLANK}})


def test_an_affiliate_is_changed_without_saying_all_again(school: School) -> None:
    user = school.user(roles=["affiliate"], **AFFILIATE)
    assert user["affiliate_commission"] == 15
    response = school.api("PUT", f"/users/{user['id']}", json={"roles": ["affiliate", "course_admin"]})
    assert response.status_code == 204


@pytest.mark.parametrize(("switch", "stored"), [("ignored", None), ("stored", "crm")])
def test_external_source_on_create(open_school: Callable[..., School], switch: str, stored: str | None) -> None:
    school = open_school(external_source_on_create=switch)
    assert school.user(external_source="crm")["external_source"] == stored


def test_external_ids(school: School) -> None:
    user = school.user(external_id="e-1", provider="OPENID_CONNECT")
    assert school.api("GET", f"/users/{user['id']}/authentications/OPENID_CONNECT").json() == {
        "provider": "OPENID_CONNECT",
        "external_id": "e-1",
    }
    assert school.api("GET", f"/users/{user['id']}/authentications/SSO").status_code == 404
    by_external_id = {"provider": "OPENID_CONNECT"}
    assert school.api("GET", "/users/e-1", params=by_external_id).json()["id"] == user["id"]
    assert school.api("GET", "/users/e-1", params={"provider": "SSO"}).status_code == 404
    taken = school.api("POST", "/users", json=NAMES | {"email": "b@example.com", "external_id": "e-1"} | by_external_id)
    assert taken.json() == {"errors": {"external_id": ["has already been taken"]}}
    assert school.api("PUT", "/users/e-1", params=by_external_id, json={"bio": "x"}).status_code == 204
    assert school.api("DELETE", "/users/e-1", params=by_external_id).status_code == 204
    assert school.api("GET", f"/users/{user['id']}").status_code == 404


@pytest.mark.parametrize(("switch", "left"), [("removed", 0), ("kept", 1)])
def test_a_deleted_user(open_school: Callable[..., School], switch: str, left: int) -> None:
    school = open_school(deleted_user_enrollments=switch)
    user, course = school.user(), school.course()
    group = school.group()
    school.api("POST", "/group_users", json={"user_id": user["id"], "group_names": ["Acme"]})
    school.enrolled(user["id"], course)
    response = school.api("DELETE", f"/users/{user['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert school.api("DELETE", f"/users/{user['id']}").status_code == 404
    assert school.items("/users", **{"query[group_id]": group["id"]}) == []
    rows = school.items("/enrollments", **{"query[email]": "ada@example.com"})
    assert [row["user_name"] for row in rows] == ["Ada Lovelace"] * left
    assert school.user()["id"] > user["id"]


def test_profile_fields(school: School) -> None:
    definition = school.control("POST", "/custom_profile_field_definitions", json={"label": "Phone", "required": True})
    assert school.items("/custom_profile_field_definitions") == [
        {"id": definition["id"], "label": "Phone", "field_type": "text", "required": True}
    ]
    missing = school.api("POST", "/users", json=FULL)
    assert missing.json() == {"errors": {"custom_profile_fields": ["Phone can't be blank"]}}
    field = {"custom_profile_field_definition_id": definition["id"], "value": "1"}
    for wrong in (field | {"label": "Phone"}, field | {"value": ""}, {"value": "1"}, "Phone"):
        response = school.api("POST", "/users", json=FULL | {"custom_profile_fields": [wrong]})
        assert response.json() == {"errors": {"custom_profile_fields": ["is invalid"]}}
    user = school.user(custom_profile_fields=[field])
    assert [(item["label"], item["value"]) for item in user["custom_profile_fields"]] == [("Phone", "1")]
    school.api("PUT", f"/users/{user['id']}", json={"custom_profile_fields": [field | {"value": "2"}]})
    changed = school.api("GET", f"/users/{user['id']}").json()
    assert [item["value"] for item in changed["custom_profile_fields"]] == ["2"]
    assert school.user("b@example.com", skip_custom_fields_validation=True)["custom_profile_fields"] == []


@pytest.mark.parametrize(("switch", "order"), [("ascending", [0, 1]), ("descending", [1, 0])])
def test_the_order_of_lists(open_school: Callable[..., School], switch: str, order: list[int]) -> None:
    school = open_school(list_order=switch)
    ids = [school.user("a@example.com")["id"], school.user("b@example.com")["id"]]
    assert [row["id"] for row in school.items("/users")] == [ids[index] for index in order]
