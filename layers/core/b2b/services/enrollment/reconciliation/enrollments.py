"""All of a student's enrollments, in the order in which Thinkific is to be told of them."""

from collections.abc import Iterator

from b2b.domain.catalogue.products import ProductableType
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.matching import by_course, with_latest_end
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.work.upstream import ThinkificMissing, ThinkificRejected
from b2b.services.enrollment.reconciliation.attempt import Attempt, RetryLater
from b2b.services.enrollment.reconciliation.bundles import BundleStep
from b2b.services.enrollment.reconciliation.courses import CourseStep
from b2b.services.enrollment.reconciliation.end_dates import has_ended_naturally


class EnrollmentsStep:
    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._students = attempt.store.students
        self._enrollments = attempt.store.enrollments
        self._courses = CourseStep(attempt)
        self._bundles = BundleStep(attempt)

    def sync_enrollments(self, record: StudentRecord, user_id: int, *, read_first: bool) -> list[float]:
        """After how many seconds to ask again at those that Thinkific is still at.

        Bundles first, those that end first before others: each writes to all of its courses, which the student may
        have by another bundle or by themselves too, and for longer.
        """
        if read_first and self._reads_due(record) > 1:
            self._attempt.before_a_call()
            self._attempt.found_by_course = by_course(self._attempt.thinkific.enrollments.list_of_user(user_id))
        bundles = self._bundles.open_bundles(record)
        waits = [self._settle(bundle, user_id, read_first=read_first) for bundle in bundles]
        self._courses.bundled = self._bundles.course_ids
        if self._courses.bundled:
            record = (self._students.get_record(record.student.id) or record).reopened()
        for enrollment in record.enrollments:
            if enrollment.is_open and enrollment.productable_type is ProductableType.COURSE:
                wanted = with_latest_end(
                    enrollment, self._bundles.bundles_with_course(enrollment, record), self._attempt.now
                )
                read = read_first or enrollment.productable_id in self._courses.bundled
                waits.append(self._settle(wanted, user_id, read_first=read))
        # Where Thinkific is still at one of them, that has not kept the others waiting.
        return [wait for wait in waits if wait is not None]

    def _reads_due(self, record: StudentRecord) -> int:
        """How many enrollments one would have to read first, each by itself."""
        return sum(
            enrollment.thinkific_id is None and not has_ended_naturally(enrollment, self._attempt.now)
            for enrollment in _open_enrollments(record)
            if enrollment.productable_type is ProductableType.COURSE or self._bundles.was_never_ordered(enrollment)
        )

    def _settle(self, enrollment: Enrollment, user_id: int, *, read_first: bool) -> float | None:
        """Confirmed, or failed for good: None. Else after how many seconds to ask again."""
        is_bundle = enrollment.productable_type is ProductableType.BUNDLE
        step = self._bundles if is_bundle else self._courses
        try:
            step.sync_enrollment(enrollment, user_id, read_first=read_first)
        except RetryLater as later:
            return later.seconds
        except ThinkificMissing:
            self._attempt.check_user(user_id)
            reason = "Thinkific: there is no such course or bundle any more."
            self._enrollments.fail_enrollment(enrollment, reason)
        except ThinkificRejected as refusal:
            self._enrollments.fail_enrollment(enrollment, refusal.reason)
        self._attempt.has_progressed = True
        return None


def _open_enrollments(record: StudentRecord) -> Iterator[Enrollment]:
    return (enrollment for enrollment in record.enrollments if enrollment.is_open)
