"""Finding records that contradict each other, and mending them.

The student's own records decide: its enrollments name who holds seats, its associations whose student it is. What the
users' partitions repeat of that is made to agree. The counters are compared afterwards, by the recount.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from b2b.domain.enrollment.enrollments import without_holder
from b2b.domain.integrity.consistency import Contradiction, Flaw, OwnRows, contradictions
from b2b.domain.kinds import Kind
from b2b.services.contention import retry_conflicts
from b2b.services.enrollment.removals import Removals

if TYPE_CHECKING:
    from b2b.storage.store import Store

_STUDENTS_IN_ONE_PAGE = 100


class ConsistencyService:
    def __init__(self, store: "Store", removals: Removals) -> None:
        self._store = store
        self._removals = removals

    def student_ids(self) -> Iterator[int]:
        """All in the list, ascending."""
        after, has_more = 0, True
        while has_more:
            page = self._store.listing.behind(Kind.STUDENTS, after, _STUDENTS_IN_ONE_PAGE)
            yield from page.ids
            after = page.ids[-1] if page.ids else after
            has_more = page.has_more

    def check_user(self, user_id: int) -> list[Contradiction]:
        """Rows of the user that its students know nothing of. Look again before you believe it (``confirmed``)."""
        suspects = [
            Contradiction(student_id, user_id, product_id, Flaw.STRAY_SEAT_ROW)
            for student_id, product_id in self._store.consistency.stray_rows(user_id)
        ]
        return [found for each in suspects for found in self._look(each)]

    def check_student(self, student_id: int) -> list[Contradiction]:
        """What the student's records say and its users' rows do not. Look again before you believe it."""
        return self._look_at(student_id, (), ())

    def confirmed(self, found: Iterable[Contradiction]) -> list[Contradiction]:
        """Those of ``found`` that are still there: the records of one look cannot be read at one moment."""
        return [each for each in sorted({*found}, key=str) if each in self._look(each)]

    def mend(self, contradiction: Contradiction) -> None:
        """Makes the records agree where they still do not, and finishes what the contradiction may have stopped.

        Raises TooManyRequests when others keep writing to the same records.
        """
        for found in self._look(contradiction):
            retry_conflicts(partial(self._mend, found))
        student_id, user_id = contradiction.student_id, contradiction.user_id
        if not self._own(student_id).exists:
            self._removals.delete_remains(student_id)
        elif not self._user_exists(user_id):
            self._removals.dissociate(student_id, user_id)

    def _look(self, suspect: Contradiction) -> list[Contradiction]:
        """All that is wrong with the student, in the places that ``suspect`` names too."""
        products = () if suspect.product_id is None else (suspect.product_id,)
        return self._look_at(suspect.student_id, (suspect.user_id,), products)

    def _look_at(self, student_id: int, user_ids: Iterable[int], product_ids: Iterable[int]) -> list[Contradiction]:
        own = self._own(student_id)
        users = {*user_ids, *(found.user_id for found in own.associations)}
        users |= {holder for found in own.enrollments for holder in found.seat_holders}
        products = {*product_ids, *(found.product_id for found in own.enrollments)}
        rows = self._store.consistency.rows(student_id, sorted(users), sorted(products))
        return [*contradictions(student_id, own, rows)]

    def _mend(self, contradiction: Contradiction) -> None:
        if contradiction not in self._look(contradiction):
            return
        student_id, user_id = contradiction.student_id, contradiction.user_id
        consistency = self._store.consistency
        match contradiction.flaw:
            case Flaw.NOT_WITH_USER if self._user_exists(user_id):
                consistency.copy_to_user(user_id, student_id)
            case Flaw.NOT_WITH_USER:
                consistency.delete_from_student(user_id, student_id)
            case Flaw.NOT_WITH_STUDENT:
                consistency.copy_to_student(user_id, student_id)
            case Flaw.NO_STUDENT if not self._own(student_id).associations:
                consistency.delete_from_user(user_id, student_id)
            case Flaw.NO_SEAT_ROW:
                self._mend_missing_seat(contradiction)
            case Flaw.STRAY_SEAT_ROW:
                self._mend_stray_seat(contradiction)

    def _mend_missing_seat(self, contradiction: Contradiction) -> None:
        student_id, user_id = contradiction.student_id, contradiction.user_id
        enrollment = self._own(student_id).enrollment(contradiction.product_id)
        if enrollment is None:
            return
        if self._user_exists(user_id):
            row = self._store.consistency.put_seat_row(user_id, enrollment.product_id, student_id)
            self._store.transact([self._store.consistency.enrollment_unchanged(enrollment), row])
        else:
            after = without_holder(enrollment, user_id)
            self._store.transact([self._store.enrollments.change_enrollment(enrollment, after)])

    def _mend_stray_seat(self, contradiction: Contradiction) -> None:
        student_id, product_id = contradiction.student_id, contradiction.product_id or 0
        consistency = self._store.consistency
        enrollment = self._own(student_id).enrollment(product_id)
        unchanged = (
            consistency.enrollment_unchanged(enrollment)
            if enrollment
            else consistency.enrollment_absent(student_id, product_id)
        )
        self._store.transact([unchanged, consistency.delete_seat_row(contradiction.user_id, product_id, student_id)])

    def _own(self, student_id: int) -> OwnRows:
        record = self._store.students.get_record(student_id)
        if record is not None:
            return OwnRows(True, record.associations, record.enrollments)
        return OwnRows(False, *self._store.students.get_remains(student_id))

    def _user_exists(self, user_id: int) -> bool:
        return self._store.users.get(user_id) is not None
