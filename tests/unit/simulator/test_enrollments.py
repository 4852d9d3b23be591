from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.simulator.school import School

DAY = 86_400


def test_a_new_enrollment(school: School) -> None:
    user, course = school.user(), school.course("Safety")
    school.time += 0.25
    created = school.enrolled(
        user["id"], course, activated_at="2026-03-09T08:00:00.726Z", expiry_date="2027-01-01T01:00:00+01:00"
    )
    assert created["id"] > 400_000_000
    assert created == {
        "id": created["id"],
        "created_at": "2026-03-10T12:00:00.250Z",
        "user_email": "ada@example.com",
        "user_name": "Ada Lovelace",
        "expiry_date": "2027-01-01T00:00:00.000Z",
        "user_id": user["id"],
        "course_name": "Safety",
        "course_id": course,
        "percentage_completed": "0.0",
        "completed_at": None,
        "expired": False,
        "is_free_trial": False,
        "completed": False,
        "started_at": None,
        "activated_at": "2026-03-09T08:00:00.000Z",
        "updated_at": "2026-03-10T12:00:00.250Z",
    }
    assert school.api("GET", f"/enrollments/{created['id']}").json() == created
    assert school.items("/enrollments") == [created]


def test_without_dates_it_is_a_preview_without_end(school: School) -> None:
    user, course = school.user(), school.course()
    body = {"user_id": str(user["id"]), "course_id": str(course)}
    created = school.api("POST", "/enrollments", json=body).json()
    assert (created["is_free_trial"], created["activated_at"], created["expiry_date"]) == (True, None, None)


@pytest.mark.parametrize(
    ("user", "course", "errors"),
    [
        (True, False, ["Course could not be found."]),
        (False, True, ["User could not be found."]),
        (False, False, ["Course could not be found.", "User could not be found."]),
    ],
)
def test_unknown_ids(school: School, user: bool, course: bool, errors: list[str]) -> None:
    body = {"user_id": school.user()["id"] if user else 1, "course_id": school.course() if course else None}
    response = school.api("POST", "/enrollments", json=body)
    assert (response.status_code, response.json()) == (422, {"errors": errors})


def test_a_product_id_is_no_course_id(school: School) -> None:
    product = school.control("POST", "/courses", json={"name": "Safety"})["product"]
    response = school.api("POST", "/enrollments", json={"user_id": school.user()["id"], "course_id": product["id"]})
    assert response.json() == {"errors": ["Course could not be found."]}


def test_dates_that_are_none(school: School) -> None:
    body = {"user_id": school.user()["id"], "course_id": school.course(), "activated_at": "soon", "expiry_date": 5}
    response = school.api("POST", "/enrollments", json=body)
    assert response.json() == {"errors": {"activated_at": ["is invalid"], "expiry_date": ["is invalid"]}}


def test_a_second_time_overwrites_the_dates_and_keeps_the_progress(school: School) -> None:
    user, course = school.user(), school.course()
    first = school.enrolled(user["id"], course, expiry_date="2026-03-01T00:00:00Z")
    school.control("PUT", f"/enrollments/{first['id']}", json={"percentage_completed": 0.4})
    assert first["expired"] is True
    school.time += DAY
    again = school.enrolled(user["id"], course)
    kept = ("id", "created_at")
    assert [again[name] for name in kept] == [first[name] for name in kept]
    assert (again["expiry_date"], again["expired"], again["percentage_completed"]) == (None, False, "0.4")
    assert again["started_at"] == "2026-03-10T12:00:00.000Z"
    assert again["updated_at"] == "2026-03-11T12:00:00.000Z"


@pytest.mark.parametrize(("switch", "status", "rows"), [("upsert", 201, 1), ("reject", 422, 1), ("duplicate", 201, 2)])
def test_existing_enrollment(open_school: Callable[..., School], switch: str, status: int, rows: int) -> None:
    school = open_school(existing_enrollment=switch)
    user, course = school.user(), school.course()
    school.enrolled(user["id"], course)
    response = school.api("POST", "/enrollments", json={"user_id": user["id"], "course_id": course})
    assert response.status_code == status
    assert len(school.items("/enrollments")) == rows
    if status == 422:
        assert isinstance(response.json()["errors"], list)


@pytest.mark.parametrize("status", [204, 200])
def test_a_change_touches_what_it_names(open_school: Callable[..., School], status: int) -> None:
    school = open_school(put_status=status)
    row = school.enrolled(school.user()["id"], school.course(), expiry_date="2026-06-01T00:00:00Z")
    school.time += 1
    body = {"expiry_date": "2026-03-09T23:59:59Z", "percentage_completed": 1, "is_free_trial": True}
    response = school.api("PUT", f"/enrollments/{row['id']}", json=body)
    assert (response.status_code, response.content) == (status, b"")
    assert school.api("GET", f"/enrollments/{row['id']}").json() == row | {
        "expiry_date": "2026-03-09T23:59:59.000Z",
        "expired": True,
        "updated_at": "2026-03-10T12:00:01.000Z",
    }
    school.api("PUT", f"/enrollments/{row['id']}", json={"expiry_date": "2026-09-01"})
    assert school.api("GET", f"/enrollments/{row['id']}").json()["expired"] is False


