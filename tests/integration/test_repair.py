"""Messages that got lost and workers that died: what is in the table comes about all the same."""

import os
import signal
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from tests.emulated import Emulated
from tests.integration.desk import NAMES, Desk, enrolling, reference
from tests.integration.queued import enqueued_for, lose_messages
from tests.integration.recount import recount
from tests.integration.stacks import (
    answered,
    await_active,
    await_succeeded,
    course_ids,
    enroll_new,
    in_thinkific,
    note_of,
    school_of,
    statuses,
)
from tests.local_stack import LocalStack, await_that

from b2b.domain.catalogue.products import ProductReference
from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.gateways.queues import Queues
from b2b.services.enrollment.expiries import ExpiryChange
from b2b.services.enrollment.students import Enrolling, StudentService
from b2b.services.enrollment.sync.repair import RepairService
from b2b.services.work.notifier import Notifier
from b2b.services.work.operation_worker import AdvanceOutcome
from b2b.services.work.operations import OperationService
from b2b_cli.local.processes import free_port


@pytest.fixture
def desk(school: Emulated) -> Desk:
    return Desk(school)


@pytest.fixture
def unreachable() -> Queues:
    """Queues that refuse every connection."""
    sqs = boto3.Session("test", "test", region_name="us-east-1").client(
        "sqs", endpoint_url=f"http://127.0.0.1:{free_port()}", config=Config(retries={"total_max_attempts": 1})
    )
    return Queues(sqs, sync_url="sync", sync_bulk_url="bulk", operations_url="operations")


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def repair_after(desk: Desk, seconds: float) -> int:
    """What repair enqueues when so much time has passed."""
    return RepairService(desk.store, desk.queues, lambda: after(seconds)).enqueue_overdue()


def test_a_lost_message_is_rung_again_when_it_had_its_time(desk: Desk, school: Emulated) -> None:
    user, courses = desk.add_user("client@example.com"), desk.add_courses(1)
    student_id = desk.add_student("ada@example.com", user, courses)
    lose_messages(school)

    assert repair_after(desk, 55) == 0
    assert repair_after(desk, 61) == 1
    assert enqueued_for(school) == [student_id]
    # The message enqueued just now has its time as well.
    assert repair_after(desk, 62) == 0
    assert repair_after(desk, 61 + 121) == 1


def test_an_enrollment_does_not_need_the_queue(desk: Desk, school: Emulated, unreachable: Queues) -> None:
    user, courses = desk.add_user("client@example.com"), desk.add_courses(1)
    failures: list[Exception] = []
    students = StudentService(desk.store, Notifier(unreachable, failures.append), desk.removals)
    view, created = students.upsert("ada@example.com", NAMES, enrolling(user, courses))
    assert created
    assert [type(failure) for failure in failures] == [EndpointConnectionError]
    assert enqueued_for(school) == []

    # While the queue is away repair says so, and nothing is lost by it.
    with pytest.raises(EndpointConnectionError):
        RepairService(desk.store, unreachable, lambda: after(61)).enqueue_overdue()
    assert repair_after(desk, 61 + 121) == 1
    assert enqueued_for(school) == [view.student.id]


def test_what_is_done_is_not_rung_for(desk: Desk, school: Emulated) -> None:
    user, courses = desk.add_user("client@example.com"), desk.add_courses(1)
    student_id = desk.add_student("ada@example.com", user, courses)
    now = datetime.now(UTC)
    desk.store.wishes.fulfil(desk.store.wishes.lease(student_id, "worker", now, now + timedelta(seconds=45)))
    desk.add_student("bob@example.com", user)
    assert repair_after(desk, 3600) == 0


class Killed(BaseException):
    """As SIGKILL: nothing of the program runs after it."""


def test_an_operation_carried_on_enqueues_those_whom_the_killed_worker_did_not(desk: Desk, school: Emulated) -> None:
    """Killed after the student's wish was written and before its message was sent."""
    user, (course,) = desk.add_user("client@example.com"), desk.add_courses(1)
    ids = [desk.add_student(f"s{number}@example.com", user, [course]) for number in range(3)]
    lose_messages(school)
    operation = desk.expiries.change_expiry(user.id, reference(course), ExpiryChange(kind="days", days=10))

    def kill(**_: object) -> None:
        raise Killed

    school.sqs.meta.events.register("before-send.sqs.SendMessage", kill)
    with pytest.raises(Killed):
        desk.advance(operation.id)
    school.sqs.meta.events.unregister("before-send.sqs.SendMessage", kill)

    assert desk.advance(operation.id) is AdvanceOutcome.POSTPONED
    assert sorted(enqueued_for(school)) == ids


def test_the_stack_carries_out_what_no_message_told_it(stack: LocalStack, unreachable: Queues) -> None:
    """An enrollment and an operation whose messages were lost, as long ago as repair gives a message."""
    desk = Desk(school_of(stack))
    notifier = Notifier(unreachable, lambda _: None)
    with stack.api() as api:
        course = course_ids(api)[0]
        answered(api.post("/users/upsert", json={"email": "unheard@example.com"}))
        students = StudentService(desk.store, notifier, desk.removals, lambda: after(-61))
        view, _ = students.upsert("unheard.ada@example.com", NAMES, enrolling_by_email("unheard@example.com", course))
        operation = OperationService(desk.store, notifier, lambda: after(-181)).start(CatalogueSyncState())
        await_active(api, [view.student.id], seconds=30)
        await_succeeded(api, operation.id)
    assert in_thinkific(stack)[1].count(("unheard.ada@example.com", course)) == 1


def enrolling_by_email(user_email: str, course: int) -> Enrolling:
    references = [ProductReference(course)]
    return Enrolling(user_email=user_email, acting_user_id=0, references=references, enforce_seats=False)


def test_a_killed_worker_is_replaced_and_its_work_done_once(stack: LocalStack) -> None:
    """Killed between Thinkific's doing and its answer, which is where a careless worker would do it twice. Whoever
    takes over waits for the end of the lease."""
    orphan, later = "orphan@example.com", "later@example.com"
    killed = note_of(stack)["worker_pid"]
    with stack.api() as api, stack.simulator() as simulator:
        course = course_ids(api)[0]
        answered(api.post("/users/upsert", json={"email": "orphans@example.com"}))
        slow = {"kind": "slow", "seconds": 60, "method": "POST", "path": "^/enrollments$"}
        answered(simulator.put("/_simulator/faults", json={"next": [slow]}))
        student_id = enroll_new(api, orphan, "orphans@example.com", [course])
        await_that(lambda: (orphan, course) in in_thinkific(stack)[1], what="That Thinkific has the enrollment")
        os.kill(killed, signal.SIGKILL)
        assert statuses(api, [student_id]) == ["pending"]

        await_that(lambda: note_of(stack)["worker_pid"] != killed, what="Another worker")
        await_active(api, [student_id], seconds=60)
        await_active(api, [enroll_new(api, later, "orphans@example.com", [course])], seconds=15)

    users, enrolled = in_thinkific(stack)
    for email in (orphan, later):
        assert users.count(email) == 1
        assert enrolled.count((email, course)) == 1
    assert "The worker was ended by SIGKILL; starting another." in stack.said()
    assert recount(school_of(stack)) == []
