"""Thinkific groups of users: found or made there, and their members imported where that is wanted."""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from b2b.domain.enrollment.students import Account, Association, Student, StudentRecord
from b2b.domain.errors import ConditionFailed, NotFound
from b2b.domain.identity import emails
from b2b.domain.identity.users import Group
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.operation_states import GroupImportState
from b2b.domain.work.operations import Operation, OperationFailure
from b2b.domain.work.upstream import LIST_LAG_SECONDS, NameTaken, ThinkificDown, ThinkificUser
from b2b.services.contention import retry_conflicts
from b2b.services.work.notifier import repair_at
from b2b.services.work.operation_worker import Step, state_of
from b2b.services.work.operations import OperationService

if TYPE_CHECKING:
    from b2b.gateways.thinkific import Thinkific
    from b2b.services.enrollment.sync.refusals import Refusals
    from b2b.storage.actions import Action
    from b2b.storage.store import Store

# With the pauses between them more than an hour.
_LOOKS_FOR_A_TAKEN_NAME = 12
_RETRIED_IN_ONE_STEP = 25


class GroupService:
    def __init__(self, store: "Store", operations: OperationService, clock: Clock = utc_now) -> None:
        self._store = store
        self._operations = operations
        self._clock = clock

    def assign(self, user_id: int, name: str, *, sync: bool) -> Operation:
        """The group for students who come under the user from now on; ``sync`` imports those that are in it.

        Raises NotFound.
        """

        def attempt() -> Operation:
            user = self._store.users.get(user_id)
            if user is None:
                raise NotFound(f"There is no user with the id {user_id}.")
            group = user.group if user.group and user.group.name == name else Group(name=name)
            return self._operations.start(
                GroupImportState(user_id=user_id, name=name, sync=sync, retried_to=0),
                together_with=[self._store.users.set_group(user_id, group, self._clock())],
            )

        return retry_conflicts(attempt)


