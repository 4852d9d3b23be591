"""The main job with a client that openapi-python-client made: it is the package ``b2b_client``."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from b2b_client import AuthenticatedClient
from b2b_client.api.operations import get_operation
from b2b_client.api.products import search_products
from b2b_client.api.students import (
    delete_student,
    dissociate_student,
    enroll_student,
    get_student,
    list_students,
    upsert_student,
)
from b2b_client.api.users import add_seats, change_expiry, create_user, search_user, set_access
from b2b_client.models import (
    AddSeats,
    AssignStudent,
    ChangeExpiry,
    Conflict,
    ConflictCode,
    CreateUser,
    EnrollmentStatus,
    EnrollStudent,
    ExpiryKind,
    Invalid,
    Message,
    OperationBody,
    OperationStatus,
    ProductableType,
    ProductMatches,
    SearchUser,
    SetAccess,
    Sort,
    StudentBody,
    StudentList,
    UpsertStudent,
    UserBody,
    UserStarted,
)

ORIGIN, TOKEN, RUN = (os.environ[name] for name in ("B2B_ORIGIN", "B2B_TOKEN", "B2B_RUN"))
CLIENT = f"client@{RUN}.example.com"
PEOPLE = (("Ada", "Lovelace"), ("Grace", "Hopper"), ("Alan", "Turing"), ("Mary", "Jackson"), ("Former", "Student"))

Body = TypeVar("Body")


def main() -> None:
    with AuthenticatedClient(base_url=ORIGIN, token=TOKEN, raise_on_unexpected_status=True) as api:
        course = course_named(api, "workplace safety")
        user_id = client_with_seats(api, course)
        ids = [enrolled(api, first, last, course) for first, last in PEOPLE]
        wait_until(lambda: all(status_of(api, student) == EnrollmentStatus.ENROLLMENT_STATUS_ACTIVE for student in ids))
        listed = list(all_ids(api))
        assert sorted(listed, reverse=True) == listed
        assert set(ids) <= set(listed)
        leave(api, ids.pop())
        assert body(UserBody, search_user.sync(client=api, body=SearchUser(email=CLIENT.upper()))).data.id == user_id
        expire(api, user_id, course, ids)
        refusals(api, user_id, course)


def course_named(api: AuthenticatedClient, term: str) -> int:
    found = body(ProductMatches, search_products.sync(client=api, term=term)).data
    courses = [one for one in found if one.productable_type == ProductableType.PRODUCTABLE_TYPE_COURSE]
    return int(courses[0].productable_id)


def client_with_seats(api: AuthenticatedClient, course: int) -> int:
    made = CreateUser(name=f"Client of {RUN}", email=CLIENT, password="a secret phrase", max_seats=20)
    user = body(UserBody, create_user.sync(client=api, body=made)).data
    access = SetAccess(thinkific_id=course, active=True, max_seats=None, enrollment_days=30)
    assert body(UserBody, set_access.sync(user.id, client=api, body=access)).data.products[0].max_seats is None
    access.max_seats = 10
    body(UserBody, set_access.sync(user.id, client=api, body=access))
    more = AddSeats(thinkific_id=course, active=True, add_seats=5, enrollment_days=90)
    for _ in range(2):
        added = add_seats.sync_detailed(user.id, client=api, body=more, idempotency_key=f"seats-{RUN}")
        assert body(UserBody, added.parsed).data.products[0].max_seats == 15
    assert added.headers["Idempotency-Replayed"] == "true"
    return int(user.id)


def enrolled(api: AuthenticatedClient, first: str, last: str, course: int) -> int:
    email = f"{first}.{last}@{RUN}.example.com".lower()
    made = UpsertStudent(first_name=first, last_name=last, email=email, user_email=CLIENT)
    student = body(StudentBody, upsert_student.sync(client=api, body=made)).data
    assert student.thinkific_id is None
    what = EnrollStudent(email=email, user_email=CLIENT, enrollments=[course])
    (enrollment,) = body(StudentBody, enroll_student.sync(client=api, body=what)).data.enrollments
    assert enrollment.expiry_date is not None
    assert (enrollment.expiry_date - enrollment.activated_at).days == 90
    return int(student.id)


def status_of(api: AuthenticatedClient, student_id: int) -> EnrollmentStatus:
    return body(StudentBody, get_student.sync(student_id, client=api)).data.enrollments[0].status


def all_ids(api: AuthenticatedClient) -> Iterator[int]:
    page = body(StudentList, list_students.sync(client=api, per_page=2, sort=Sort.SORT_DESCENDING_ID))
    yield from (student.id for student in page.data)
    while page.meta.next_cursor is not None:
        page = body(StudentList, list_students.sync(client=api, per_page=2, cursor=page.meta.next_cursor))
        yield from (student.id for student in page.data)


def leave(api: AuthenticatedClient, student_id: int) -> None:
    """One who belongs to nobody any more, and then is gone."""
    email = body(StudentBody, get_student.sync(student_id, client=api)).data.email
    left = dissociate_student.sync(client=api, body=AssignStudent(email=email, user_email=CLIENT))
    assert body(StudentBody, left).data.users == []
    assert delete_student.sync_detailed(student_id, client=api).status_code == 204
    assert body(StudentList, list_students.sync(client=api, email=email)).data == []


def expire(api: AuthenticatedClient, user_id: int, course: int, ids: list[int]) -> None:
    """Everybody's access, ended at one stroke."""
    change = ChangeExpiry(product=course, type_=ExpiryKind.EXPIRY_KIND_EXPIRE_NOW)
    started = body(UserStarted, change_expiry.sync(user_id, client=api, body=change)).operation.id
    wait_until(lambda: ended(api, started))
    operation = body(OperationBody, get_operation.sync(started, client=api)).data
    assert (operation.status, operation.total, operation.failures) == (
        OperationStatus.OPERATION_STATUS_SUCCEEDED,
        len(ids),
        [],
    )


def ended(api: AuthenticatedClient, operation_id: str) -> bool:
    status = body(OperationBody, get_operation.sync(operation_id, client=api)).data.status
    return status not in (OperationStatus.OPERATION_STATUS_PENDING, OperationStatus.OPERATION_STATUS_RUNNING)


def refusals(api: AuthenticatedClient, user_id: int, course: int) -> None:
    taken = CreateUser(name="Another", email=CLIENT, password="a secret phrase")
    assert "email" in body(Invalid, create_user.sync(client=api, body=taken)).errors.additional_properties
    assert body(Message, get_student.sync(2**40, client=api)).message
    full = SetAccess(thinkific_id=course, active=True, max_seats=0, enrollment_days=90)
    body(UserBody, set_access.sync(user_id, client=api, body=full))
    nobody = UpsertStudent(
        first_name="No",
        last_name="Seat",
        email=f"no.seat@{RUN}.example.com",
        user_email=CLIENT,
        enrollments=[course],
        enforce_seats=True,
    )
    conflict = body(Conflict, upsert_student.sync(client=api, body=nobody))
    assert conflict.code == ConflictCode.CONFLICT_CODE_SEATS_EXHAUSTED
    assert [(seat.max_seats, seat.requested) for seat in conflict.seats or []] == [(0, 1)]
    full.max_seats = 15
    body(UserBody, set_access.sync(user_id, client=api, body=full))
    stranger = AuthenticatedClient(base_url=ORIGIN, token="wrong")
    assert get_student.sync_detailed(1, client=stranger).status_code == 401


def body(kind: type[Body], parsed: Any) -> Body:
    assert isinstance(parsed, kind), parsed
    return parsed


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


main()
