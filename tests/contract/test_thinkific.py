"""Contract, section 7: what reaches Thinkific, seen from Thinkific."""

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.contract.at_once import at_once
from tests.contract.operations import finished, sync_catalogue
from tests.contract.people import (
    Json,
    an_email,
    await_settled,
    create_student,
    create_user,
    enroll,
    enrollment_in,
    read_student,
    read_user,
    rows_of,
    set_access,
    statuses,
    student_fields,
    unique,
)
from tests.contract.school import School
from tests.local_stack import LocalStack, await_that


class TestEnrolling:
    def test_a_new_student_gets_an_account_and_access(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], enrollment_days=30)
        student = enroll(api, create_student(api), user, courses[0])
        assert enrollment_in(student, courses[0])["status"] == "pending"
        student = await_settled(api, student)
        enrollment = enrollment_in(student, courses[0])
        assert (enrollment["status"], enrollment["error"]) == ("active", None)

        (account,) = school.users(student["email"])
        assert student["thinkific_id"] == account["id"]
        assert (account["first_name"], account["last_name"]) == (student["first_name"], student["last_name"])
        (row,) = school.enrollments(student["email"])
        assert (row["course_id"], row["user_id"]) == (courses[0]["productable_id"], account["id"])
        assert _same_second(row["activated_at"], enrollment["activated_at"])
        assert _same_second(row["expiry_date"], enrollment["expiry_date"])

    def test_access_without_an_end_has_none_there(self, api: httpx.Client, school: School, courses: list[Json]) -> None:
        student = _active(api, create_student(api, enrollments=[courses[0]["productable_id"]]))
        (row,) = school.enrollments(student["email"])
        assert (row["expiry_date"], row["expired"]) == (None, False)
        assert row["activated_at"]

    def test_a_bundle_is_enrolled_as_one(self, api: httpx.Client, school: School, bundle: Json) -> None:
        student = _active(api, create_student(api, enrollments=[bundle["productable_id"]]))
        rows = school.enrollments(student["email"])
        assert sorted(row["course_id"] for row in rows) == sorted(bundle["course_ids"])
        writes = [call["path"] for call in school.calls_about(student["email"]) if call["method"] == "POST"]
        assert writes == ["/users", f"/bundles/{bundle['productable_id']}/enrollments"]

    def test_a_student_without_enrollments_is_no_business_of_thinkific(
        self, api: httpx.Client, school: School, courses: list[Json]
    ) -> None:
        idle = create_student(api)
        _active(api, create_student(api, enrollments=[courses[0]["productable_id"]]))
        assert read_student(api, idle)["thinkific_id"] is None
        assert school.calls_about(idle["email"]) == []

    def test_someone_whom_thinkific_knows_is_found(
        self, api: httpx.Client, school: School, courses: list[Json]
    ) -> None:
        email = an_email("Known")
        account = school.add_user(first_name="Known", last_name="Before", email=email.lower())
        number = courses[0]["productable_id"]
        student = _active(api, create_student(api, email=email.title(), enrollments=[number]))
        assert student["thinkific_id"] == account["id"]
        assert [found["id"] for found in school.users(email)] == [account["id"]]

    def test_what_thinkific_has_already_is_not_made_again(
        self, api: httpx.Client, school: School, courses: list[Json]
    ) -> None:
        email = an_email("enrolled")
        account = school.add_user(first_name="Known", last_name="Before", email=email)
        with school.switched(existing_enrollment="reject"):
            school.enroll(account, courses[0], activated_at="2026-01-01T00:00:00Z", expiry_date="2026-01-02T00:00:00Z")
            student = create_student(api, email=email, enrollments=[courses[0]["productable_id"]])
            _active(api, student)
        (row,) = school.enrollments(email)
        assert row["activated_at"]
        assert _has_access(row)

    def test_how_far_the_student_is_is_known_with_it(
        self, api: httpx.Client, school: School, courses: list[Json]
    ) -> None:
        email = an_email("halfway")
        account = school.add_user(first_name="Known", last_name="Before", email=email)
        school.enroll(account, courses[0], activated_at="2026-01-01T00:00:00Z")
        (row,) = school.enrollments(email)
        school.progress(row, 0.5)
        student = _active(api, create_student(api, email=email, enrollments=[courses[0]["productable_id"]]))
        assert enrollment_in(student, courses[0])["percentage_completed"] == 50

    def test_a_longer_access_is_sent_too(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json]
    ) -> None:
        student = create_student(api)
        for days in (30, 60):
            set_access(api, user, courses[0], enrollment_days=days)
            student = _active(api, enroll(api, student, user, courses[0]))
        (row,) = school.enrollments(student["email"])
        assert _same_second(row["expiry_date"], enrollment_in(student, courses[0])["expiry_date"])

    @pytest.mark.parametrize("put_null_clears_expiry", [False, True])
    def test_lifting_the_limit_lifts_it_there(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json], put_null_clears_expiry: bool
    ) -> None:
        set_access(api, user, courses[0], enrollment_days=30)
        student = _active(api, enroll(api, create_student(api), user, courses[0]))
        set_access(api, user, courses[0], enrollment_days=0)
        with school.switched(put_null_clears_expiry=put_null_clears_expiry):
            student = _active(api, enroll(api, student, user, courses[0]))
        assert enrollment_in(student, courses[0])["expiry_date"] is None
        (row,) = school.enrollments(student["email"])
        assert _lasts_for_years(row)


