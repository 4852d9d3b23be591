from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.simulator.school import School

ACCESS = {"activated_at": "2026-03-10T00:00:00Z", "expiry_date": "2026-12-31T00:00:00Z"}


def enroll(school: School, bundle: int, user: int, **access: Any) -> int:
    body = {"user_id": user} | (access or ACCESS)
    response = school.api("POST", f"/bundles/{bundle}/enrollments", json=body)
    assert response.content == b""
    return response.status_code


def courses_of(school: School, user: int) -> list[int]:
    return [row["course_id"] for row in school.items("/enrollments", **{"query[user_id]": user})]


def test_a_bundle(school: School) -> None:
    bundle, courses = school.bundle(2, id=120_008, name="Demo Bundle")
    assert bundle == 120_008
    assert school.api("GET", f"/bundles/{bundle}").json() == {
        "id": bundle,
        "name": "Demo Bundle",
        "description": None,
        "banner_image_url": "/assets/tenant/default-course-banner.jpg",
        "course_ids": courses,
        "bundle_card_image_url": "/assets/defaults/default-product-card.png",
        "tagline": None,
        "slug": "demo-bundle",
    }
    assert [row["id"] for row in school.items(f"/bundles/{bundle}/courses")] == courses


def test_enrolling_reaches_every_course(school: School) -> None:
    bundle, courses = school.bundle(2)
    user = school.user()["id"]
    assert enroll(school, bundle, user) == 201
    rows = school.items("/enrollments")
    assert [row["course_id"] for row in rows] == courses
    assert {row["expiry_date"] for row in rows} == {"2026-12-31T00:00:00.000Z"}
    assert enroll(school, bundle, user, activated_at="2026-03-10") == 201
    assert {row["expiry_date"] for row in school.items("/enrollments")} == {None}


