"""Deleting a user: gone for every reader at once, its students follow chunk by chunk."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.errors import BrokenInvariant, InvalidInput, NotFound, TooManyRequests
from b2b.domain.kinds import Kind
from b2b.domain.work.operation_states import UserDeleteState
from b2b.domain.work.operations import Operation, OperationFailure
from b2b.services.contention import retry_conflicts
from b2b.services.enrollment.removals import Removals, delete_account
from b2b.services.identity.tokens import TokenService
from b2b.services.work.operation_worker import OnBroken, Step, state_of
from b2b.services.work.operations import OperationService

if TYPE_CHECKING:
    from b2b.gateways.thinkific import Thinkific
    from b2b.services.enrollment.sync.refusals import Refusals
    from b2b.storage.actions import Action
    from b2b.storage.store import Store

# Taken from the user before the call answers; the rest is the worker's.
_AT_ONCE = 25
_IN_ONE_STEP = 25


@dataclass(frozen=True, slots=True)
class RemovedStudents:
    """Students that were to leave a user. ``broken``: those that could not, whose records contradict each other."""

    student_ids: list[int]
    broken: dict[int, BrokenInvariant] = field(default_factory=dict)

    @property
    def number_done(self) -> int:
        return len(self.student_ids) - len(self.broken)


class UserRemoval:
    def __init__(self, store: "Store", operations: OperationService, removals: Removals, tokens: TokenService) -> None:
        self._store = store
        self._tokens = tokens
        self._operations = operations
        self._removals = removals

    def delete(self, user_id: int, *, acting_user_id: int) -> Operation:
        """The operation by which its students follow.

        Raises NotFound, and InvalidInput on ``id`` for the user whose token asks.
        That user is an admin and stays, also when two delete each other: so there is always an admin left.
        """
        settings = self._store.settings.get()

        def attempt() -> Operation:
            user = self._store.users.get(user_id)
            if user is None:
                raise NotFound(f"There is no user with the id {user_id}.")
            if user_id == acting_user_id:
                raise InvalidInput.field("id", "This user is the one whose token you use: it cannot be deleted.")
            return self._operations.start(
                UserDeleteState(
                    user_id=user_id,
                    email=user.email,
                    delete_students=settings.delete_students_with_user,
                    students_in_thinkific=settings.delete_students_in_thinkific,
                    in_thinkific=settings.delete_users_in_thinkific,
                ),
                together_with=[
                    self._store.users.user_must_exist(acting_user_id),
                    *self._store.users.remove(user),
                    self._store.counters.count(Kind.USERS, user_id, -1),
                ],
            )

        operation = retry_conflicts(attempt)
        # The worker does what this does not get done.
        with suppress(TooManyRequests):
            self.revoke_tokens(user_id)
            self.remove_students(
                user_id,
                after=0,
                limit=_AT_ONCE,
                delete=settings.delete_students_with_user,
                in_thinkific=settings.delete_students_in_thinkific,
            )
        return operation

    def remove_students(
        self, user_id: int, *, after: int, limit: int, delete: bool, in_thinkific: bool
    ) -> "RemovedStudents":
        """Take at most ``limit`` students behind the id ``after`` from a removed user.

        One whose records contradict each other does not keep the others.
        """
        taken = RemovedStudents(self._store.students.ids_of_user(user_id, after=after, limit=limit))
        for student_id in taken.student_ids:
            try:
                if delete:
                    self._delete_unshared(student_id, user_id, in_thinkific=in_thinkific)
                else:
                    self._removals.dissociate(student_id, user_id)
            except BrokenInvariant as broken:
                taken.broken[student_id] = broken
        return taken

    def _delete_unshared(self, student_id: int, user_id: int, *, in_thinkific: bool) -> None:
        """A student of other users too is only taken from this one."""

        def attempt() -> None:
            record = self._store.students.get_record(student_id)
            if record is None:
                self._removals.delete_remains(student_id)
            elif self._is_shared(record, user_id):
                self._removals.dissociate(student_id, user_id)
            else:
                self._removals.delete_student(record, in_thinkific=in_thinkific)

        retry_conflicts(attempt)

    def _is_shared(self, record: StudentRecord, user_id: int) -> bool:
        others = {found.user_id for found in record.associations} - {user_id}
        return bool(others) and bool(self._store.lookups.related_records(user_ids=others).users)

    def revoke_tokens(self, user_id: int) -> None:
        """Those of a user that is gone."""
        self._tokens.revoke_all_of(user_id)


class UserDelete:
    """Runner: what ``delete`` began, and the Thinkific account where that is wanted."""

    def __init__(
        self,
        store: "Store",
        removal: UserRemoval,
        thinkific: "Thinkific",
        refusals: "Refusals",
        *,
        on_broken: OnBroken | None = None,
    ) -> None:
        self._store = store
        self._removal = removal
        self._thinkific = thinkific
        self._refusals = refusals
        self._on_broken = on_broken

    def step(self, operation: Operation) -> Step:
        state = state_of(operation, UserDeleteState)
        user_id = state.user_id
        self._removal.revoke_tokens(user_id)
        taken = self._removal.remove_students(
            user_id,
            after=state.after,
            limit=_IN_ONE_STEP,
            delete=state.delete_students,
            in_thinkific=state.students_in_thinkific,
        )
        failures = [self._failure(operation, student_id, broken) for student_id, broken in taken.broken.items()]
        done, failed = operation.done + taken.number_done, operation.failed + len(failures)
        operation = replace(operation, total=done + failed, done=done, failed=failed)
        if taken.student_ids:
            return Step(replace(operation, state=replace(state, after=taken.student_ids[-1])), failures)
        self._store.users.delete_grants(user_id)
        if state.in_thinkific:
            gone = delete_account(self._store, self._thinkific, None, state.email)
            if gone is not None:
                self._refusals.retry_waiting_students(gone, bulk=True)
        return Step(operation.finished())

    def _failure(self, operation: Operation, student_id: int, broken: BrokenInvariant) -> "Action":
        if self._on_broken is not None:
            self._on_broken(broken)
        failure = OperationFailure(student_id=student_id, email=None, error=str(broken))
        return self._store.operations.add_failure(operation, failure, student_id)
