"""Writing what a call to enrol has decided, in as few transactions as it fits in."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from b2b.domain.enrolling import EnrollmentChange, EnrollmentPlan
from b2b.domain.kinds import Kind
from b2b.domain.students import Association, Student, StudentRecord
from b2b.domain.users import User
from b2b.services.contention import retry_conflicts
from b2b.services.removals import Removals
from b2b.services.ringing import repair_at

if TYPE_CHECKING:
    from b2b.storage.store import Store
    from b2b.storage.table import Action

# A transaction holds 100 actions: 3 for an enrolment with its seat, up to 10 for student, user and wish.
_ENROLLMENTS_IN_ONE_WRITE = 30
# For so long Thinkific is not told of an enforced call that is not written to its end.
_UNFINISHED_FOR = timedelta(seconds=60)


@dataclass(slots=True)
class Written:
    """What one call has written so far, over all its attempts."""

    created: bool = False
    renamed_from: Student | None = None
    association: Association | None = None
    changes: list[EnrollmentChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``before`` None: the student is new. ``bulk``: Thinkific is told behind what single calls asked for."""

    user: User
    before: StudentRecord | None
    after: StudentRecord
    plan: EnrollmentPlan
    now: datetime
    enforce_seats: bool
    bulk: bool

    @property
    def student_id(self) -> int:
        return self.after.student.id


class EnrollmentWriter:
    def __init__(self, store: "Store", removals: Removals) -> None:
        self._store = store
        self._removals = removals

    def write(self, decision: Decision, written: Written) -> None:
        """In pieces that each stand by themselves; after a race the next attempt writes what is missing."""
        *pieces, last = _pieces(decision.plan.changes)
        head = self._head(decision)
        for piece in pieces:
            self._write_piece(decision, head, piece, written, is_last=False)
            head = self._neck(decision)
        self._write_piece(decision, head, last, written, is_last=True)

    def take_back(self, student_id: int, user_id: int, written: Written) -> None:
        """All of what a call has written that was to be all or nothing."""
        if written.created:
            retry_conflicts(lambda: self._delete(student_id))
            return
        for change in written.changes:
            retry_conflicts(partial(self._restore, change, user_id))
        if written.association is not None:
            self._removals.dissociate(student_id, user_id)
        if written.renamed_from is not None:
            self._rename_back(written.renamed_from)

    def _write_piece(
        self,
        decision: Decision,
        head: "Sequence[Action]",
        piece: Sequence[EnrollmentChange],
        written: Written,
        *,
        is_last: bool,
    ) -> None:
        actions = [*head, *(action for change in piece for action in self._change(decision, change))]
        if decision.after.needs_sync:
            actions.append(self._wish(decision, is_last=is_last))
        self._store.transact(actions)
        _note(decision, piece, written)

    def _head(self, decision: Decision) -> "list[Action]":
        """Student, association and user, with the first piece."""
        student, before = decision.after.student, decision.before
        association = decision.plan.association
        joins = association is not None
        if before is None:
            count = self._store.counters.count(Kind.STUDENTS, student.id, +1)
            actions = [*self._store.students.add(student), count]
        elif before.student != student:
            actions = self._store.students.change(before.student, student, joins=joins)
        else:
            actions = [self._store.students.must_exist(student.id, joins=joins)]
        if association is None:
            actions.append(self._store.users.must_exist(decision.user.id))
            actions.append(self._store.students.hold_association(decision.user.id, student.id))
        else:
            within_limit = decision.enforce_seats
            actions += self._store.students.associate(association)
            actions.append(self._store.users.count_student(decision.user.id, +1, within_limit=within_limit))
        if decision.after.needs_sync:
            actions.append(self._store.users.count_ring(decision.user.id, decision.now))
        return actions

    def _neck(self, decision: Decision) -> "list[Action]":
        """What the first piece has written must still be there for the next."""
        return [
            self._store.students.must_exist(decision.student_id),
            self._store.users.must_exist(decision.user.id),
            self._store.students.hold_association(decision.user.id, decision.student_id),
        ]

    def _change(self, decision: Decision, change: EnrollmentChange) -> "list[Action]":
        if change.before is None:
            actions = [self._store.students.enroll(change.after)]
        else:
            actions = [self._store.students.change_enrollment(change.before, change.after)]
        if change.takes_seat:
            product_id, student_id = change.after.product_id, decision.student_id
            actions += self._store.users.take_seat(
                decision.user.id, product_id, student_id, decision.now, within_limit=decision.enforce_seats
            )
        return actions

    def _wish(self, decision: Decision, *, is_last: bool) -> "Action":
        waits = decision.enforce_seats and not is_last
        not_before = decision.now + _UNFINISHED_FOR if waits else None
        due_at = repair_at(not_before or decision.now, bulk=decision.bulk)
        return self._store.wishes.add(decision.student_id, due_at, bulk=decision.bulk, not_before=not_before)

    def _restore(self, change: EnrollmentChange, user_id: int) -> None:
        product_id, student_id = change.after.product_id, change.after.student_id
        current = self._store.students.get_enrollment(student_id, product_id)
        if current is None:
            return
        if change.before is None:
            actions = [self._store.students.remove_enrollment(current)]
        else:
            actions = [self._store.students.change_enrollment(current, change.before)]
        if change.takes_seat and user_id in current.seat_holders:
            actions += self._store.users.release_seat(user_id, product_id, student_id)
        self._store.transact(actions)

    def _delete(self, student_id: int) -> None:
        record = self._store.students.get_record(student_id)
        if record is not None:
            self._removals.delete_student(record, in_thinkific=False)

    def _rename_back(self, student: Student) -> None:
        def attempt() -> None:
            record = self._store.students.get_record(student.id)
            if record is not None:
                names = replace(record.student, first_name=student.first_name, last_name=student.last_name)
                again = replace(names, version=record.student.version + 1)
                self._store.transact(self._store.students.change(record.student, again))

        retry_conflicts(attempt)


def _note(decision: Decision, piece: Sequence[EnrollmentChange], written: Written) -> None:
    before = decision.before
    if before is None:
        written.created = True
    elif before.student != decision.after.student and not written.created and written.renamed_from is None:
        written.renamed_from = before.student
    written.association = written.association or decision.plan.association
    written.changes += piece


def _pieces(changes: Sequence[EnrollmentChange]) -> list[Sequence[EnrollmentChange]]:
    """At least one, which may be empty."""
    step = _ENROLLMENTS_IN_ONE_WRITE
    return [changes[start : start + step] for start in range(0, len(changes), step)] or [()]
