"""Contract, sections 2 and 3: what a user may use, ``/users/access/{id}`` and ``/users/seat/{id}``."""

from datetime import datetime, timedelta
from random import randrange
from typing import Any

import httpx
import pytest
from tests.contract.at_once import at_once
from tests.contract.operations import sync_catalogue
from tests.contract.people import (
    Json,
    add_seats,
    create_student,
    data_of,
    enroll,
    enrollment_in,
    errors_of,
    grant_fields,
    grant_in,
    read_student,
    read_user,
    set_access,
    unique,
)
from tests.contract.school import School
from tests.contract.shapes import GRANT, assert_shape


@pytest.fixture(scope="module")
def twins(api: httpx.Client, school: School) -> tuple[Json, Json]:
    """A course and a bundle that share a number."""
    number = randrange(10**9, 2 * 10**9)
    course = school.add_course(id=number)
    bundle = school.add_bundle(course, id=number)
    sync_catalogue(api)
    return course, bundle


class TestAccess:
    def test_it_sets_the_grant_and_answers_the_user(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        course = courses[0]
        shown = set_access(api, user, course, max_seats=10, enrollment_days=365)
        assert shown["id"] == user["id"]
        assert shown == read_user(api, user)
        assert_shape(grant_in(shown, course), GRANT)
        assert grant_in(shown, course) == {
            "product_id": course["id"],
            "thinkific_id": course["productable_id"],
            "productable_type": "Course",
            "name": course["name"],
            "active": True,
            "max_seats": 10,
            "seats_used": 0,
            "seats_available": 10,
            "over_allocated": 0,
            "enrollment_days": 365,
            "reusable": False,
        }

    def test_it_replaces_what_was_set(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], max_seats=10, enrollment_days=365)
        grant = grant_in(set_access(api, user, courses[0], active=False, max_seats=3), courses[0])
        assert (grant["active"], grant["max_seats"], grant["enrollment_days"]) == (False, 3, 0)

    def test_null_is_unlimited(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        grant = grant_in(set_access(api, user, courses[0], max_seats=None), courses[0])
        assert (grant["max_seats"], grant["seats_available"], grant["over_allocated"]) == (None, None, 0)

    def test_each_product_has_its_own(self, api: httpx.Client, user: Json, courses: list[Json], bundle: Json) -> None:
        for seats, product in enumerate((courses[0], courses[1], bundle)):
            shown = set_access(api, user, product, max_seats=seats)
        assert [grant_in(shown, product)["max_seats"] for product in (courses[0], courses[1], bundle)] == [0, 1, 2]
        assert grant_in(shown, bundle)["productable_type"] == "Bundle"

    def test_ending_it_leaves_enrollments_alone(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], enrollment_days=30)
        student = enroll(api, create_student(api), user, courses[0])
        shown = set_access(api, user, courses[0], active=False)
        assert grant_in(shown, courses[0])["seats_used"] == 1
        before, after = (enrollment_in(found, courses[0]) for found in (student, read_student(api, student)))
        assert after["expiry_date"] == before["expiry_date"]
        assert after["status"] in ("pending", "active")

    def test_enrollment_days_count_for_enrollments_from_now_on(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        expiries = []
        students = [create_student(api) for _ in range(2)]
        for student, days in zip(students, (30, 60), strict=True):
            set_access(api, user, courses[0], enrollment_days=days)
            enroll(api, student, user, courses[0])
            expiries.append(enrollment_in(read_student(api, students[0]), courses[0])["expiry_date"])
        assert expiries[0] == expiries[1]
        later = enrollment_in(read_student(api, students[1]), courses[0])["expiry_date"]
        apart = datetime.fromisoformat(later) - datetime.fromisoformat(expiries[0])
        assert timedelta(days=30) <= apart < timedelta(days=30, minutes=1)

    @pytest.mark.parametrize("field", ["thinkific_id", "active", "max_seats", "enrollment_days"])
    def test_every_field_is_required(
        self, api: httpx.Client, unchanged_user: Json, courses: list[Json], field: str
    ) -> None:
        body = grant_fields(courses[0])
        del body[field]
        assert errors_of(api.post(f"/users/access/{unchanged_user['id']}", json=body)) == {field}
        assert read_user(api, unchanged_user)["products"] == []


class TestSeats:
    def test_they_are_added_from_nothing_and_then_on_top(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        assert grant_in(add_seats(api, user, courses[0], 10), courses[0])["max_seats"] == 10
        shown = add_seats(api, user, courses[0], 5)
        assert shown == read_user(api, user)
        assert grant_in(shown, courses[0])["max_seats"] == 15

    def test_the_rest_is_overwritten(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        add_seats(api, user, courses[0], 1, enrollment_days=30)
        grant = grant_in(add_seats(api, user, courses[0], 1, active=False, enrollment_days=90), courses[0])
        assert (grant["active"], grant["enrollment_days"], grant["max_seats"]) == (False, 90, 2)

    def test_unlimited_stays_unlimited(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], max_seats=None)
        grant = grant_in(add_seats(api, user, courses[0], 5), courses[0])
        assert (grant["max_seats"], grant["seats_available"]) == (None, None)

    def test_none_is_lost_when_many_are_added_at_once(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        at_once(lambda _: add_seats(api, user, courses[0], 3), range(10))
        assert grant_in(read_user(api, user), courses[0])["max_seats"] == 30

    @pytest.mark.parametrize("number", [0, -5, 1.5, "x", None, True, 10**9 + 1])
    def test_at_least_one_is_added(
        self, api: httpx.Client, unchanged_user: Json, courses: list[Json], number: Any
    ) -> None:
        body = grant_fields(courses[0], add_seats=number)
        assert errors_of(api.post(f"/users/seat/{unchanged_user['id']}", json=body)) == {"add_seats"}
        assert read_user(api, unchanged_user)["products"] == []

    @pytest.mark.parametrize("field", ["thinkific_id", "active", "add_seats", "enrollment_days"])
    def test_every_field_is_required(
        self, api: httpx.Client, unchanged_user: Json, courses: list[Json], field: str
    ) -> None:
        body = grant_fields(courses[0], add_seats=1)
        del body[field]
        assert errors_of(api.post(f"/users/seat/{unchanged_user['id']}", json=body)) == {field}


class TestProductReferences:
    """``thinkific_id`` here, ``enrollments`` of students: the productable id, else the product id."""

    @pytest.mark.parametrize("call", ["access", "seat"])
    def test_an_unknown_number_is_refused(
        self, api: httpx.Client, unchanged_user: Json, courses: list[Json], call: str
    ) -> None:
        body = grant_fields(courses[0], add_seats=1) | {"thinkific_id": 999_999_999}
        assert errors_of(api.post(f"/users/{call}/{unchanged_user['id']}", json=body)) == {"thinkific_id"}
        body = {"email": create_student(api)["email"], "user_email": unchanged_user["email"]}
        body |= {"enrollments": [courses[0]["productable_id"], 999_999_999, 999_999_998]}
        refused = api.post("/students/enroll", json=body)
        assert errors_of(refused) == {"enrollments.1", "enrollments.2"}

    def test_the_product_id_will_do_where_no_productable_has_it(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        course = courses[0]
        body = grant_fields(course) | {"thinkific_id": course["id"]}
        granted = grant_in(data_of(api.post(f"/users/access/{user['id']}", json=body)), course)
        assert (granted["product_id"], granted["thinkific_id"]) == (course["id"], course["productable_id"])
        student = create_student(api, enrollments=[course["id"]])
        assert enrollment_in(student, course)["thinkific_id"] == course["productable_id"]

    def test_a_productable_goes_before_a_product(
        self, api: httpx.Client, user: Json, school: School, courses: list[Json]
    ) -> None:
        namesake = school.add_course(id=courses[1]["id"])
        sync_catalogue(api)
        try:
            granted = set_access(api, user, namesake)["products"]
            assert [grant["product_id"] for grant in granted] == [namesake["id"]]
        finally:
            school.remove(namesake)
            sync_catalogue(api)

    def test_an_ambiguous_number_is_refused(
        self, api: httpx.Client, unchanged_user: Json, twins: tuple[Json, Json], courses: list[Json]
    ) -> None:
        for call in ("access", "seat"):
            body = grant_fields(twins[0], add_seats=1)
            assert errors_of(api.post(f"/users/{call}/{unchanged_user['id']}", json=body)) == {"thinkific_id"}
        body = {"product": twins[0]["productable_id"], "type": "expire_now"}
        path = f"/users/enrollments/{unchanged_user['id']}"
        assert errors_of(api.post(path, json=body)) == {"product"}
        assert api.post(path, json=body | {"productable_type": "Bundle"}).status_code == 200
        body = {"email": create_student(api)["email"], "user_email": unchanged_user["email"]}
        body |= {"enrollments": [courses[0]["productable_id"], twins[0]["productable_id"]]}
        assert errors_of(api.post("/students/enroll", json=body)) == {"enrollments.1"}

    def test_the_type_decides(self, api: httpx.Client, user: Json, twins: tuple[Json, Json]) -> None:
        for product in twins:
            shown = set_access(api, user, product, productable_type=product["productable_type"])
            assert grant_in(shown, product)["productable_type"] == product["productable_type"]
        assert len(shown["products"]) == 2

    def test_the_type_concerns_ambiguous_items_only(
        self, api: httpx.Client, user: Json, twins: tuple[Json, Json], courses: list[Json]
    ) -> None:
        _, bundle = twins
        student = enroll(api, create_student(api), user, courses[0], bundle, productable_type="Bundle")
        assert _product_ids(student) == {courses[0]["id"], bundle["id"]}

    def test_each_item_may_say_its_type(self, api: httpx.Client, twins: tuple[Json, Json], courses: list[Json]) -> None:
        items = [
            {"id": product["productable_id"], "productable_type": product["productable_type"]} for product in twins
        ]
        student = create_student(api, enrollments=[*items, courses[0]["productable_id"]])
        assert _product_ids(student) == {courses[0]["id"], *(product["id"] for product in twins)}

    @pytest.mark.parametrize("value", ["Chapter", 1, [], ""])
    def test_there_is_no_third_type(
        self, api: httpx.Client, unchanged_user: Json, twins: tuple[Json, Json], value: Any
    ) -> None:
        body = grant_fields(twins[0], productable_type=value)
        assert errors_of(api.post(f"/users/access/{unchanged_user['id']}", json=body)) <= {
            "productable_type",
            "thinkific_id",
        }

    def test_a_product_that_vanished_can_be_neither_granted_nor_enrolled(
        self, api: httpx.Client, user: Json, school: School
    ) -> None:
        course = school.add_course(name=unique("Withdrawn"))
        sync_catalogue(api)
        kept = set_access(api, user, course, max_seats=1)
        school.remove(course)
        sync_catalogue(api)
        for call in ("access", "seat"):
            body = grant_fields(course, add_seats=1)
            assert errors_of(api.post(f"/users/{call}/{user['id']}", json=body)) == {"thinkific_id"}
        body = {"email": create_student(api)["email"], "user_email": user["email"]}
        refused = api.post("/students/enroll", json=body | {"enrollments": [course["productable_id"]]})
        assert errors_of(refused) == {"enrollments.0"}
        assert read_user(api, user) == kept


def _product_ids(student: Json) -> set[int]:
    return {enrollment["product_id"] for enrollment in student["enrollments"]}
