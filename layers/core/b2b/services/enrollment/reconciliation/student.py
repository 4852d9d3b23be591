"""One attempt at one student: its account, its groups and its enrollments, in this order."""

from dataclasses import replace

from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.work.upstream import AnswerLost, ThinkificRejected
from b2b.services.enrollment.reconciliation.account import AccountStep
from b2b.services.enrollment.reconciliation.attempt import Attempt, RetryLater, UserGone
from b2b.services.enrollment.reconciliation.enrollments import EnrollmentsStep
from b2b.services.enrollment.reconciliation.groups import GroupStep


class Reconciliation:
    """The steps of one attempt, from the account to the enrollments."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._students = attempt.store.students
        self._enrollments = attempt.store.enrollments

    @property
    def has_progressed(self) -> bool:
        """Whether this attempt has settled anything: then what fails afterwards is a first failure again."""
        return self._attempt.has_progressed

    def carry_out(self) -> None:
        """Raises RetryLater, ThinkificDelay or AnswerLost when there is more to do, LeaseLost without the lease."""
        record = self._students.get_record(self._attempt.wish.student_id)
        if record is None:
            return
        # Since then, others may have written to the account.
        if record.student.newly_created and self._attempt.was_interrupted:
            self.read_before_writing()
            record = replace(record, student=replace(record.student, newly_created=False))
        if record.needs_sync:
            self._sync_or_unlink(record.reopened())
        if record.refusals or record.student.retry_at is not None:
            self._mark(record.student.id)

    def _sync_or_unlink(self, record: StudentRecord) -> None:
        try:
            self._sync(record)
        except UserGone:
            if record.student.thinkific_id is not None:
                self._attempt.refusals.retry_waiting_students(record.student.thinkific_id)
            self._students.unlink_account(record)
            raise RetryLater(0, trouble="Thinkific does not know the student's account any more.") from None
        except AnswerLost:
            self.read_before_writing()
            raise

    def _mark(self, student_id: int) -> None:
        """Whether there is anything to try again. Rows of earlier releases have refusals without a mark."""
        record = self._students.get_record(student_id)
        if record is None or bool(record.refusals) == (record.student.retry_at is not None):
            return
        self._attempt.store.refusals.mark(
            student_id, self._attempt.refusals.next_retry_at() if record.refusals else None
        )

    def read_before_writing(self) -> None:
        """From now on Thinkific may hold more of this student than has been confirmed."""
        self._attempt.read_before_writing()

    def _sync(self, record: StudentRecord) -> None:
        account = AccountStep(self._attempt)
        try:
            student, user_id = account.ensure_user(record.student)
        except ThinkificRejected as refusal:
            self._refuse_account(record, refusal.reason)
            return
        waiting = None
        try:
            account.sync_profile(student, user_id)
        except RetryLater as later:
            waiting = later  # for another student, which keeps this one from no course
        GroupStep(self._attempt).sync_groups(record.associations, user_id)
        waits = EnrollmentsStep(self._attempt).sync_enrollments(record, user_id, read_first=not student.newly_created)
        if student.newly_created:
            self.read_before_writing()
        if waits:
            raise RetryLater(min(waits))
        if waiting is not None:
            raise waiting

    def _refuse_account(self, record: StudentRecord, reason: str) -> None:
        # First: whoever sees that the enrollments have failed is to see why.
        self._attempt.refuse_profile(record.student, reason)
        for enrollment in record.enrollments:
            if enrollment.is_open:
                self._enrollments.fail_enrollment(enrollment, reason, without_account=True)