class GroupImport:
    """Runner: the group's id first; then the user's students whom Thinkific has refused a group; then its members.

    The members come a page a step.
    """

    def __init__(self, store: "Store", thinkific: "Thinkific", refusals: "Refusals", clock: Clock = utc_now) -> None:
        self._store = store
        self._thinkific = thinkific
        self._refusals = refusals
        self._clock = clock

    def step(self, operation: Operation) -> Step:
        state = state_of(operation, GroupImportState)
        user_id, name = state.user_id, state.name
        if state.group_id == 0:
            group_id = self._find_or_create(name, operation.attempts)
            self._store.users.set_group_id(user_id, Group(name=name, id=group_id))
            return Step(replace(operation, state=replace(state, group_id=group_id)))
        if state.retried_to is not None:
            state = replace(state, retried_to=self._retry_refused(user_id, name, state.retried_to))
            operation = replace(operation, state=state)
            if state.retried_to is not None:
                return Step(operation)
        if not state.sync:
            return Step(operation.finished())
        return self._import_page(operation, state)

    def _retry_refused(self, user_id: int, name: str, after: int) -> int | None:
        """Those with ids behind ``after``, some at a time: the last of them, None when there are no more.

        They are in no group of the user's, so the name that the group has now is the one to try.
        """
        ids = [found for found in self._store.refusals.ids() if found > after][:_RETRIED_IN_ONE_STEP]
        for record in self._store.students.get_each_record(ids):
            association = record.association(user_id)
            if association is None or association.group_error is None:
                continue
            with suppress(ConditionFailed):  # it has left the user meanwhile, or is in the group
                self._store.write(self._store.refusals.rename_group(association, name))
                self._refusals.retry_student(record.student.id, bulk=True)
        return ids[-1] if ids else None

    def _import_page(self, operation: Operation, state: GroupImportState) -> Step:
        page = self._thinkific.groups.read_members(state.group_id, state.page)
        actions = []
        failed = 0
        for member in page.members:
            error = self._import(state.user_id, state.name, member)
            if error is not None:
                failed += 1
                failure = OperationFailure(student_id=None, email=member.email, error=error)
                actions.append(self._store.operations.add_failure(operation, failure, member.id))
        operation = replace(
            operation,
            total=max(operation.total, page.total or 0, operation.done + operation.failed + len(page.members)),
            done=operation.done + len(page.members) - failed,
            failed=operation.failed + failed,
        )
        if page.next_page is None:
            return Step(replace(operation, total=operation.done + operation.failed).finished(), actions)
        return Step(replace(operation, state=replace(state, page=page.next_page)), actions)

    def _find_or_create(self, name: str, attempts: int) -> int:
        found = self._thinkific.groups.find(name)
        if found is not None:
            return found
        try:
            return self._thinkific.groups.create(name)
        except NameTaken as refusal:
            # Another worker made it in between, or an earlier call of ours whose answer was lost.
            found = self._thinkific.groups.find(name)
            if found is not None:
                return found
            if attempts >= _LOOKS_FOR_A_TAKEN_NAME:
                raise
            raise ThinkificDown(f"{refusal}, and its list does not show it.", retry_after=LIST_LAG_SECONDS) from refusal

    def _import(self, user_id: int, group_name: str, member: ThinkificUser) -> str | None:
        """The member as a student of the user, whatever the seats say; what is wrong with it, if anything."""
        if not emails.is_email(member.email):
            return f'"{member.email}" is no e-mail address.'

        def attempt() -> str | None:
            student_id = self._store.lookups.find(student_email=member.email).student_id
            record = self._store.students.get_record(student_id) if student_id is not None else None
            if student_id is not None and record is None:
                raise self._store.lookups.missing_student(member.email, student_id)
            user = self._store.users.get(user_id)
            if user is None:
                return None  # deleted meanwhile
            account = self._store.students.account(member.id)
            if account.holder is not None and account.holder.id != student_id:
                return f"Thinkific has this e-mail with the account of student {account.holder.id}."
            self._store.transact(self._brought(user_id, group_name, member, account, record))
            return None

        return retry_conflicts(attempt)

    def _brought(
        self, user_id: int, group_name: str, member: ThinkificUser, account: Account, record: StudentRecord | None
    ) -> "list[Action]":
        """``record`` None: the student is new."""
        student = record.student if record else self._new_student(member)
        joins = record is None or record.association(user_id) is None
        actions: list[Action] = []
        if record is None:
            actions += self._store.students.add_student(student)
            actions.append(self._store.counters.count(Kind.STUDENTS, student.id, +1))
            actions.append(self._store.students.claim_account(account, student.id))
        elif record.student.thinkific_id is None:
            actions.append(self._store.students.account_link(student, member.id, if_unchanged=True, joins=joins))
            actions.append(self._store.students.claim_account(account, student.id))
        else:
            actions.append(self._store.students.student_must_exist(student.id, joins=joins))
        # Thinkific may have the e-mail with another account than the student's, which is not in the group then.
        is_member = student.thinkific_id in (None, member.id)
        if joins:
            association = Association(
                user_id=user_id,
                student_id=student.id,
                group_name=group_name,
                in_group=is_member,
                created_at=self._clock(),
            )
            actions += self._store.students.associate(association)
            actions.append(self._store.users.count_student(user_id, +1))
        failed_before = any(found.failed_for_account for found in record.enrollments) if record else False
        if failed_before or (joins and not is_member):
            actions.append(self._store.wishes.add_wish(student.id, repair_at(self._clock(), bulk=True), bulk=True))
        return actions

    def _new_student(self, member: ThinkificUser) -> Student:
        now = self._clock()
        return Student(
            id=self._store.counters.next_id(Kind.STUDENTS),
            first_name=member.first_name or emails.local_part(member.email),
            last_name=member.last_name,
            email=member.email,
            thinkific_id=member.id,
            confirmed_version=1,
            created_at=now,
            updated_at=now,
        )
