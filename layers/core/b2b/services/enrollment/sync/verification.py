"""Comparing the table with Thinkific: what drifted apart there since it was confirmed, and wanting it again."""

import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from b2b.domain import timestamps
from b2b.domain.catalogue.products import ProductableType
from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.matching import by_course, is_as_wanted
from b2b.domain.enrollment.redaction import without_names
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.upstream import ThinkificEnrollment
from b2b.services.chunks import chunked
from b2b.services.contention import retry_conflicts
from b2b.services.enrollment.sync.refusals import Refusals
from b2b.services.work.notifier import repair_at

if TYPE_CHECKING:
    from b2b.gateways.thinkific import Thinkific
    from b2b.services.work.notifier import Notifier
    from b2b.storage.store import Store

_IDS_IN_ONE_PAGE = 100
_ENROLLMENTS_IN_ONE_WRITE = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``product_id`` None: the account itself. ``is_refusal``: Thinkific refuses what is wanted, instead of having
    something else. ``what`` is for a person, and names none.
    """

    student_id: int
    product_id: int | None
    what: str
    is_refusal: bool = False

    def __str__(self) -> str:
        about = "" if self.product_id is None else f", product {self.product_id}"
        return f"Student {self.student_id}{about}: {self.what}"


class Verification:
    """Each ``compare`` takes one call to Thinkific, two for students with more than 250 enrollments or none at all.

    One more for each enrollment in a course that Thinkific's lists leave out.
    """

    def __init__(self, store: "Store", thinkific: "Thinkific", notifier: "Notifier", clock: Clock = utc_now) -> None:
        self._store = store
        self._thinkific = thinkific
        self._notifier = notifier
        self._clock = clock
        self._refusals = Refusals(store, notifier, clock)

    def student_ids(self) -> Iterator[int]:
        """All, ascending."""
        after, has_more = 0, True
        while has_more:
            page = self._store.listing.behind(Kind.STUDENTS, after, _IDS_IN_ONE_PAGE)
            yield from page.ids
            after = page.ids[-1] if page.ids else after
            has_more = page.has_more

    def sample(self, number: int, draw: random.Random) -> list[int]:
        """Some students by chance, each with the same chance as any other; and as many of whom Thinkific refuses
        something.
        """
        chosen: list[int] = []
        for count, student_id in enumerate(self.student_ids()):
            if count < number:
                chosen.append(student_id)
            elif (place := draw.randint(0, count)) < number:
                chosen[place] = student_id
        return sorted({*chosen, *self._store.refusals.ids()[:number]})

    def compare(self, student_id: int) -> list[Difference] | None:
        """None: nothing can be compared, since the student is on its way, or was never to be in Thinkific.

        Raises ThinkificDelay.
        """
        record = self._store.students.get_record(student_id)
        if record is None or record.needs_sync:
            return None
        refusals = list(_refusals(record))
        if record.student.thinkific_id is None:
            return refusals or None
        with self._thinkific.in_bulk(bulk=True):
            rows = by_course(self._thinkific.enrollments.list_of_user(record.student.thinkific_id))
            if not rows and not self._thinkific.accounts.exists(record.student.thinkific_id):
                what = "Thinkific does not know the account any more."
                return [Difference(student_id=student_id, product_id=None, what=what)]
        differences = [*refusals, *self._differences(record, rows)]
        if differences and self._store.students.get_record(student_id) != record:
            return None  # on its way since
        return differences

    def reopen_differences(self, student_id: int, differences: Collection[Difference]) -> None:
        """Opens what differs, so that the sync brings it about again, and tries what Thinkific refuses once more."""
        found_there = [difference for difference in differences if not difference.is_refusal]
        if found_there:
            self._reopen(student_id, {difference.product_id for difference in found_there})
        if len(found_there) < len(differences):
            self._refusals.retry_student(student_id, bulk=True)

    def _reopen(self, student_id: int, wanted: Collection[int | None]) -> None:
        def attempt() -> None:
            record = self._store.students.get_record(student_id)
            if record is None:
                return
            if None in wanted:
                self._forget_account(record)
            different = [found for found in record.enrollments if found.product_id in wanted]
            for chunk in chunked(different, _ENROLLMENTS_IN_ONE_WRITE):
                wish = self._store.wishes.add_wish(student_id, repair_at(self._clock(), bulk=True), bulk=True)
                reopened = [self._store.enrollments.reopen_enrollment(found) for found in chunk]
                self._store.transact([self._store.students.student_must_exist(student_id), wish, *reopened])

        retry_conflicts(attempt)
        self._notifier.enqueue_student(student_id, bulk=True)

    def _forget_account(self, record: StudentRecord) -> None:
        if record.student.thinkific_id is not None:
            self._refusals.retry_waiting_students(record.student.thinkific_id, bulk=True)
        self._store.students.unlink_account(record)

    def _differences(self, record: StudentRecord, rows: dict[int, ThinkificEnrollment]) -> Iterator[Difference]:
        courses = {found.product_id: self._courses(found) for found in record.enrollments}
        for enrollment in record.enrollments:
            if enrollment.failed_version == enrollment.version:
                continue
            others = self._wanted_otherwise(enrollment, record.enrollments, courses)
            for course_id in courses[enrollment.product_id]:
                # One row stands for the course, whoever wants it: it is to last as long as the one who wants most.
                decisive = enrollment if course_id not in others else replace(enrollment, is_exact=False)
                if course_id in others and expiry.is_past(enrollment.expiry_date, self._clock()):
                    continue
                existing = rows.get(course_id)
                if existing is None and self._store.products.is_hidden_course(course_id):
                    existing = self._read_hidden(enrollment)
                    if existing is None:
                        continue  # what Thinkific shows nobody cannot be compared
                what = self._difference(decisive, existing)
                if what is not None:
                    yield Difference(student_id=record.student.id, product_id=enrollment.product_id, what=what)
                    break

    def _read_hidden(self, enrollment: Enrollment) -> ThinkificEnrollment | None:
        """By its own id: the lists may leave out what is in a hidden course."""
        known = enrollment.thinkific_id
        return None if known is None else self._thinkific.enrollments.get(known)

    def _courses(self, enrollment: Enrollment) -> Sequence[int]:
        if enrollment.productable_type is ProductableType.COURSE:
            return (enrollment.productable_id,)
        product = self._store.products.get(enrollment.product_id)
        return product.course_ids if product is not None and not product.is_deleted else ()

    def _wanted_otherwise(
        self, enrollment: Enrollment, all_: Iterable[Enrollment], courses: dict[int, Sequence[int]]
    ) -> set[int]:
        """Courses that the student has by another enrollment too."""
        others = (found for found in all_ if found.product_id != enrollment.product_id)
        return {course_id for found in others for course_id in courses[found.product_id]}

    def _difference(self, enrollment: Enrollment, existing: ThinkificEnrollment | None) -> str | None:
        now = self._clock()
        has_ended = expiry.is_past(enrollment.expiry_date, now)
        if existing is None:
            return None if has_ended else "Thinkific has no enrollment."
        if is_as_wanted(existing, enrollment, now):
            return None
        if existing.activated_at is None:
            return None if has_ended else "Thinkific has a free preview only."
        wanted, there = (
            "never" if end is None else timestamps.to_text(end)[:19]
            for end in (enrollment.expiry_date, existing.expiry_date)
        )
        return f"Thinkific ends it {there}, wanted is {wanted}."


def _refusals(record: StudentRecord) -> Iterator[Difference]:
    for sentence in record.refusals:
        what = f"Thinkific refuses. {without_names(sentence, record.student)}"
        yield Difference(student_id=record.student.id, product_id=None, what=what, is_refusal=True)
