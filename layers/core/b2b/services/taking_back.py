"""Taking back what a call has written that was to be all or nothing, and nothing that others have written since."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from b2b.domain import expiry
from b2b.domain.enrolling import EnrollmentChange
from b2b.domain.enrollments import Enrollment, with_expiry, without_holder
from b2b.domain.students import Student, StudentRecord
from b2b.domain.timestamps import Clock
from b2b.services.contention import retry_conflicts
from b2b.services.removals import Removals
from b2b.services.ringing import repair_at

if TYPE_CHECKING:
    from b2b.storage.store import Store
    from b2b.storage.table import Action


@dataclass(frozen=True, slots=True)
class Undo:
    """``before``: the enrolment as others left it, None = there was none. ``revision``: what the call left.

    ``took_seat``: the call took one for its user.
    """

    before: Enrollment | None
    revision: int
    took_seat: bool


@dataclass(slots=True)
class Written:
    """What one call has written so far, over all its attempts, each of which may have met what others wrote.

    ``renamed``: the student as others left it, and as the call left it. ``association_version``: of the association
    that the call made, as far as the call itself has built on it. ``undos``: by product.
    """

    student_id: int | None = None
    user_id: int | None = None
    created: bool = False
    renamed: tuple[Student, Student] | None = None
    association_version: int | None = None
    undos: dict[int, Undo] = field(default_factory=dict)

    def note_student(self, before: Student | None, after: Student) -> None:
        self.student_id = after.id
        if before is None:
            self.created = True
        elif before != after:
            first = self.renamed[0] if self.renamed and self.renamed[1].version == before.version else before
            self.renamed = (first, after)

    def note_association(self, user_id: int, *, made: bool) -> None:
        """With every write, which makes the association or builds on it."""
        self.user_id = user_id
        if made:
            self.association_version = 1
        elif self.association_version is not None:
            self.association_version += 1

    def note_change(self, change: EnrollmentChange, user_id: int) -> None:
        before, known = change.before, self.undos.get(change.after.product_id)
        took_seat = change.takes_seat
        if known is not None:
            took_seat = took_seat or known.took_seat
            if before is not None and before.revision == known.revision:
                before = known.before
            elif before is not None and known.took_seat:
                before = without_holder(before, user_id)
        revision = change.before.revision + 1 if change.before else 1
        self.undos[change.after.product_id] = Undo(before, revision, took_seat)


class TakingBack:
    """Each step stands by itself and may be repeated."""

    def __init__(self, store: "Store", removals: Removals, clock: Clock) -> None:
        self._store = store
        self._removals = removals
        self._clock = clock

    def take_back(self, written: Written) -> None:
        """What others built on meanwhile stays, without the seats that the call took.

        Raises TooManyRequests when others keep writing to the same records.
        """
        student_id, user_id = written.student_id, written.user_id
        if student_id is None or user_id is None:
            return
        for product_id, undo in written.undos.items():
            retry_conflicts(partial(self._restore, student_id, user_id, product_id, undo))
        if written.association_version is not None:
            retry_conflicts(partial(self._leave, student_id, user_id, written.association_version))
        if written.renamed is not None:
            retry_conflicts(partial(self._rename_back, student_id, *written.renamed))
        if written.created:
            retry_conflicts(partial(self._delete, student_id))

    def _restore(self, student_id: int, user_id: int, product_id: int, undo: Undo) -> None:
        record = self._store.students.get_record(student_id)
        current = record.enrollment(product_id) if record else None
        if record is None or current is None:
            return
        after = self._restored(record, current, undo, user_id)
        actions: list[Action]
        if after is None:
            # A worker that takes the student up right now would bring about what is gone then.
            unleased = self._store.wishes.check_unleased(student_id, self._clock())
            actions = [self._store.students.remove_enrollment(current), unleased]
        elif after == current:
            return
        else:
            actions = [self._store.students.change_enrollment(current, after)]
            if after.version != current.version:
                actions.append(self._wish(student_id))
        if undo.took_seat and user_id in current.seat_holders:
            exists = self._store.users.get(user_id) is not None
            actions += self._store.users.release_seat(user_id, product_id, student_id, user_exists=exists)
        self._store.transact(actions)

    def _restored(self, record: StudentRecord, current: Enrollment, undo: Undo, user_id: int) -> Enrollment | None:
        now = self._clock()
        if current.revision != undo.revision:
            return without_holder(current, user_id) if undo.took_seat else current
        may_be_told = self._may_be_told(record, current, now)
        if undo.before is not None:
            # A version of its own: a worker may be confirming the one that is taken back.
            return replace(
                current,
                version=current.version + 1,
                expiry_date=undo.before.expiry_date,
                is_exact=undo.before.is_exact or may_be_told,
                seat_holders=undo.before.seat_holders,
                former_holders=undo.before.former_holders,
                updated_at=undo.before.updated_at,
            )
        if may_be_told:
            return without_holder(with_expiry(current, expiry.end_of_yesterday(now), now), user_id)
        return None

    def _may_be_told(self, record: StudentRecord, current: Enrollment, now: datetime) -> bool:
        """Whether Thinkific has heard of what is taken back, or is hearing of it."""
        lease_until = record.wish.lease_until if record.wish else None
        is_leased = lease_until is not None and lease_until >= now
        told = (current.confirmed_version, current.bundle_ordered_version)
        return is_leased or current.bundle_asked or current.version in told

    def _leave(self, student_id: int, user_id: int, version: int) -> None:
        record = self._store.students.get_record(student_id)
        association = record.association(user_id) if record else None
        if record is None or association is None or association.version != version:
            return
        if any(user_id in found.seat_holders | found.former_holders for found in record.enrollments):
            return
        actions = self._store.students.dissociate(association)
        if self._store.users.get(user_id) is not None:
            actions.append(self._store.users.count_student(user_id, -1))
        self._store.transact(actions)

    def _rename_back(self, student_id: int, before: Student, after: Student) -> None:
        record = self._store.students.get_record(student_id)
        if record is None or record.student.version != after.version:
            return
        again = replace(
            record.student,
            first_name=before.first_name,
            last_name=before.last_name,
            version=after.version + 1,
            updated_at=before.updated_at,
        )
        self._store.transact([*self._store.students.change(record.student, again), self._wish(student_id)])

    def _delete(self, student_id: int) -> None:
        """The student that the call has created, unless others have come to need it."""
        record = self._store.students.get_record(student_id)
        if record is not None and not record.associations and not record.enrollments:
            self._removals.delete_student(record, in_thinkific=False)

    def _wish(self, student_id: int) -> "Action":
        return self._store.wishes.add(student_id, repair_at(self._clock(), bulk=False), bulk=False)
