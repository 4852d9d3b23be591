"""Contract, section 3: ``POST /users/enrollments/{id}``, when the enrollments of a user's students end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contract.operations import finished
from tests.contract.people import (
    Json,
    await_settled,
    create_student,
    create_user,
    data_of,
    enroll,
    enrollment_in,
    errors_of,
    grant_in,
    read_student,
    read_user,
    set_access,
)
from tests.contract.school import School


@pytest.fixture
def student(api: httpx.Client, user: Json, courses: list[Json]) -> Json:
    """Under the user, in the first course without an end."""
    set_access(api, user, courses[0], max_seats=5)
    made = create_student(api, user_email=user["email"], enrollments=[courses[0]["productable_id"]])
    return await_settled(api, made)


def change(api: httpx.Client, user: Json, product: Json, kind: str, **fields: Any) -> Json:
    """The finished operation."""
    body = {"product": product["productable_id"], "type": kind} | fields
    answer = api.post(f"/users/enrollments/{user['id']}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["id"] == user["id"]
    return finished(api, answer.json()["operation"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestTheFourTypes:
    def test_days_count_from_now(self, api: httpx.Client, user: Json, student: Json, courses: list[Json]) -> None:
        before = datetime.now(UTC)
        # Form builders send what is not filled in as an empty text.
        operation = change(api, user, courses[0], "days", expiry_days="10", expiry_date="")
        assert (operation["status"], operation["total"], operation["done"]) == ("succeeded", 1, 1)
        end = moment(enrollment_in(read_student(api, student), courses[0])["expiry_date"])
        assert before + timedelta(days=10) <= end <= datetime.now(UTC) + timedelta(days=10)

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2031-06-30", "2031-06-30T23:59:59.000000Z"),
            ("Jun 30 2031", "2031-06-30T23:59:59.000000Z"),
            ("June 30, 2031", "2031-06-30T23:59:59.000000Z"),
            ("30 Jun 2031 14:30", "2031-06-30T14:30:00.000000Z"),
            ("2031-06-30T12:00:00+02:00", "2031-06-30T10:00:00.000000Z"),
            ("30-Jun-2031", "2031-06-30T23:59:59.000000Z"),
            ("Mon, 30 Jun 2031 12:00:00 +0200", "2031-06-30T10:00:00.000000Z"),
            ("2031-06-30 12:00:00 UTC", "2031-06-30T12:00:00.000000Z"),
            ("Mon Jun 30 2031 12:00:00 GMT+0200 (Central European Summer Time)", "2031-06-30T10:00:00.000000Z"),
        ],
    )
    def test_a_date_is_iso_or_english(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json], written: str, meant: str
    ) -> None:
        change(api, user, courses[0], "date", expiry_date=written)
        assert enrollment_in(read_student(api, student), courses[0])["expiry_date"] == meant

    def test_a_past_date_ends_access_and_frees_the_seat(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json]
    ) -> None:
        change(api, user, courses[0], "date", expiry_date="Jun 30 2023")
        ended = enrollment_in(read_student(api, student), courses[0])
        assert (ended["status"], ended["expiry_date"]) == ("expired", "2023-06-30T23:59:59.000000Z")
        assert grant_in(read_user(api, user), courses[0])["seats_used"] == 0

    def test_expire_now_sends_the_end_of_yesterday(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json], school: School
    ) -> None:
        change(api, user, courses[0], "expire_now")
        yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT23:59:59")
        ended = enrollment_in(read_student(api, student), courses[0])
        assert (ended["status"], ended["expiry_date"]) == ("expired", f"{yesterday}.000000Z")
        (row,) = school.enrollments(student["email"])
        assert row["expiry_date"] == f"{yesterday}.000Z"
        assert row["expired"] is True

    def test_a_moment_of_today_ends_access_as_yesterday_does(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json], school: School
    ) -> None:
        """Thinkific goes by the day: what is past already is sent no later than the end of yesterday."""
        just_now = datetime.now(UTC) - timedelta(seconds=1)
        change(api, user, courses[0], "date", expiry_date=just_now.isoformat())
        yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT23:59:59")
        ended = enrollment_in(read_student(api, student), courses[0])
        assert (ended["status"], ended["expiry_date"]) == ("expired", f"{yesterday}.000000Z")
        (row,) = school.enrollments(student["email"])
        assert row["expiry_date"] == f"{yesterday}.000Z"

    def test_no_expiry_is_ten_years(self, api: httpx.Client, user: Json, student: Json, courses: list[Json]) -> None:
        change(api, user, courses[0], "no_expiry", expiry_days="", expiry_date="")
        end = moment(enrollment_in(read_student(api, student), courses[0])["expiry_date"])
        assert end.year == datetime.now(UTC).year + 10


class TestWhomItTouches:
    def test_an_expired_enrollment_is_reactivated_and_takes_its_seat_again(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json], school: School
    ) -> None:
        change(api, user, courses[0], "expire_now")
        change(api, user, courses[0], "days", expiry_days=5)
        assert enrollment_in(read_student(api, student), courses[0])["status"] == "active"
        assert grant_in(read_user(api, user), courses[0])["seats_used"] == 1
        (row,) = school.enrollments(student["email"])
        assert row["expired"] is False

    def test_a_student_shared_with_another_user_changes_for_both(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json]
    ) -> None:
        other = create_user(api)
        enroll(api, student, other, courses[0])
        change(api, other, courses[0], "expire_now")
        assert enrollment_in(read_student(api, student), courses[0])["status"] == "expired"
        assert grant_in(read_user(api, user), courses[0])["seats_used"] == 0

    def test_a_student_whom_another_user_enrolled_changes_with_the_associated(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json]
    ) -> None:
        other = create_user(api)
        data_of(api.post("/students/associate", json={"email": student["email"], "user_email": other["email"]}))
        operation = change(api, other, courses[0], "expire_now")
        assert (operation["status"], operation["total"]) == ("succeeded", 1)
        assert enrollment_in(read_student(api, student), courses[0])["status"] == "expired"

    def test_a_student_of_somebody_else_does_not(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json]
    ) -> None:
        operation = change(api, create_user(api), courses[0], "expire_now")
        assert (operation["status"], operation["total"]) == ("succeeded", 0)
        assert enrollment_in(read_student(api, student), courses[0])["status"] == "active"

    def test_a_student_without_an_enrollment_in_it_gets_none(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json]
    ) -> None:
        operation = change(api, user, courses[1], "days", expiry_days=5)
        assert (operation["status"], operation["total"]) == ("succeeded", 0)
        assert len(read_student(api, student)["enrollments"]) == 1

    def test_a_bundle_changes_with_its_courses_in_one_call(
        self, api: httpx.Client, user: Json, bundle: Json, school: School
    ) -> None:
        made = create_student(
            api,
            user_email=user["email"],
            enrollments=[{"id": bundle["productable_id"], "productable_type": "Bundle"}],
        )
        await_settled(api, made)
        mark = school.mark()
        change(api, user, bundle, "date", expiry_date="2031-06-30", productable_type="Bundle")
        ends = {row["expiry_date"] for row in school.enrollments(made["email"])}
        assert ends == {"2031-06-30T23:59:59.000Z"}
        assert len(school.calls_since(mark, f"^/bundles/{bundle['productable_id']}/")) == 1

    def test_those_whom_thinkific_refuses_are_listed(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json], school: School
    ) -> None:
        with school.troubled(
            {"kind": "error_before", "status": 422, "method": "PUT", "path": "^/enrollments/", "times": 1}
        ):
            operation = change(api, user, courses[0], "days", expiry_days=5)
        assert (operation["status"], operation["failed"]) == ("failed", 1)
        (failure,) = operation["failures"]
        assert (failure["student_id"], failure["email"]) == (student["id"], student["email"])
        assert failure["error"]

    def test_where_some_are_refused_it_is_partial(
        self, api: httpx.Client, user: Json, student: Json, courses: list[Json], school: School
    ) -> None:
        other = create_student(api, user_email=user["email"], enrollments=[courses[0]["productable_id"]])
        await_settled(api, other)
        (row,) = school.enrollments(other["email"])
        with school.troubled(
            {"kind": "error_before", "status": 422, "method": "PUT", "path": f"^/enrollments/{row['id']}$", "times": 1}
        ):
            operation = change(api, user, courses[0], "days", expiry_days=5)
        assert operation["status"] == "partial"
        assert (operation["total"], operation["done"], operation["failed"]) == (2, 1, 1)
        assert [failure["student_id"] for failure in operation["failures"]] == [other["id"]]


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"type": "days"}, {"expiry_days"}),
            ({"type": "days", "expiry_days": ""}, {"expiry_days"}),
            ({"type": "days", "expiry_days": 0}, {"expiry_days"}),
            ({"type": "days", "expiry_days": 36_501}, {"expiry_days"}),
            ({"type": "date"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "someday"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": 20310630}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "1820102400000"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "1820102400"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "20310630"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "06/07/2031"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "2031-06-30_12:00"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "1989-12-31"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "2201-01-01"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "9999-12-31T23:59:59-23:00"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": "2031-02-30"}, {"expiry_date"}),
            ({"type": "date", "expiry_date": ""}, {"expiry_date"}),
            ({"type": "weeks"}, {"type"}),
            ({"product": None, "type": "expire_now"}, {"product"}),
            ({"product": 999_999_999, "type": "expire_now"}, {"product"}),
        ],
    )
    def test_the_field_is_named(
        self, api: httpx.Client, user: Json, courses: list[Json], fields: Json, named: set[str]
    ) -> None:
        body = {"product": courses[0]["productable_id"]} | fields
        assert errors_of(api.post(f"/users/enrollments/{user['id']}", json=body)) == named
