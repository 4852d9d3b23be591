"""Contract, sections 2 and 4: students and their enrollments."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contract.at_once import at_once
from tests.contract.operations import finished
from tests.contract.people import (
    Json,
    an_email,
    await_settled,
    create_student,
    create_user,
    data_of,
    enroll,
    enrollment_in,
    errors_of,
    newest_rows,
    read_student,
    set_access,
    statuses,
    student_fields,
)
from tests.contract.shapes import STUDENT, assert_shape

_UNKNOWN = 999_999_999


class TestTheResource:
    def test_it_has_exactly_its_keys(self, api: httpx.Client, user: Json, courses: list[Json], bundle: Json) -> None:
        set_access(api, user, courses[0], enrollment_days=30)
        student = enroll(api, create_student(api), user, courses[0], bundle)
        assert len(student["users"]) == len(student["enrollments"]) == 2
        assert_shape(student, STUDENT)

    def test_every_call_shows_the_same(self, api: httpx.Client, user: Json) -> None:
        student = create_student(api, user_email=user["email"])
        assert read_student(api, student) == student
        assert student in newest_rows(api, "/students")

    def test_it_is_read_by_its_id_here(self, api: httpx.Client, courses: list[Json]) -> None:
        student = await_settled(api, create_student(api, enrollments=[courses[0]["productable_id"]]))
        assert student["thinkific_id"] != student["id"]
        assert api.get(f"/students/{student['thinkific_id']}").status_code == 404


class TestUpserting:
    def test_it_answers_201_with_what_was_given(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        course = courses[0]
        fields = student_fields(user_email=user["email"], enrollments=[course["productable_id"]])
        student = data_of(api.post("/students", json=fields), status=201)
        assert {key: student[key] for key in ("first_name", "last_name", "email")} == {
            key: fields[key] for key in ("first_name", "last_name", "email")
        }
        assert student["thinkific_id"] is None
        assert student["users"] == [{"id": user["id"], "name": user["name"], "email": user["email"]}]
        enrollment = enrollment_in(student, course)
        assert enrollment.pop("activated_at")
        assert enrollment == {
            "product_id": course["id"],
            "thinkific_id": course["productable_id"],
            "productable_type": "Course",
            "name": course["name"],
            "status": "pending",
            "error": None,
            "expiry_date": None,
            "percentage_completed": None,
        }

    def test_without_a_user_it_belongs_to_the_tokens(self, api: httpx.Client) -> None:
        (under,) = create_student(api)["users"]
        assert data_of(api.get(f"/users/{under['id']}"))["role"] == "admin"

    def test_names_are_overwritten(self, api: httpx.Client) -> None:
        student = create_student(api)
        body = {"first_name": "Grace", "last_name": "Hopper", "email": student["email"]}
        renamed = data_of(api.post("/students", json=body))
        assert (renamed["id"], renamed["first_name"], renamed["last_name"]) == (student["id"], "Grace", "Hopper")

    def test_users_and_enrollments_are_added_and_never_removed(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        first, second = courses[:2]
        fields = student_fields(user_email=user["email"], enrollments=[first["productable_id"]])
        data_of(api.post("/students", json=fields), status=201)
        other = create_user(api)
        more = {"user_email": other["email"], "enrollments": [second["productable_id"]]}
        student = data_of(api.post("/students", json=fields | more))
        assert _product_ids(student) == [first["id"], second["id"]]
        assert [under["id"] for under in student["users"]] == [user["id"], other["id"]]
        student = data_of(api.post("/students", json=fields | {"enrollments": []}))
        assert _product_ids(student) == [first["id"], second["id"]]

    def test_a_repeat_changes_nothing(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        fields = student_fields(user_email=user["email"], enrollments=[courses[0]["productable_id"]])
        created = data_of(api.post("/students", json=fields), status=201)
        repeated = data_of(api.post("/students", json=fields))
        assert _without_status(repeated) == _without_status(created)

    def test_duplicates_count_once(self, api: httpx.Client, courses: list[Json]) -> None:
        number = courses[0]["productable_id"]
        student = create_student(api, enrollments=[number, str(number), courses[0]["id"], {"id": number}])
        assert _product_ids(student) == [courses[0]["id"]]

    @pytest.mark.parametrize(
        "written",
        [
            lambda one, two: f"{one},{two}",
            lambda one, two: f" {one} , {two}, ",
            lambda one, two: {"0": one, "2": two},
            lambda one, two: {"first": str(one), "second": {"id": two}},
            lambda one, two: [one, "", None, float(two)],
            lambda one, two: [{"id": str(one), "productable_type": "course"}, {"id": two, "productable_type": ""}],
            lambda one, two: [{"thinkific_id": one, "productable_type": "Course", "status": "active"}, two],
            lambda one, two: [{"id": None, "thinkific_id": one}, {"id": 1, "productable_id": two}],
        ],
        ids=["text", "text with blanks", "gaps", "keys", "empty ones", "objects", "an enrollment", "a product"],
    )
    def test_enrollments_may_be_written_as_programs_do(
        self, api: httpx.Client, courses: list[Json], written: Callable[[int, int], Any]
    ) -> None:
        one, two = courses[:2]
        student = create_student(api, enrollments=written(one["productable_id"], two["productable_id"]))
        assert _product_ids(student) == [one["id"], two["id"]]

    @pytest.mark.parametrize(
        "written",
        [int, str, float, lambda number: {"id": number}, lambda number: {"thinkific_id": number}],
        ids=["a number", "text", "a float", "an object", "an enrollment"],
    )
    def test_one_enrollment_needs_no_list(
        self, api: httpx.Client, courses: list[Json], written: Callable[[int], Any]
    ) -> None:
        student = create_student(api, enrollments=written(courses[0]["productable_id"]))
        assert _product_ids(student) == [courses[0]["id"]]

    @pytest.mark.parametrize("nothing", ["", " ", None, [], {}, [None, ""], ",", {"0": ""}])
    def test_no_enrollments_may_be_written_in_many_ways(self, api: httpx.Client, nothing: Any) -> None:
        assert create_student(api, enrollments=nothing)["enrollments"] == []

    def test_a_student_may_be_sent_back_as_it_was_read(
        self, api: httpx.Client, user: Json, courses: list[Json], bundle: Json
    ) -> None:
        items = [courses[0]["productable_id"], {"id": bundle["productable_id"], "productable_type": "Bundle"}]
        read = await_settled(api, create_student(api, user_email=user["email"], enrollments=items))
        sent_back = data_of(api.post("/students", json=read | {"user_email": user["email"]}))
        assert _without_status(sent_back) == _without_status(read)
        assert data_of(api.put(f"/students/{read['id']}", json=read))["id"] == read["id"]

    def test_products_may_be_sent_as_they_were_read(self, api: httpx.Client, courses: list[Json], bundle: Json) -> None:
        student = create_student(api, enrollments=[courses[0], bundle])
        assert {*_product_ids(student)} == {courses[0]["id"], bundle["id"]}

    @pytest.mark.parametrize(
        ("wrong", "fields"),
        [
            ({"user_email": "nobody@example.com"}, {"user_email"}),
            ({"user_email": "no address"}, {"user_email"}),
            ({"enrollments": [_UNKNOWN]}, {"enrollments.0"}),
            ({"enrollments": "x"}, {"enrollments.0"}),
            ({"enrollments": True}, {"enrollments"}),
            ({"enrollments": {"id": 1}}, {"enrollments.0"}),
            ({"enrollments": f"{_UNKNOWN}, {_UNKNOWN}"}, {"enrollments.0", "enrollments.1"}),
            ({"enrollments": {"3": _UNKNOWN, "5": "x"}}, {"enrollments.5"}),
            ({"enrollments": [_UNKNOWN], "user_email": "nobody@example.com"}, {"enrollments.0", "user_email"}),
        ],
    )
    def test_a_refusal_creates_no_student(self, api: httpx.Client, wrong: Json, fields: set[str]) -> None:
        body = student_fields()
        assert errors_of(api.post("/students", json=body | wrong)) == fields
        assert api.post("/students", json=body).status_code == 201

    def test_enrolling_takes_as_many(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        student, number = create_student(api), courses[0]["productable_id"]
        body = {"email": student["email"], "user_email": user["email"]}
        refused = api.post("/students/enroll", json=body | {"enrollments": [number] * 501})
        assert errors_of(refused) == {"enrollments"}
        assert _product_ids(enroll(api, student, user, *courses[:1] * 500)) == [courses[0]["id"]]

    def test_a_call_has_500_enrollments_at_most(self, api: httpx.Client, courses: list[Json]) -> None:
        number = courses[0]["productable_id"]
        assert errors_of(api.post("/students", json=student_fields(enrollments=[number] * 501))) == {"enrollments"}
        assert _product_ids(create_student(api, enrollments=[number] * 500)) == [courses[0]["id"]]

    def test_two_at_once_for_one_email_make_one_student(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        fields = student_fields(user_email=user["email"])
        bodies = [fields | {"enrollments": [course["productable_id"]]} for course in courses[:6]]
        responses = at_once(lambda body: api.post("/students", json=body), bodies)
        assert sorted(response.status_code for response in responses) == [*[200] * 5, 201]
        (identifier,) = {response.json()["data"]["id"] for response in responses}
        student = read_student(api, {"id": identifier})
        assert _product_ids(student) == [course["id"] for course in courses[:6]]


class TestEnrolling:
    def test_it_answers_200_with_pending_enrollments(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        student = enroll(api, create_student(api), user, *courses[:2])
        assert _product_ids(student) == [course["id"] for course in courses[:2]]
        assert statuses(student) == {"pending"}

    def test_it_brings_the_student_under_the_user(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        student = create_student(api)
        (admin,) = student["users"]
        enrolled = enroll(api, student, user, courses[0])
        assert [under["id"] for under in enrolled["users"]] == [admin["id"], user["id"]]
        assert enroll(api, student, user, courses[0])["users"] == enrolled["users"]

    @pytest.mark.parametrize("field", ["email", "user_email"])
    def test_student_and_user_must_exist(self, api: httpx.Client, user: Json, courses: list[Json], field: str) -> None:
        body = {"email": create_student(api)["email"], "user_email": user["email"]}
        body |= {field: an_email("nobody"), "enrollments": [courses[0]["productable_id"]]}
        assert errors_of(api.post("/students/enroll", json=body)) == {field}

    @pytest.mark.parametrize(
        ("enrollments", "fields"), [([], {"enrollments"}), ([_UNKNOWN], {"enrollments.0"}), (None, {"enrollments"})]
    )
    def test_at_least_one_known_product_is_needed(
        self, api: httpx.Client, user: Json, enrollments: Any, fields: set[str]
    ) -> None:
        student = create_student(api)
        body = {"email": student["email"], "user_email": user["email"], "enrollments": enrollments}
        assert errors_of(api.post("/students/enroll", json=body)) == fields
        assert read_student(api, student) == student

    def test_one_unknown_product_enrolls_in_none(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        student = create_student(api)
        body = {"email": student["email"], "user_email": user["email"]}
        refused = api.post("/students/enroll", json=body | {"enrollments": [courses[0]["productable_id"], _UNKNOWN]})
        assert errors_of(refused) == {"enrollments.1"}
        assert read_student(api, student) == student

    def test_it_keeps_the_names(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        student = create_student(api)
        enrolled = enroll(api, student, user, courses[0], first_name="Other")
        assert (enrolled["first_name"], enrolled["last_name"]) == (student["first_name"], student["last_name"])


class TestExpiry:
    def test_it_is_the_grants_days_from_the_enrollment(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], enrollment_days=90)
        enrollment = enrollment_in(enroll(api, create_student(api), user, courses[0]), courses[0])
        activated, expiry = (datetime.fromisoformat(enrollment[key]) for key in ("activated_at", "expiry_date"))
        assert timedelta(days=90) - timedelta(seconds=10) <= expiry - activated <= timedelta(days=90, seconds=10)

    @pytest.mark.parametrize("days", [None, 0], ids=["no grant", "a grant of 0 days"])
    def test_there_is_none_without_days(
        self, api: httpx.Client, user: Json, courses: list[Json], days: int | None
    ) -> None:
        if days is not None:
            set_access(api, user, courses[0], enrollment_days=days)
        student = enroll(api, create_student(api), user, courses[0])
        assert enrollment_in(student, courses[0])["expiry_date"] is None

    @pytest.mark.parametrize(
        ("first", "second", "winner"), [(30, 10, 30), (30, 60, 60), (30, 0, 0), (0, 30, 0), (30, 30, 30)]
    )
    def test_the_later_one_wins(
        self, api: httpx.Client, user: Json, courses: list[Json], first: int, second: int, winner: int
    ) -> None:
        student = create_student(api)
        for days in (first, second):
            set_access(api, user, courses[0], enrollment_days=days)
            student = enroll(api, student, user, courses[0])
        enrollment = enrollment_in(student, courses[0])
        if winner == 0:
            assert enrollment["expiry_date"] is None
        else:
            activated, expiry = (datetime.fromisoformat(enrollment[key]) for key in ("activated_at", "expiry_date"))
            assert abs(expiry - activated - timedelta(days=winner)) < timedelta(minutes=1)

    def test_an_ended_enrollment_starts_again(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], enrollment_days=30)
        student = await_settled(api, enroll(api, create_student(api), user, courses[0]))
        body = {"product": courses[0]["productable_id"], "type": "expire_now"}
        finished(api, api.post(f"/users/enrollments/{user['id']}", json=body).json()["operation"])
        assert enrollment_in(read_student(api, student), courses[0])["status"] == "expired"
        before = datetime.now(UTC)
        again = enrollment_in(enroll(api, student, user, courses[0]), courses[0])
        assert again["status"] == "pending"
        assert datetime.fromisoformat(again["expiry_date"]) >= before + timedelta(days=30)
        assert statuses(await_settled(api, student)) == {"active"}


def _product_ids(student: Json) -> list[int]:
    return [enrollment["product_id"] for enrollment in student["enrollments"]]


def _without_status(student: Json) -> Json:
    """What Thinkific's following does not change."""
    rows = [{key: row[key] for key in row if key != "status"} for row in student["enrollments"]]
    return {key: student[key] for key in student if key not in ("thinkific_id", "updated_at")} | {"enrollments": rows}
