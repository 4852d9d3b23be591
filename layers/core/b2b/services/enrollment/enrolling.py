"""Writes what a call to enroll has decided: in one transaction where seats are enforced, else in as few as possible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from b2b.domain.enrollment.enrolling import EnrollmentChange, EnrollmentPlan
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.identity.users import User
from b2b.domain.kinds import Kind
from b2b.services.chunks import chunked
from b2b.services.work.notifier import repair_at

if TYPE_CHECKING:
    from b2b.storage.actions import Action
    from b2b.storage.store import Store

# A transaction holds 100 actions: 3 for an enrollment with its seat, 8 for a new student, its user and the wish.
_ENROLLMENTS_IN_ONE_WRITE = 30


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
    def __init__(self, store: "Store") -> None:
        self._store = store

    def write(self, decision: Decision) -> None:
        """Where seats are enforced all or nothing, of at most ``MAX_ENFORCED`` changes.

        Else in chunks that each stand by themselves; after a race the next attempt writes what is missing.
        """
        changes = decision.plan.changes
        chunks = [changes] if decision.enforce_seats else chunked(changes, _ENROLLMENTS_IN_ONE_WRITE)
        head = self._head(decision)
        for chunk in chunks:
            self._write_chunk(decision, head, chunk)
            head = self._neck(decision)

    def _write_chunk(self, decision: Decision, head: "Sequence[Action]", chunk: Sequence[EnrollmentChange]) -> None:
        actions = [*head, *(action for change in chunk for action in self._change(decision, change))]
        if decision.after.needs_sync:
            due_at = repair_at(decision.now, bulk=decision.bulk)
            actions.append(self._store.wishes.add_wish(decision.student_id, due_at, bulk=decision.bulk))
        self._store.transact(actions)

    def _head(self, decision: Decision) -> "list[Action]":
        """Student, association and user, with the first chunk."""
        student, before = decision.after.student, decision.before
        association = decision.plan.association
        joins = association is not None
        if before is None:
            count = self._store.counters.count(Kind.STUDENTS, student.id, +1)
            actions = [*self._store.students.add_student(student), count]
        elif before.student != student:
            actions = self._store.students.change_student(before.student, student, joins=joins)
        else:
            actions = [self._store.students.student_must_exist(student.id, joins=joins)]
        if association is None:
            actions.append(self._store.users.user_must_exist(decision.user.id))
            actions.append(self._store.students.association_must_exist(decision.user.id, student.id))
        else:
            within_limit = decision.enforce_seats
            actions += self._store.students.associate(association)
            actions.append(self._store.users.count_student(decision.user.id, +1, within_limit=within_limit))
        if decision.after.needs_sync:
            actions.append(self._store.users.count_enqueued(decision.user.id, decision.now))
        return actions

    def _neck(self, decision: Decision) -> "list[Action]":
        """What the first chunk has written must still be there for the next."""
        return [
            self._store.students.student_must_exist(decision.student_id),
            self._store.users.user_must_exist(decision.user.id),
            self._store.students.association_must_exist(decision.user.id, decision.student_id),
        ]

    def _change(self, decision: Decision, change: EnrollmentChange) -> "list[Action]":
        if change.before is None:
            actions = [self._store.enrollments.enroll(change.after)]
        else:
            actions = [self._store.enrollments.change_enrollment(change.before, change.after)]
        if change.takes_seat:
            product_id, student_id = change.after.product_id, decision.student_id
            actions += self._store.users.take_seat(
                decision.user.id, product_id, student_id, decision.now, within_limit=decision.enforce_seats
            )
        return actions
