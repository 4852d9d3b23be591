"""Taking students from users and out of the table, with every seat they hold."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from b2b.domain.enrollment.enrollments import Enrollment, without_holder
from b2b.domain.enrollment.students import Association, StudentRecord
from b2b.domain.errors import BrokenInvariant, TooManyRequests
from b2b.domain.identity.emails import spellings
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.operation_states import StudentDeleteState
from b2b.domain.work.operations import Operation
from b2b.services.chunks import chunked
from b2b.services.contention import retry_conflicts
from b2b.services.work.operation_worker import Step, state_of
from b2b.services.work.operations import OperationService

if TYPE_CHECKING:
    from b2b.gateways.thinkific import Thinkific
    from b2b.services.enrollment.sync.refusals import Refusals
    from b2b.storage.actions import Action
    from b2b.storage.store import Store

# 3 actions for an enrollment with its seat, 3 for the association.
_ENROLLMENTS_IN_ONE_WRITE = 30
# Users who hold a seat for one enrollment: 2 actions each.
_HOLDERS_IN_ONE_WRITE = 40


class Removals:
    """Every step stands by itself and may be repeated: it takes away what is still there."""

    def __init__(self, store: "Store", operations: OperationService) -> None:
        self._store = store
        self._operations = operations

    def dissociate(self, student_id: int, user_id: int) -> None:
        """The student leaves the user, whose seats for it are freed; its enrollments stay."""

        def attempt() -> None:
            record = self._store.students.get_record(student_id)
            association = record.association(user_id) if record else None
            if record is None or association is None:
                return
            user_exists = self._store.users.get(user_id) is not None
            held = [found for found in record.enrollments if _is_holder(found, user_id)]
            *chunks, last = chunked(held, _ENROLLMENTS_IN_ONE_WRITE)
            for chunk in chunks:
                self._store.transact(self._releases(chunk, user_id, user_exists=user_exists))
            leave = self._leave(association, user_exists=user_exists)
            self._store.transact([*self._releases(last, user_id, user_exists=user_exists), *leave])

        retry_conflicts(attempt)

    def delete_student(self, record: StudentRecord, *, in_thinkific: bool) -> None:
        """Gone for every reader at once; what hangs on it follows, whatever happens meanwhile."""
        student = record.student
        # A worker may be making the account right now.
        busy_until = record.wish.lease_until if record.wish else None
        state = StudentDeleteState(
            student_id=student.id,
            email=student.email,
            thinkific_id=student.thinkific_id,
            in_thinkific=in_thinkific,
            not_before=busy_until,
        )
        self._operations.start(
            state,
            together_with=[
                *self._store.students.remove(student),
                self._store.counters.count(Kind.STUDENTS, student.id, -1),
            ],
        )
        # The worker does what this does not get done.
        with suppress(TooManyRequests, BrokenInvariant):
            self.delete_remains(student.id)

    def delete_remains(self, student_id: int) -> None:
        """What a removed student left: enrollments with their seats, associations, the wish."""

        def attempt() -> None:
            associations, enrollments = self._store.students.get_remains(student_id)
            wanted = {found.user_id for found in associations}
            wanted |= {holder for found in enrollments for holder in found.seat_holders}
            users = self._store.lookups.related_records(user_ids=wanted).users if wanted else {}
            for enrollment in enrollments:
                self._clear_enrollment(enrollment, set(users))
            for association in associations:
                self._store.transact(self._leave(association, user_exists=association.user_id in users))
            self._store.wishes.delete_wish(student_id)

        retry_conflicts(attempt)

    def _clear_enrollment(self, enrollment: Enrollment, users: set[int]) -> None:
        holders = sorted(enrollment.seat_holders)
        # Of very many holders all but the last few are released first, in writes of their own.
        while len(holders) > _HOLDERS_IN_ONE_WRITE:
            holder = holders.pop()
            after = without_holder(enrollment, holder)
            self._store.transact(
                [
                    self._store.enrollments.change_enrollment(enrollment, after),
                    *self._release(enrollment, holder, user_exists=holder in users),
                ]
            )
            enrollment = replace(after, revision=enrollment.revision + 1)
        releases: list[Action] = []
        for holder in holders:
            releases += self._release(enrollment, holder, user_exists=holder in users)
        self._store.transact([self._store.enrollments.remove_enrollment(enrollment), *releases])

    def _releases(self, enrollments: Iterable[Enrollment], user_id: int, *, user_exists: bool) -> "list[Action]":
        actions: list[Action] = []
        for enrollment in enrollments:
            after = without_holder(enrollment, user_id)
            actions.append(self._store.enrollments.change_enrollment(enrollment, after))
            if user_id in enrollment.seat_holders:
                actions += self._release(enrollment, user_id, user_exists=user_exists)
        return actions

    def _release(self, enrollment: Enrollment, user_id: int, *, user_exists: bool) -> "list[Action]":
        return self._store.users.release_seat(
            user_id, enrollment.product_id, enrollment.student_id, user_exists=user_exists
        )

    def _leave(self, association: Association, *, user_exists: bool) -> "list[Action]":
        actions = self._store.students.dissociate(association)
        if user_exists:
            actions.append(self._store.users.count_student(association.user_id, -1))
        return actions


class StudentDelete:
    """Runner: what ``delete_student`` began, and the Thinkific account where that is wanted."""

    def __init__(
        self,
        store: "Store",
        removals: Removals,
        thinkific: "Thinkific",
        refusals: "Refusals",
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._removals = removals
        self._thinkific = thinkific
        self._refusals = refusals
        self._clock = clock

    def step(self, operation: Operation) -> Step:
        state = state_of(operation, StudentDeleteState)
        self._removals.delete_remains(state.student_id)
        thinkific_id = state.thinkific_id
        if state.in_thinkific:
            wait = (state.not_before - self._clock()).total_seconds() if state.not_before else 0
            if wait > 0:
                return Step(operation, pause=wait)
            gone = delete_account(self._store, self._thinkific, thinkific_id, state.email)
            thinkific_id = gone or thinkific_id
        if thinkific_id is not None:
            self._refusals.retry_waiting_students(thinkific_id, bulk=True)
        return Step(replace(operation, total=1, done=1).finished())


def delete_account(store: "Store", thinkific: "Thinkific", thinkific_id: int | None, email: str) -> int | None:
    """Unless it is, or by the e-mail will be, that of a student who is there: its progress would be lost.

    The id of the account that is gone, None = there was none to delete.
    """
    if store.lookups.find(student_email=email).student_id is not None:
        return None
    if thinkific_id is None:
        looks = (thinkific.accounts.find(spelling) for spelling in spellings(email))
        thinkific_id = next((found.id for found in looks if found is not None), None)
    if thinkific_id is None or store.students.account(int(thinkific_id)).holder is not None:
        return None
    thinkific.accounts.delete(int(thinkific_id))
    return int(thinkific_id)


def _is_holder(enrollment: Enrollment, user_id: int) -> bool:
    return user_id in enrollment.seat_holders or user_id in enrollment.former_holders
