"""Contract, section 6: settings, and what they change."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contract.operations import finished
from tests.contract.people import (
    Json,
    create_student,
    create_user,
    data_of,
    enrollment_in,
    errors_of,
    read_student,
)
from tests.contract.tokens import Tokens

DEFAULTS: dict[str, Any] = {
    "default_max_seats": None,
    "default_enrollment_days": 0,
    "delete_students_with_user": False,
    "delete_students_in_thinkific": False,
    "delete_users_in_thinkific": False,
    "timezone": "UTC",
}


@pytest.fixture(autouse=True)
def restored(api: httpx.Client) -> Iterator[None]:
    yield
    assert data_of(api.put("/settings", json=DEFAULTS)) == DEFAULTS


def test_they_have_defaults_and_any_token_may_read_them(api: httpx.Client, tokens: Tokens) -> None:
    assert data_of(api.get("/settings", headers=tokens.with_only("products:read"))) == DEFAULTS


def test_only_what_is_given_changes(api: httpx.Client) -> None:
    changed = data_of(api.put("/settings", json={"default_enrollment_days": "30"}))
    assert changed == DEFAULTS | {"default_enrollment_days": 30}
    assert data_of(api.put("/settings", json={})) == changed
    assert data_of(api.get("/settings")) == changed


def test_what_is_blank_stays_as_it_is(api: httpx.Client) -> None:
    given = {"default_max_seats": 7, "default_enrollment_days": 30, "timezone": "Europe/Berlin"}
    changed = data_of(api.put("/settings", json=given | {"delete_students_with_user": "TRUE"}))
    assert changed == DEFAULTS | given | {"delete_students_with_user": True}
    assert data_of(api.put("/settings", json=dict.fromkeys(DEFAULTS, ""))) == changed
    nulls = data_of(api.put("/settings", json=dict.fromkeys(DEFAULTS)))
    assert nulls == changed | {"default_max_seats": None}


def test_they_can_be_sent_as_they_were_read(api: httpx.Client) -> None:
    read = data_of(api.get("/settings"))
    assert data_of(api.put("/settings", json=read)) == read


def test_changing_them_takes_the_scope(api: httpx.Client, tokens: Tokens) -> None:
    answer = api.put("/settings", json={}, headers=tokens.with_all_but("settings:write"))
    assert (answer.status_code, answer.json()) == (403, {"message": "This action is unauthorized."})


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"default_max_seats": -1}, {"default_max_seats"}),
        ({"default_max_seats": 1.5}, {"default_max_seats"}),
        ({"default_enrollment_days": "many"}, {"default_enrollment_days"}),
        ({"default_enrollment_days": 36_501}, {"default_enrollment_days"}),
        ({"delete_students_with_user": "yes"}, {"delete_students_with_user"}),
        ({"timezone": "Mars/Olympus"}, {"timezone"}),
        ({"timezone": "../etc/passwd"}, {"timezone"}),
    ],
)
def test_what_does_not_fit_is_refused(api: httpx.Client, fields: Json, named: set[str]) -> None:
    assert errors_of(api.put("/settings", json=fields)) == named
    assert data_of(api.get("/settings")) == DEFAULTS


def test_a_user_without_max_seats_gets_the_default(api: httpx.Client) -> None:
    data_of(api.put("/settings", json={"default_max_seats": 7}))
    assert create_user(api)["max_seats"] == 7
    assert create_user(api, max_seats=None)["max_seats"] is None


def test_an_enrollment_without_a_grant_lasts_the_default_days(api: httpx.Client, courses: list[Json]) -> None:
    data_of(api.put("/settings", json={"default_enrollment_days": 30}))
    student = create_student(api, enrollments=[courses[0]["productable_id"]])
    found = enrollment_in(student, courses[0])
    lasts = datetime.fromisoformat(found["expiry_date"]) - datetime.fromisoformat(found["activated_at"])
    assert lasts == timedelta(days=30)


def test_a_bare_date_ends_with_the_day_in_the_time_zone(api: httpx.Client, user: Json, courses: list[Json]) -> None:
    data_of(api.put("/settings", json={"timezone": "America/New_York"}))
    product_id = courses[0]["productable_id"]
    student = create_student(api, user_email=user["email"], enrollments=[product_id])
    body = {"product": product_id, "type": "date", "expiry_date": "2031-01-31"}
    finished(api, api.post(f"/users/enrollments/{user['id']}", json=body).json()["operation"])
    assert enrollment_in(read_student(api, student), courses[0])["expiry_date"] == "2031-02-01T04:59:59.000000Z"