class TestFewCalls:
    """Thinkific takes 120 calls a minute from the whole site."""

    @pytest.fixture(autouse=True)
    def _quiet(self, api: httpx.Client) -> None:
        """Nothing of other tests is under way."""
        await_that(lambda: not _anyone_pending(api), what="Quiet")

    def test_at_most_6_for_a_new_student_with_3_products(
        self, api: httpx.Client, school: School, courses: list[Json], bundle: Json
    ) -> None:
        mark = school.mark()
        numbers = [product["productable_id"] for product in (courses[0], courses[1], bundle)]
        _active(api, create_student(api, enrollments=numbers))
        calls = _calls_of_the_sync(school, mark)
        assert len(calls) <= 6, calls

    def test_a_group_is_within_the_6(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json], bundle: Json
    ) -> None:
        answer = api.post(f"/users/group/{user['id']}", json={"name": unique("Group")})
        finished(api, answer.json()["operation"])
        mark = school.mark()
        numbers = [product["productable_id"] for product in (courses[0], courses[1], bundle)]
        student = _active(api, create_student(api, user_email=user["email"], enrollments=numbers))
        calls = _calls_of_the_sync(school, mark)
        assert len(calls) <= 6, calls
        group = read_user(api, user)["group"]["id"]
        assert school.group_members(group) == {student["thinkific_id"]}

    @pytest.mark.parametrize("kind", ["Course", "Bundle"])
    def test_at_most_2_for_one_enrollment_of_a_known_student(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json], bundle: Json, kind: str
    ) -> None:
        student = _active(api, create_student(api, enrollments=[courses[2]["productable_id"]]))
        mark = school.mark()
        _active(api, enroll(api, student, user, bundle if kind == "Bundle" else courses[0]))
        calls = _calls_of_the_sync(school, mark)
        assert len(calls) <= 2, calls

    def test_at_most_2_for_a_changed_expiry(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], enrollment_days=30)
        student = _active(api, enroll(api, create_student(api), user, courses[0]))
        set_access(api, user, courses[0], enrollment_days=60)
        mark = school.mark()
        _active(api, enroll(api, student, user, courses[0]))
        calls = _calls_of_the_sync(school, mark)
        assert len(calls) <= 2, calls

    def test_none_for_what_is_there_already(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json]
    ) -> None:
        student = _active(api, enroll(api, create_student(api), user, courses[0]))
        mark = school.mark()
        _active(api, enroll(api, student, user, courses[0]))
        _active(api, create_student(api, enrollments=[courses[0]["productable_id"]]))
        about = {call["id"] for call in school.calls_about(student["email"])}
        assert not about & {call["id"] for call in school.calls_since(mark)}


class TestALargeBundle:
    def test_it_stays_pending_until_every_course_is_there(
        self, api: httpx.Client, school: School, large_bundle: Json
    ) -> None:
        with school.switched(async_delay=3.0):
            student = create_student(api, enrollments=[large_bundle["productable_id"]])
            await_that(lambda: _answered_202(school, student), what="The 202")

            def courses_are_there() -> bool:
                seen = read_student(api, student)
                if school.enrollments(student["email"]):
                    return True
                assert statuses(seen) == {"pending"}
                return False

            await_that(courses_are_there, what="The building of the bundle")
            _active(api, student)
        courses = sorted(row["course_id"] for row in school.enrollments(student["email"]))
        assert courses == sorted(large_bundle["course_ids"])
        writes = [call["path"] for call in school.calls_about(student["email"]) if call["method"] == "POST"]
        assert writes == ["/users", f"/bundles/{large_bundle['productable_id']}/enrollments"]


class TestARefusalForGood:
    @pytest.fixture
    def withdrawn(self, api: httpx.Client, school: School) -> Json:
        """A course that Thinkific has removed since the catalogue was read: enrolling in it is a 422 for ever."""
        course = school.add_course()
        sync_catalogue(api)
        school.remove(course)
        return course

    def test_it_fails_with_a_reason_and_enrolling_again_retries(
        self, api: httpx.Client, school: School, user: Json, withdrawn: Json, courses: list[Json]
    ) -> None:
        student = await_settled(api, enroll(api, create_student(api), user, withdrawn, courses[0]))
        failed = enrollment_in(student, withdrawn)
        assert failed["status"] == "failed"
        assert failed["error"]
        assert enrollment_in(student, courses[0])["status"] == "active"

        school.restore(withdrawn)
        student = enroll(api, student, user, withdrawn)
        assert enrollment_in(student, withdrawn)["status"] == "pending"
        assert enrollment_in(student, withdrawn)["error"] is None
        student = _active(api, student)
        assert withdrawn["productable_id"] in {row["course_id"] for row in school.enrollments(student["email"])}


