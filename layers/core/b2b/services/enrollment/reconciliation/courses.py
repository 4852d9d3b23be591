"""One enrollment in a course."""

from collections.abc import Set as AbstractSet

from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.matching import is_as_wanted
from b2b.domain.work.upstream import LIST_LAG_SECONDS, ThinkificEnrollment, ThinkificMissing, ThinkificRejected
from b2b.services.enrollment.reconciliation.attempt import Attempt, RetryLater
from b2b.services.enrollment.reconciliation.end_dates import end_to_send, has_ended, has_ended_naturally

_NOT_SHOWN = "Thinkific refuses an enrollment that may be there, and does not show it."


class CourseStep:
    # Courses of which what was shown is old by now: a bundle's call may have written to them.
    bundled: AbstractSet[int] = frozenset()

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._enrollments = attempt.store.enrollments
        self._thinkific = attempt.thinkific

    def sync_enrollment(self, enrollment: Enrollment, user_id: int, *, read_first: bool) -> None:
        if has_ended_naturally(enrollment, self._attempt.now):
            self._enrollments.confirm_enrollment(enrollment)
            return
        known = enrollment.thinkific_id
        if known is not None:
            # What somebody has set is sent as it is. Else what Thinkific has may last longer.
            if enrollment.is_exact and self._update(enrollment, known):
                return
            read_first = True
        existing = self._read(enrollment, user_id) if read_first else None
        if existing is None:
            existing = self._sync_where_none_is_found(enrollment, user_id)
        if existing is None:
            return
        self._enrollments.record_enrollment(enrollment, existing)
        if is_as_wanted(existing, enrollment, self._attempt.now):
            self._enrollments.confirm_enrollment(enrollment, thinkific_id=existing.id)
        elif not self._update(enrollment, existing.id):
            raise RetryLater(LIST_LAG_SECONDS, trouble="Thinkific shows an enrollment that it does not know.")

    def _sync_where_none_is_found(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        """Confirms the enrollment: None. Else what Thinkific turns out to have.

        An end is sent for a hidden course too that shows no enrollment: an earlier call, whose answer was lost, may
        have made one.
        """
        known = enrollment.thinkific_id
        if known is not None and self._is_hidden(enrollment) and self._update(enrollment, known):
            return None
        if has_ended(enrollment, self._attempt.now) and not self._is_hidden(enrollment):
            self._enrollments.confirm_enrollment(enrollment)
            return None
        try:
            self._create(enrollment, user_id)
        except ThinkificRejected as refusal:
            if not self._is_there_unseen(enrollment, refusal):
                return self._explain(refusal, enrollment, user_id)
            self._enrollments.confirm_enrollment(enrollment)
        return None

    def _read(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        course_id = enrollment.productable_id
        if self._attempt.found_by_course is None or course_id in self.bundled or enrollment.thinkific_id is not None:
            found = self._find(enrollment, user_id)
        else:
            found = self._attempt.found_by_course.get(course_id)
        if found is None and enrollment.thinkific_id is not None and self._is_hidden(enrollment):
            self._attempt.before_a_call()
            found = self._thinkific.enrollments.get(enrollment.thinkific_id)
        return found

    def _is_hidden(self, enrollment: Enrollment) -> bool:
        """Whether Thinkific's lists may leave it out, as they do its course."""
        return self._attempt.store.products.is_hidden_course(enrollment.productable_id)

    def _is_there_unseen(self, enrollment: Enrollment, refusal: ThinkificRejected) -> bool:
        """Whether Thinkific says that the student is in a hidden course, which it shows nobody.

        Its end is not known then, so one that somebody has set is not said to be brought about.
        """
        says_so = "already" in refusal.reason.lower()
        return says_so and not enrollment.is_exact and self._is_hidden(enrollment)

    def _find(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        self._attempt.before_a_call()
        return self._thinkific.enrollments.find(user_id, enrollment.productable_id)

    def _create(self, enrollment: Enrollment, user_id: int) -> None:
        self._attempt.before_a_call()
        now = self._attempt.now
        thinkific_id = self._thinkific.enrollments.create(
            user_id=user_id,
            course_id=enrollment.productable_id,
            activated_at=enrollment.activated_at,
            expiry_date=end_to_send(enrollment, now) if has_ended(enrollment, now) else enrollment.expiry_date,
        )
        self._enrollments.confirm_enrollment(enrollment, thinkific_id=thinkific_id)

    def _update(self, enrollment: Enrollment, thinkific_id: int) -> bool:
        """Whether Thinkific still knows the enrollment."""
        self._attempt.before_a_call()
        try:
            self._thinkific.enrollments.update(
                thinkific_id,
                activated_at=enrollment.activated_at,
                expiry_date=end_to_send(enrollment, self._attempt.now),
            )
        except ThinkificMissing:
            return False
        self._enrollments.confirm_enrollment(enrollment, thinkific_id=thinkific_id)
        return True

    def _explain(self, refusal: ThinkificRejected, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment:
        """A refused enrollment may exist already, or the user be gone; else it is refused for good."""
        existing = self._find(enrollment, user_id)
        if existing is not None:
            return existing
        self._attempt.check_user(user_id)
        wish = self._attempt.wish
        may_be_written = bool(wish.attempts) or wish.abandoned
        if may_be_written and wish.trouble != _NOT_SHOWN:
            raise RetryLater(LIST_LAG_SECONDS, trouble=_NOT_SHOWN)
        raise refusal