@pytest.mark.parametrize(
    ("body", "errors"),
    [({}, {"user_id": ["can't be blank"]}), ({"user_id": 1}, ["User could not be found."])],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_users_that_are_none(school: School, method: str, body: dict[str, Any], errors: Any) -> None:
    bundle, _ = school.bundle(1)
    response = school.api(method, f"/bundles/{bundle}/enrollments", json=body)
    assert (response.status_code, response.json()) == (422, {"errors": errors})


def test_a_large_bundle_takes_its_time(open_school: Callable[..., School]) -> None:
    school = open_school(bundle_async_threshold=2, async_delay=30)
    bundle, courses = school.bundle(3)
    user = school.user()["id"]
    assert enroll(school, bundle, user) == 202
    school.time += 29
    assert courses_of(school, user) == []
    assert school.control("GET", "/state")["due_enrollments"] != []
    put = school.api("PUT", f"/bundles/{bundle}/enrollments", json={"user_id": user, "expiry_date": "2027-01-01"})
    assert put.status_code == 204
    school.time += 10
    restarted = open_school(bundle_async_threshold=2)
    restarted.time = school.time
    assert courses_of(restarted, user) == courses
    rows = restarted.items("/enrollments")
    assert {row["created_at"] for row in rows} == {"2026-03-10T12:00:30.000Z"}
    assert {row["expiry_date"] for row in rows} == {"2027-01-01T00:00:00.000Z"}


def test_a_change_is_addressed_by_user(open_school: Callable[..., School]) -> None:
    school = open_school(put_status=200)
    bundle, courses = school.bundle(2)
    user = school.user()["id"]
    enroll(school, bundle, user)
    other = school.enrolled(user, school.course("Other"))
    body = {"user_id": user, "expiry_date": "2026-03-09T23:59:59Z"}
    response = school.api("PUT", f"/bundles/{bundle}/enrollments", json=body)
    assert (response.status_code, response.content) == (200, b"")
    expired = {row["course_id"]: row["expired"] for row in school.items("/enrollments")}
    assert expired == dict.fromkeys(courses, True) | {other["course_id"]: False}


@pytest.mark.parametrize("status", [422, 404])
def test_a_change_of_nothing(open_school: Callable[..., School], status: int) -> None:
    school = open_school(bundle_put_missing=status)
    bundle, courses = school.bundle(1)
    user = school.user()["id"]
    school.enrolled(user, courses[0])
    response = school.api("PUT", f"/bundles/{bundle}/enrollments", json={"user_id": user})
    assert response.status_code == status


def test_rejecting_who_is_enrolled(open_school: Callable[..., School]) -> None:
    school = open_school(existing_enrollment="reject")
    bundle, courses = school.bundle(2)
    user = school.user()["id"]
    school.enrolled(user, courses[0])
    assert enroll(school, bundle, user) == 201
    response = school.api("POST", f"/bundles/{bundle}/enrollments", json={"user_id": user})
    assert (response.status_code, response.json()) == (422, {"errors": ["User is already enrolled in this bundle."]})


@pytest.mark.parametrize(
    ("switch", "had", "left"),
    [
        ("overwrite", "2027-06-01", "2026-12-31T00:00:00.000Z"),
        ("later_date", "2027-06-01", "2027-06-01T00:00:00.000Z"),
        ("later_date", "2026-06-01", "2026-12-31T00:00:00.000Z"),
        ("later_date", None, None),
    ],
)
def test_a_course_that_is_there_already(
    open_school: Callable[..., School], switch: str, had: str | None, left: str | None
) -> None:
    school = open_school(bundle_overlap=switch)
    bundle, courses = school.bundle(1)
    user = school.user()["id"]
    before = school.enrolled(user, courses[0], expiry_date=had)
    enroll(school, bundle, user)
    (row,) = school.items("/enrollments")
    assert (row["id"], row["expiry_date"]) == (before["id"], left)


def test_the_rows_of_a_bundle(school: School) -> None:
    bundle, courses = school.bundle(2)
    ada, bob = school.user("ada@example.com")["id"], school.user("bob@example.com")["id"]
    enroll(school, bundle, ada)
    enroll(school, bundle, bob)
    school.enrolled(school.user("eve@example.com")["id"], courses[0])
    path = f"/bundles/{bundle}/enrollments"
    assert [(row["user_id"], row["course_id"]) for row in school.items(path)] == [
        (user, course) for user in (ada, bob) for course in courses
    ]
    assert {row["user_id"] for row in school.items(path, **{"query[email]": "bob@example.com"})} == {bob}
    assert len(school.items(path, **{"query[user_id]": ada, "query[updated_on_or_after]": "2026-03-10"})) == 2
    assert school.items(path, **{"query[updated_on_or_after]": "2026-03-11"}) == []
    assert school.items(path, **{"query[expired]": "true"}) == []


def test_a_row_for_each_user(open_school: Callable[..., School]) -> None:
    school = open_school(bundle_rows="per_user", bundle_async_threshold=1)
    bundle, _ = school.bundle(2)
    user = school.user()["id"]
    enroll(school, bundle, user)
    path = f"/bundles/{bundle}/enrollments"
    assert school.items(path) == []
    school.time += 5
    (row,) = school.items(path, **{"query[user_id]": user})
    assert (row["course_id"], row["course_name"], row["user_email"]) == (bundle, "Pack", "ada@example.com")
    assert (row["expiry_date"], row["percentage_completed"]) == ("2026-12-31T00:00:00.000Z", "0.0")


def test_a_bundle_that_grows(open_school: Callable[..., School]) -> None:
    school = open_school(bundle_growth_delay=3600)
    bundle, courses = school.bundle(2)
    user = school.user()["id"]
    enroll(school, bundle, user)
    added = school.course("Added")
    school.control("PUT", f"/bundles/{bundle}", json={"course_ids": [courses[0], added]})
    assert courses_of(school, user) == courses
    school.time += 3600
    assert courses_of(school, user) == [*courses, added]
    assert school.api("GET", f"/bundles/{bundle}").json()["course_ids"] == [courses[0], added]
