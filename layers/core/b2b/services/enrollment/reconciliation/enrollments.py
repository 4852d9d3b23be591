"""All of a student's enrollments, in the order in which Thinkific is to be told of them."""

from collections.abc import Iterator

from b2b.domain.catalogue.products import ProductableType
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.matching import by_course, until_the_last
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.work.upstream import ThinkificMissing, ThinkificRejected
from b2b.services.enrollment.reconciliation.bundles import BundleStep
from b2b.services.enrollment.reconciliation.courses import CourseStep
from b2b.services.enrollment.reconciliation.ends import has_ended_by_itself
from b2b.services.enrollment.reconciliation.look import Later, Look


class EnrollmentsStep:
    def __init__(self, look: Look) -> None:
        self._look = look
        self._students = look.store.students
        self._enrollments = look.store.enrollments
        self._courses = CourseStep(look)
        self._bundles = BundleStep(look)

    def bring(self, record: StudentRecord, user_id: int, *, look_first: bool) -> list[float]:
        """After how many seconds to look again at those that Thinkific is still at.

        Bundles first, those that end first before others: each writes to all of its courses, which the student may
        have by another bundle or by themselves too, and for longer.
        """
        if look_first and self._looks_due(record) > 1:
            self._look.before_a_call()
            self._look.shown = by_course(self._look.thinkific.enrollments.list_of_user(user_id))
        bundles = self._bundles.open_ones(record)
        waits = [self._settle(bundle, user_id, look_first=look_first) for bundle in bundles]
        self._courses.bundled = self._bundles.course_ids
        if self._courses.bundled:
            record = (self._students.get_record(record.student.id) or record).reopened()
        for enrollment in record.enrollments:
            if enrollment.is_open and enrollment.productable_type is ProductableType.COURSE:
                wanted = until_the_last(enrollment, self._bundles.with_course(enrollment, record), self._look.now)
                looks = look_first or enrollment.productable_id in self._courses.bundled
                waits.append(self._settle(wanted, user_id, look_first=looks))
        # Where Thinkific is still at one of them, that has not kept the others waiting.
        return [wait for wait in waits if wait is not None]

    def _looks_due(self, record: StudentRecord) -> int:
        """At how many enrollments one would have to look first, each by itself."""
        return sum(
            enrollment.thinkific_id is None and not has_ended_by_itself(enrollment, self._look.now)
            for enrollment in _open_enrollments(record)
            if enrollment.productable_type is ProductableType.COURSE or self._bundles.is_unheard_of(enrollment)
        )

    def _settle(self, enrollment: Enrollment, user_id: int, *, look_first: bool) -> float | None:
        """Confirmed, or failed for good: None. Else after how many seconds to look again."""
        is_bundle = enrollment.productable_type is ProductableType.BUNDLE
        step = self._bundles if is_bundle else self._courses
        try:
            step.bring(enrollment, user_id, look_first=look_first)
        except Later as later:
            return later.seconds
        except ThinkificMissing:
            self._look.check_user(user_id)
            reason = "Thinkific: there is no such course or bundle any more."
            self._enrollments.fail_enrollment(enrollment, reason)
        except ThinkificRejected as refusal:
            self._enrollments.fail_enrollment(enrollment, refusal.reason)
        self._look.has_progressed = True
        return None


def _open_enrollments(record: StudentRecord) -> Iterator[Enrollment]:
    return (enrollment for enrollment in record.enrollments if enrollment.is_open)