@pytest.mark.parametrize(("switch", "left"), [(False, "2026-06-01T00:00:00.000Z"), (True, None)])
def test_null_in_a_change(open_school: Callable[..., School], switch: bool, left: str | None) -> None:
    school = open_school(put_null_clears_expiry=switch)
    row = school.enrolled(school.user()["id"], school.course(), expiry_date="2026-06-01T00:00:00Z")
    school.api("PUT", f"/enrollments/{row['id']}", json={"expiry_date": None, "activated_at": None})
    changed = school.api("GET", f"/enrollments/{row['id']}").json()
    assert (changed["expiry_date"], changed["is_free_trial"]) == (left, False)


@pytest.mark.parametrize(
    ("switch", "expiry_date", "expired"),
    [
        ("instant", "2026-03-10T12:00:00Z", True),
        ("instant", "2026-03-10T12:00:01Z", False),
        ("utc_day", "2026-03-10T23:59:59Z", True),
        ("utc_day", "2026-03-11T00:00:00Z", False),
        ("utc_day", "2026-03-09T23:59:59Z", True),
    ],
)
def test_expiry(open_school: Callable[..., School], switch: str, expiry_date: str, expired: bool) -> None:
    school = open_school(expiry=switch)
    row = school.enrolled(school.user()["id"], school.course(), expiry_date=expiry_date)
    assert row["expired"] is expired
    assert bool(school.items("/enrollments", **{"query[expired]": "true"})) is expired


def test_time_passes(school: School) -> None:
    school.enrolled(school.user()["id"], school.course(), expiry_date="2026-04-01T00:00:00Z")
    assert school.items("/enrollments")[0]["expired"] is False
    assert school.control("POST", "/clock", json={"advance_seconds": 30 * DAY}) == {
        "now": "2026-04-09T12:00:00.000Z",
        "offset_seconds": 30 * DAY,
    }
    assert school.items("/enrollments")[0]["expired"] is True


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["trial", "live", "expired", "done"]),
    ({"user_id": "USER"}, ["trial", "live"]),
    ({"course_id": "COURSE"}, ["trial", "expired"]),
    ({"user_id": "USER", "course_id": "COURSE"}, ["trial"]),
    ({"user_id": "x"}, []),
    ({"email": "ADA@example.com"}, ["trial", "live"]),
    ({"email": "ada"}, []),
    ({"free_trial": "true"}, ["trial"]),
    ({"full": "true"}, ["live", "expired", "done"]),
    ({"completed": "1"}, ["done"]),
    ({"expired": "true"}, ["expired"]),
    ({"expired": "false"}, ["trial", "live", "expired", "done"]),
    ({"created_on": "2026-03-12"}, ["expired"]),
    ({"created_on": "2026-03-12T23:00:00Z"}, ["expired"]),
    ({"created_before": "2026-03-11"}, ["trial"]),
    ({"created_on_or_before": "2026-03-11"}, ["trial", "live"]),
    ({"created_after": "2026-03-11"}, ["expired", "done"]),
    ({"created_on_or_after": "2026-03-11"}, ["live", "expired", "done"]),
    ({"created_after": "2026-03-11T12:00:00Z"}, ["expired", "done"]),
    ({"created_on_or_after": "2026-03-11T12:00:00Z"}, ["live", "expired", "done"]),
    ({"updated_on": "2026-03-14"}, ["done"]),
    ({"updated_before": "2026-03-11"}, ["trial"]),
    ({"updated_on_or_before": "2026-03-11"}, ["trial", "live"]),
    ({"updated_after": "2026-03-11T14:00:00+02:00"}, ["expired", "done"]),
    ({"updated_on_or_after": "2026-03-14"}, ["trial", "live", "expired", "done"]),
    ({"created_on": "yesterday"}, ["trial", "live", "expired", "done"]),
    ({"status": "expired"}, ["trial", "live", "expired", "done"]),
]


@pytest.mark.parametrize(("filters", "names"), FILTERS)
def test_filters(school: School, filters: dict[str, str], names: list[str]) -> None:
    first, second = school.user("ada@example.com")["id"], school.user("bob@example.com")["id"]
    one, other = school.course("One"), school.course("Other")
    made: dict[Any, str] = {}
    trial = school.api("POST", "/enrollments", json={"user_id": first, "course_id": one}).json()
    made[trial["id"]] = "trial"
    school.time += DAY
    made[school.enrolled(first, other)["id"]] = "live"
    school.time += DAY
    made[school.enrolled(second, one, expiry_date="2026-03-01")["id"]] = "expired"
    school.time += DAY
    done = school.enrolled(second, other)["id"]
    made[done] = "done"
    school.time += DAY
    school.control("PUT", f"/enrollments/{done}", json={"percentage_completed": 1})
    ids = {"USER": str(first), "COURSE": str(one)}
    query = {f"query[{name}]": ids.get(value, value) for name, value in filters.items()}
    assert [made[row["id"]] for row in school.items("/enrollments", **query)] == names


def test_false_filters_inverted(open_school: Callable[..., School]) -> None:
    school = open_school(false_filters="inverted")
    user = school.user()["id"]
    school.enrolled(user, school.course(), expiry_date="2026-03-01")
    live = school.enrolled(user, school.course())
    assert school.items("/enrollments", **{"query[expired]": "0"}) == [live]
