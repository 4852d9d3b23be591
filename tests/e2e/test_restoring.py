"""``b2b restore`` on what ``make deploy`` puts into an account: seen through the API, all is as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
from tests.contract.operations import sync_catalogue
from tests.contract.people import (
    await_settled,
    create_student,
    create_user,
    data_of,
    read_student,
    read_user,
    set_access,
    unique,
)
from tests.contract.school import School
from tests.contract.tokens import bearer, create_token
from tests.e2e.deployment import STACK, Deployment
from tests.rights import FUNCTIONS

# In place of the minutes that a call may take; still longer than any does here.
TIMEOUT_SECONDS = 3


@contextmanager
def short_calls(deployment: Deployment) -> Iterator[None]:
    """Within, the command need not wait for long until no call can be in flight."""
    functions = deployment.emulator.client("lambda")
    names = [deployment.physical_ids[name] for name in FUNCTIONS]
    timeouts = {name: functions.get_function_configuration(FunctionName=name)["Timeout"] for name in names}
    with deployment.without_haste():
        for name in names:
            functions.update_function_configuration(FunctionName=name, Timeout=TIMEOUT_SECONDS)
        try:
            yield
        finally:
            for name, timeout in timeouts.items():
                functions.update_function_configuration(FunctionName=name, Timeout=timeout)


def test_a_school_goes_on_from_a_backup(deployment: Deployment, api: httpx.Client, school: School) -> None:
    course = school.add_course(name=unique("Course"))
    sync_catalogue(api)
    user = create_user(api)
    set_access(api, user, course, max_seats=10)
    student = create_student(api, user_email=user["email"], enrollments=[course["productable_id"]])
    await_settled(api, student)
    revoked = create_token(api)
    was = read_user(api, user), read_student(api, student)

    copy = f"copy-{uuid4().hex[:12]}"
    deployment.emulator.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=deployment.physical_ids["Table"], TargetTableName=copy, UseLatestRestorableTime=True
    )

    data_of(api.put(f"/users/{user['id']}", json={"name": "Another name"}))
    set_access(api, user, course, max_seats=99)
    assert api.delete(f"/students/{student['id']}").is_success
    assert api.delete(f"/tokens/{revoked['id']}").is_success
    since = create_user(api)

    with short_calls(deployment):
        unasked = deployment.b2b("restore", "--from-table", copy, code=1)
        assert "Nothing was changed." in unasked
        assert read_user(api, user)["name"] == "Another name"
        said = deployment.b2b("restore", "--from-table", copy, "--yes")
    assert "The school runs again." in said
    assert f"b2b verify --all --fix --stack-name {STACK}" in said

    assert (read_user(api, user), read_student(api, student)) == was
    assert api.get(f"/users/{since['id']}").status_code == 404
    assert create_user(api, email=since["email"])["id"] > since["id"]
    assert api.get("/users", headers=bearer(revoked["token"])).status_code == 401

    assert "0 counters wrong" in deployment.b2b("recount")
    deployment.b2b("verify", "--all", "--fix")
    await_settled(api, student)
    with deployment.simulator() as thinkific:
        there = thinkific.get("/_simulator/state").raise_for_status().json()["enrollments"]
    assert [row["course_id"] for row in there if row["user_email"] == student["email"]] == [course["productable_id"]]
