"""One enrollment in a course."""

from collections.abc import Set as AbstractSet

from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.matching import is_as_wanted
from b2b.domain.work.upstream import LIST_LAG_SECONDS, ThinkificEnrollment, ThinkificMissing, ThinkificRejected
from b2b.services.enrollment.reconciliation.ends import end_of_an_existing, has_ended, has_ended_by_itself
from b2b.services.enrollment.reconciliation.look import Later, Look

_NOT_SHOWN = "Thinkific refuses an enrollment that may be there, and does not show it."


class CourseStep:
    # Courses of which what was shown is old by now: a bundle's call may have written to them.
    bundled: AbstractSet[int] = frozenset()

    def __init__(self, look: Look) -> None:
        self._look = look
        self._enrollments = look.store.enrollments
        self._thinkific = look.thinkific

    def bring(self, enrollment: Enrollment, user_id: int, *, look_first: bool) -> None:
        if has_ended_by_itself(enrollment, self._look.now):
            self._enrollments.confirm_enrollment(enrollment)
            return
        known = enrollment.thinkific_id
        if known is not None:
            # What somebody has set is sent as it is. Else what Thinkific has may last longer.
            if enrollment.is_exact and self._update(enrollment, known):
                return
            look_first = True
        existing = self._look_up(enrollment, user_id) if look_first else None
        if existing is None:
            existing = self._bring_where_none_is_seen(enrollment, user_id)
        if existing is None:
            return
        self._enrollments.learn_enrollment(enrollment, existing)
        if is_as_wanted(existing, enrollment, self._look.now):
            self._enrollments.confirm_enrollment(enrollment, thinkific_id=existing.id)
        elif not self._update(enrollment, existing.id):
            raise Later(LIST_LAG_SECONDS, trouble="Thinkific shows an enrollment that it does not know.")

    def _bring_where_none_is_seen(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        """Confirms the enrollment: None. Else what Thinkific turns out to have.

        An end is sent for a hidden course too that shows no enrollment: an earlier call, whose answer was lost, may
        have made one.
        """
        known = enrollment.thinkific_id
        if known is not None and self._is_hidden(enrollment) and self._update(enrollment, known):
            return None
        if has_ended(enrollment, self._look.now) and not self._is_hidden(enrollment):
            self._enrollments.confirm_enrollment(enrollment)
            return None
        try:
            self._create(enrollment, user_id)
        except ThinkificRejected as refusal:
            if not self._is_there_unseen(enrollment, refusal):
                return self._explain(refusal, enrollment, user_id)
            self._enrollments.confirm_enrollment(enrollment)
        return None

    def _look_up(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        course_id = enrollment.productable_id
        if self._look.shown is None or course_id in self.bundled or enrollment.thinkific_id is not None:
            found = self._find(enrollment, user_id)
        else:
            found = self._look.shown.get(course_id)
        if found is None and enrollment.thinkific_id is not None and self._is_hidden(enrollment):
            self._look.before_a_call()
            found = self._thinkific.enrollments.get(enrollment.thinkific_id)
        return found

    def _is_hidden(self, enrollment: Enrollment) -> bool:
        """Whether Thinkific's lists may leave it out, as they do its course."""
        return self._look.store.products.is_hidden_course(enrollment.productable_id)

    def _is_there_unseen(self, enrollment: Enrollment, refusal: ThinkificRejected) -> bool:
        """Whether Thinkific says that the student is in a hidden course, which it shows nobody.

        Its end is not known then, so one that somebody has set is not said to be brought about.
        """
        says_so = "already" in refusal.reason.lower()
        return says_so and not enrollment.is_exact and self._is_hidden(enrollment)

    def _find(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        self._look.before_a_call()
        return self._thinkific.enrollments.find(user_id, enrollment.productable_id)

    def _create(self, enrollment: Enrollment, user_id: int) -> None:
        self._look.before_a_call()
        now = self._look.now
        thinkific_id = self._thinkific.enrollments.create(
            user_id=user_id,
            course_id=enrollment.productable_id,
            activated_at=enrollment.activated_at,
            expiry_date=end_of_an_existing(enrollment, now) if has_ended(enrollment, now) else enrollment.expiry_date,
        )
        self._enrollments.confirm_enrollment(enrollment, thinkific_id=thinkific_id)

    def _update(self, enrollment: Enrollment, thinkific_id: int) -> bool:
        """Whether Thinkific still knows the enrollment."""
        self._look.before_a_call()
        try:
            self._thinkific.enrollments.update(
                thinkific_id,
                activated_at=enrollment.activated_at,
                expiry_date=end_of_an_existing(enrollment, self._look.now),
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
        self._look.check_user(user_id)
        wish = self._look.wish
        may_be_written = bool(wish.attempts) or wish.abandoned
        if may_be_written and wish.trouble != _NOT_SHOWN:
            raise Later(LIST_LAG_SECONDS, trouble=_NOT_SHOWN)
        raise refusal
