"""Each function's role against the calls that it makes: nothing that it calls is missing, nothing else is granted.

The emulator grants everything. What a function calls is noted in its own process (``recorder``) while everything is
done here that makes it call something: every call of the API, what follows from it, and the schedules.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contract.operations import finished, sync_catalogue
from tests.contract.people import (
    Json,
    await_settled,
    create_student,
    create_user,
    enroll,
    enrollment_in,
    grant_in,
    read_student,
    read_user,
    set_access,
    unique,
)
from tests.contract.school import School
from tests.contract.tokens import create_token
from tests.e2e.conftest import Start, read_event
from tests.e2e.deployment import Deployment
from tests.integration.test_round_trips import CALLS
from tests.local_stack import await_that
from tests.rights import FUNCTIONS, rights

from b2b.domain.timestamps import utc_now
from b2b.domain.work.operations import Operation, OperationType
from b2b_cli.local.template import Template

# What AWS does by a function's role, and not the function.
NOT_OF_THE_CODE = (
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
)


@pytest.fixture(scope="module")
def everything(deployment: Deployment, api: httpx.Client, school: School, start: Start) -> None:
    """Is done."""
    call_everything(api, school)
    delay_a_single_and_a_bulk_wish(api, school)
    set_the_same_end_twice(api, school)
    refuse_an_end(api, school)
    let_a_seat_be_freed(api, school)
    lose_every_kind_of_message(deployment, api)
    refuse_a_call_with_a_key(api, start)
    for schedule in Template().schedules():
        deployment.invoke(schedule.name, read_event("scheduler-repair"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_grants_what_its_function_calls_and_nothing_else(
    deployment: Deployment, everything: None, name: str
) -> None:
    granted = {right for right in rights(name) if right[0] not in NOT_OF_THE_CODE}
    assert deployment.calls()[name] == granted


def call_everything(api: httpx.Client, school: School) -> None:
    """Every route, with what the list of prices has for it."""
    for number in range(1, 41):
        school.add_course(id=number, product_id=1000 + number)
    sync_catalogue(api)
    client = create_user(api, email="client@example.com")
    leaving = create_user(api)
    course = {"productable_id": 1}
    set_access(api, client, course, max_seats=10)
    create_student(api, user_email=leaving["email"], enrollments=[1])
    student = create_student(api, user_email=client["email"], enrollments=[1])
    ids = {
        "user": client["id"],
        "leaving": leaving["id"],
        "student": student["id"],
        "token": create_token(api)["id"],
        "operation": "",
    }
    for call in CALLS:
        path = (call.path or call.route).format(**ids).removeprefix("/api")
        answer = api.request(call.method, path, json=call.body, headers=call.headers)
        assert answer.status_code == call.status, (call.name, answer.text)
        operation = answer.json().get("operation") if answer.content else None
        if operation is not None:
            ids["operation"] = operation["id"]
            finished(api, operation)


def delay_a_single_and_a_bulk_wish(api: httpx.Client, school: School) -> None:
    """Thinkific fails a call about each, which is tried again later."""
    course = add_course(api, school)
    user = create_user(api)
    a_fault = {"kind": "error_before", "status": 503, "times": 1}
    with school.troubled(a_fault | {"method": "POST", "path": "^/enrollments"}):
        await_settled(api, enroll(api, create_student(api), user, course))
    with school.troubled(a_fault | {"method": "PUT", "path": "^/enrollments/"}):
        change_end(api, user, course, type="days", expiry_days=5)


def set_the_same_end_twice(api: httpx.Client, school: School) -> None:
    """The second time there is nothing to write but that it was looked at."""
    course = add_course(api, school)
    user = create_user(api)
    enroll(api, create_student(api), user, course)
    for _ in range(2):
        change_end(api, user, course, type="date", expiry_date="2035-06-30")


def refuse_an_end(api: httpx.Client, school: School) -> None:
    """For good: the operation has a failure to tell of."""
    course = add_course(api, school)
    user = create_user(api)
    await_settled(api, enroll(api, create_student(api), user, course))
    with school.troubled(
        {"kind": "error_before", "status": 422, "method": "PUT", "path": "^/enrollments/", "times": 1}
    ):
        assert change_end(api, user, course, type="days", expiry_days=5)["failures"]


def let_a_seat_be_freed(api: httpx.Client, school: School) -> None:
    """A natural end of a reusable seat."""
    course = add_course(api, school)
    user = create_user(api)
    set_access(api, user, course, max_seats=5, reusable=True)
    student = enroll(api, create_student(api), user, course)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    change_end(api, user, course, type="date", expiry_date=soon.isoformat())
    await_that(lambda: enrollment_in(read_student(api, student), course)["status"] == "expired", what="The end")
    await_that(lambda: grant_in(read_user(api, user), course)["seats_used"] == 0, what="The freeing of the seat")


def lose_every_kind_of_message(deployment: Deployment, api: httpx.Client) -> None:
    """What is due and was not enqueued again; repair does that."""
    store, long_ago = deployment.store, utc_now() - timedelta(hours=1)
    students = [create_student(api) for _ in range(2)]
    wishes = [
        store.wishes.add_wish(student["id"], long_ago, bulk=bulk)
        for student, bulk in zip(students, (True, False), strict=True)
    ]
    operation = Operation(id="0" * 24, type=OperationType.CATALOGUE_SYNC, created_at=long_ago, updated_at=long_ago)
    store.transact([*wishes, store.operations.add_operation(operation)])

    def is_done() -> bool:
        found = store.operations.get(operation.id)
        return found is not None and found.status.is_final and store.wishes.count() == 0

    await_that(is_done, what="The repair")


def refuse_a_call_with_a_key(api: httpx.Client, start: Start) -> None:
    """As one too many, after which the key is free again."""
    event = read_event("apigateway-v2-create-student")
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/api/products/sync"
    event["headers"]["authorization"] = f"Bearer {create_token(api)['token']}"
    with start("ProductsFunction", API_RATE_PER_MINUTE="1") as function:

        def is_refused() -> bool:
            event["headers"]["idempotency-key"] = unique("key")
            return bool(function.invoke(event)["statusCode"] == 429)

        await_that(is_refused, what="The refusal")


def add_course(api: httpx.Client, school: School) -> Json:
    course = school.add_course(name=unique("Course"))
    sync_catalogue(api)
    return course


def change_end(api: httpx.Client, user: Json, course: Json, **change: Any) -> Json:
    """The finished operation."""
    answer = api.post(f"/users/enrollments/{user['id']}", json={"product": course["productable_id"]} | change)
    return finished(api, answer.json()["operation"])
