"""Contract, sections 2 and 4: what Thinkific refuses of a student's name or e-mail, and what does not stay refused."""

import httpx
import pytest
from tests.contract.people import (
    Json,
    an_email,
    await_settled,
    create_student,
    data_of,
    enrollment_in,
    read_student,
)
from tests.contract.school import School
from tests.local_stack import await_that


@pytest.fixture
def student(api: httpx.Client, courses: list[Json]) -> Json:
    return known_student(api, courses)


def known_student(api: httpx.Client, courses: list[Json]) -> Json:
    """Thinkific has an account for it."""
    return await_settled(api, create_student(api, enrollments=[courses[0]["productable_id"]]))


def change_email(api: httpx.Client, student: Json, email: str) -> Json:
    body = {name: student[name] for name in ("first_name", "last_name")} | {"email": email}
    return data_of(api.put(f"/students/{student['id']}", json=body))


def await_email(school: School, student: Json, email: str) -> None:
    def has_it() -> bool:
        return [account["id"] for account in school.users(email)] == [student["thinkific_id"]]

    await_that(has_it, what=f"{email} with the account of its student")


def await_error(api: httpx.Client, student: Json) -> str:
    def error() -> str | None:
        found: str | None = read_student(api, student)["sync_error"]
        return found

    said: str = await_that(error, what="A sync_error")
    return said


def await_no_error(api: httpx.Client, student: Json) -> None:
    await_that(lambda: read_student(api, student)["sync_error"] is None, what="The end of the sync_error")


def test_an_address_of_another_account_there_shows_and_fails_no_enrollment(
    api: httpx.Client, school: School, student: Json, courses: list[Json]
) -> None:
    taken, free = an_email("taken"), an_email("free")
    school.add_user(first_name="Some", last_name="Body", email=taken)
    assert student["sync_error"] is None
    change_email(api, student, taken)
    assert "another account" in await_error(api, student)
    seen = read_student(api, student)
    assert (seen["email"], enrollment_in(seen, courses[0])["status"]) == (taken, "active")
    await_email(school, student, student["email"])
    change_email(api, student, free)
    await_email(school, student, free)
    await_no_error(api, student)


def test_an_address_that_another_student_gives_up_later_is_taken_then(
    api: httpx.Client, school: School, student: Json, courses: list[Json]
) -> None:
    other, taken, old = known_student(api, courses), an_email("taken"), student["email"]
    outsider = school.add_user(first_name="Some", last_name="Body", email=taken)
    change_email(api, student, taken)
    await_error(api, student)
    change_email(api, other, old)
    assert f"student {student['id']}" in await_error(api, other)
    assert outsider["id"] != student["thinkific_id"]
    change_email(api, student, an_email("free"))
    await_email(school, other, old)
    await_no_error(api, other)


def test_two_students_whose_addresses_are_swapped_end_right(
    api: httpx.Client, school: School, student: Json, courses: list[Json]
) -> None:
    other = known_student(api, courses)
    first, second = student["email"], other["email"]
    change_email(api, student, an_email("between"))
    change_email(api, other, first)
    change_email(api, student, second)
    await_email(school, student, second)
    await_email(school, other, first)
    assert [read_student(api, one)["sync_error"] for one in (student, other)] == [None, None]


def test_a_new_student_with_the_address_of_anothers_account_says_whose_and_heals(
    api: httpx.Client, school: School, student: Json, courses: list[Json]
) -> None:
    """The other has changed the address in Thinkific."""
    changed = an_email("changed")
    school.change_user(student["thinkific_id"], email=changed)
    new = await_settled(api, create_student(api, email=changed, enrollments=[courses[0]["productable_id"]]))
    assert enrollment_in(new, courses[0])["status"] == "failed"
    assert f"student {student['id']}" in new["sync_error"]
    assert api.delete(f"/students/{student['id']}").status_code == 204

    def is_active() -> bool:
        return bool(enrollment_in(read_student(api, new), courses[0])["status"] == "active")

    await_that(is_active, what="The enrollment of who has the account now")
    assert read_student(api, new)["sync_error"] is None
