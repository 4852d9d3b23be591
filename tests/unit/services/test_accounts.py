"""One account in Thinkific is never two students', whatever becomes of their e-mails."""

from tests.unit.services.world import ADA, NAMES, World

from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.identity.users import User
from b2b.domain.work.operations import OperationStatus, OperationType
from b2b.services.enrollment.groups import GroupImport, GroupService
from b2b.services.enrollment.removals import Removals, StudentDelete
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker

NEW = "ada.new@example.com"


def delete_there_too(world: World, record: StudentRecord) -> None:
    removals = Removals(world.store, world.operations)
    removals.delete_student(record, in_thinkific=True)
    operation_id = [sent.body["operation_id"] for sent in world.sqs.sent if sent.queue == "operations"][-1]
    operation, _ = world.operations.get(operation_id)
    step = StudentDelete(world.store, removals, world.thinkific, world.retries, world.clock).step(operation)
    assert step.operation.status is OperationStatus.SUCCEEDED


def accounts(world: World) -> dict[str, int]:
    return {user["email"]: user["id"] for user in world.upstream.users()}


def test_who_comes_with_an_e_mail_that_is_on_its_way_to_another_waits_for_an_account_of_its_own(
    world: World, boss: User
) -> None:
    course = world.course()
    first = world.brought(boss, course)
    world.students.update(first, NAMES, NEW)
    second = world.enroll(boss, course).student.id
    assert world.look(second) is SyncOutcome.POSTPONED
    assert world.settle(first) is SyncOutcome.FULFILLED
    world.wait()
    assert world.settle(second) is SyncOutcome.FULFILLED
    assert accounts(world) == {
        NEW: world.record(first).student.thinkific_id,
        ADA: world.record(second).student.thinkific_id,
    }
    assert (world.status(first, course), world.status(second, course)) == ("active", "active")


def test_deleting_the_one_who_waits_spares_the_others_account(world: World, boss: User) -> None:
    course = world.course()
    first = world.brought(boss, course)
    world.students.update(first, NAMES, NEW)
    second = world.enroll(boss, course).student.id
    delete_there_too(world, world.record(second))
    assert accounts(world) == {ADA: world.record(first).student.thinkific_id}


def test_where_thinkific_refuses_the_change_the_other_fails_with_the_reason(world: World, boss: User) -> None:
    course = world.course()
    world.upstream.call("POST", "/users", first_name="Z", last_name="Z", email=NEW)
    first = world.brought(boss, course)
    world.students.update(first, NAMES, NEW)
    world.settle(first)
    second = world.enroll(boss, course).student.id
    assert world.settle(second) is SyncOutcome.FULFILLED
    assert world.status(second, course) == "failed"
    assert world.enrollment(second, course).error == f"Thinkific has this e-mail with the account of student {first}."
    # With the first gone the account is free, and enrolling again heals.
    world.students.delete(first)
    world.enroll(boss, course)
    assert world.settle(second) is SyncOutcome.FULFILLED
    assert world.status(second, course) == "active"


def test_an_account_whose_student_is_gone_is_taken_over(world: World, boss: User) -> None:
    course = world.course()
    first = world.brought(boss, course)
    account = world.record(first).student.thinkific_id
    world.students.delete(first)
    second = world.brought(boss, course)
    assert (second != first, world.record(second).student.thinkific_id) == (True, account)
    delete_there_too(world, world.record(second))
    assert accounts(world) == {}


def test_an_account_that_thinkific_has_forgotten_is_its_students_no_more(world: World, boss: User) -> None:
    student_id = world.brought(boss, world.course("A"))
    record = world.record(student_id)
    world.store.students.unlink_account(record)
    assert record.student.thinkific_id is not None
    assert world.store.students.account(record.student.thinkific_id).holder is None
    world.enroll(boss, world.course("B"))
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert world.record(student_id).student.thinkific_id == record.student.thinkific_id


def test_an_import_takes_nobodys_account(world: World, boss: User) -> None:
    """A member whose account is another student's is a failure of the operation; one who is free is linked."""
    first = world.brought(boss, world.course())
    account = world.record(first).student.thinkific_id
    free = world.upstream.call("POST", "/users", first_name="Bob", last_name="B", email="bob@example.com")["id"]
    world.upstream.call("POST", "/groups", name="Acme")
    for member in (account, free):
        world.upstream.call("POST", "/group_users", user_id=member, group_names=["Acme"])
    # Here she is called otherwise, which Thinkific has not been told yet.
    world.students.update(first, NAMES, NEW)
    operation = GroupService(world.store, world.operations, world.clock).assign(boss.id, "Acme", sync=True)
    runners = {OperationType.GROUP_IMPORT: GroupImport(world.store, world.thinkific, world.retries, world.clock)}
    worker = OperationWorker(world.store, world.notifier, runners, lambda: None, world.clock)
    assert worker.advance(operation.id, lambda: 60.0) is AdvanceOutcome.FINISHED
    done, failures = world.operations.get(operation.id)
    assert (done.status, done.done, done.failed) == (OperationStatus.PARTIAL, 1, 1)
    assert [failure.email for failure in failures] == [ADA]
    assert f"student {first}" in failures[0].error
    bob = world.store.lookups.find(student_email="bob@example.com").student_id
    holder = world.store.students.account(free).holder
    assert holder is not None
    assert holder.id == bob
