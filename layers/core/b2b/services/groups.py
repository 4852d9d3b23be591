"""Thinkific groups of users: found or made there, and their members imported where that is wanted."""

from dataclasses import replace
from typing import TYPE_CHECKING

from b2b.domain import emails
from b2b.domain.errors import NotFound
from b2b.domain.kinds import Kind
from b2b.domain.operations import Operation, OperationFailure, OperationType
from b2b.domain.students import Association, Student
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.upstream import LIST_LAG_SECONDS, NameTaken, ThinkificDown, ThinkificUser
from b2b.domain.users import Group
from b2b.services.contention import retry_conflicts
from b2b.services.operations import OperationService, Step

if TYPE_CHECKING:
    from b2b.storage.store import Store
    from b2b.thinkific.client import Thinkific

# With the pauses between them more than an hour.
_LOOKS_FOR_A_TAKEN_NAME = 12


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
                OperationType.GROUP_IMPORT,
                {"user_id": user_id, "name": name, "sync": sync, "group_id": 0, "page": 1},
                together_with=[self._store.users.set_group(user_id, group, self._clock())],
            )

        return retry_conflicts(attempt)


class GroupImport:
    """Runner: the group's id first, then its members, a page a step."""

    def __init__(self, store: "Store", thinkific: "Thinkific", clock: Clock = utc_now) -> None:
        self._store = store
        self._thinkific = thinkific
        self._clock = clock

    def step(self, operation: Operation) -> Step:
        state = operation.state
        user_id, name = int(state["user_id"]), str(state["name"])
        group_id = int(state["group_id"])
        if group_id == 0:
            group_id = self._find_or_create(name, operation.attempts)
            self._store.users.know_group(user_id, Group(name=name, id=group_id))
            if not state["sync"]:
                return Step(operation.finished())
            return Step(replace(operation, state=state | {"group_id": group_id}))
        page = self._thinkific.group_members(group_id, int(state["page"]))
        actions = []
        failed = 0
        for member in page.members:
            error = self._import(user_id, name, member)
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
        return Step(replace(operation, state=state | {"page": page.next_page}), actions)

    def _find_or_create(self, name: str, attempts: int) -> int:
        found = self._thinkific.find_group(name)
        if found is not None:
            return found
        try:
            return self._thinkific.create_group(name)
        except NameTaken as refusal:
            # Another worker made it in between, or an earlier call of ours whose answer was lost.
            found = self._thinkific.find_group(name)
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
            student = record.student if record else self._new_student(member)
            joins = record is None or record.association(user_id) is None
            actions = []
            if record is None:
                actions += self._store.students.add(student)
                actions.append(self._store.counters.count(Kind.STUDENTS, student.id, +1))
                actions.append(self._store.students.claim_account(account, student.id))
            elif record.student.thinkific_id is None:
                actions.append(self._store.students.linked(student, member.id, if_unchanged=True, joins=joins))
                actions.append(self._store.students.claim_account(account, student.id))
            else:
                actions.append(self._store.students.must_exist(student.id, joins=joins))
            if joins:
                association = Association(
                    user_id=user_id,
                    student_id=student.id,
                    group_name=group_name,
                    in_group=True,
                    created_at=self._clock(),
                )
                actions += self._store.students.associate(association)
                actions.append(self._store.users.count_student(user_id, +1))
            self._store.transact(actions)
            return None

        return retry_conflicts(attempt)

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