class TestTrouble:
    """Whatever Thinkific does, the enrollment is made, and once."""

    _KINDS = (
        {"kind": "error_before", "status": 520},
        {"kind": "error_after", "status": 524},
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "rate_limited"},
    )

    def test_a_course_is_enrolled_exactly_once(self, api: httpx.Client, school: School, courses: list[Json]) -> None:
        numbers = [courses[0]["productable_id"]]
        meets = (("GET", "^/users$"), ("POST", "^/users$"), ("POST", "^/enrollments$"))
        faults = [fault | {"method": method, "path": path} for method, path in meets for fault in self._KINDS]
        with school.switched(existing_enrollment="duplicate"), school.troubled(*faults):
            students = at_once(lambda _: create_student(api, enrollments=numbers), faults)
            students = [_active(api, student) for student in students]
        for student in students:
            assert len(school.users(student["email"])) == 1
            assert len(school.enrollments(student["email"])) == 1

    def test_a_bundle_is_enrolled_in_the_end(self, api: httpx.Client, school: School, bundle: Json) -> None:
        path = f"^/bundles/{bundle['productable_id']}/enrollments$"
        faults = [fault | {"method": "POST", "path": path} for fault in self._KINDS]
        with school.troubled(*faults):
            students = at_once(
                lambda _: create_student(api, enrollments=[bundle["productable_id"]]), range(len(faults))
            )
            students = [_active(api, student) for student in students]
        for student in students:
            assert len(school.enrollments(student["email"])) == len(bundle["course_ids"])


@pytest.mark.local
def test_one_users_enrollment_starts_within_a_minute_whatever_others_have_queued(tmp_path: Path) -> None:
    """With the budget of a real site: the others' enrollments take Thinkific some two minutes."""
    stack = LocalStack(tmp_path / "data", environment={"THINKIFIC_RATE_PER_MINUTE": "100"})
    try:
        with stack.api() as api, stack.simulator() as client:
            school = School(client)
            sync_catalogue(api)
            (course, *_) = rows_of(api.get("/products"))
            numbers = [course["productable_id"]]
            large, small = create_user(api), create_user(api)
            at_once(
                lambda _: create_student(api, user_email=large["email"], enrollments=numbers),
                range(70),
            )
            student = create_student(api, user_email=small["email"], enrollments=numbers)
            await_that(lambda: school.calls_about(student["email"]), seconds=60, what="The start")
            assert _anyone_pending(api)
            assert {call["status"] for call in school.calls_since(0)}.isdisjoint({429})
    finally:
        stack.stop()


def test_two_calls_at_once_make_one_account(api: httpx.Client, school: School, courses: list[Json]) -> None:
    fields = student_fields()
    owners = [create_user(api) for _ in range(4)]
    bodies = [
        fields | {"user_email": owner["email"], "enrollments": [course["productable_id"]]}
        for owner, course in zip(owners, courses, strict=False)
    ]
    responses = at_once(lambda body: api.post("/students", json=body), bodies)
    student = _active(api, responses[0].json()["data"])
    assert len(school.users(student["email"])) == 1
    assert len(school.enrollments(student["email"])) == 4


def _active(api: httpx.Client, student: Json) -> Json:
    """The student once every enrollment is active."""
    settled = await_settled(api, student)
    assert statuses(settled) == {"active"}, settled["enrollments"]
    return settled


def _anyone_pending(api: httpx.Client) -> bool:
    page = api.get("/students", params={"per_page": 100}).json()
    while True:
        if any("pending" in statuses(student) for student in page["data"]):
            return True
        if page["links"]["next"] is None:
            return False
        page = api.get(page["links"]["next"]).json()


def _calls_of_the_sync(school: School, mark: int) -> list[str]:
    """The calls since, without a catalogue refresh by schedule."""
    calls = [f"{call['method']} {call['path']}" for call in school.calls_since(mark)]
    return [call for call in calls if not call.startswith("GET /products")]


def _answered_202(school: School, student: Json) -> bool:
    return any(call["status"] == 202 for call in school.calls_about(student["email"]))


def _same_second(there: str, here: str) -> bool:
    """Thinkific drops fractions of a second."""
    return datetime.fromisoformat(there) == datetime.fromisoformat(here).replace(microsecond=0)


def _has_access(row: Json) -> bool:
    return not row["expired"] and row["activated_at"] is not None


def _lasts_for_years(row: Json) -> bool:
    if row["expiry_date"] is None:
        return True
    left = datetime.fromisoformat(row["expiry_date"]) - datetime.fromisoformat(row["updated_at"])
    return left > timedelta(days=9 * 365)
