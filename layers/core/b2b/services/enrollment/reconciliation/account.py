"""The student's user in Thinkific: found or made, and its name and e-mail."""

from dataclasses import replace

from b2b.domain.enrollment.students import Student
from b2b.domain.identity.emails import spellings
from b2b.domain.work.upstream import EmailTaken, ThinkificMissing, ThinkificRejected, ThinkificUser
from b2b.services.enrollment.reconciliation.attempt import Attempt, UserGone
from b2b.services.enrollment.reconciliation.taken_emails import TakenEmails


class AccountStep:
    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._students = attempt.store.students
        self._thinkific = attempt.thinkific
        self._taken_emails = TakenEmails(attempt)

    def ensure_user(self, student: Student) -> tuple[Student, int]:
        """The student as linked to its Thinkific user, and that user's id.

        Raises ThinkificRejected when it can have none.
        """
        if student.thinkific_id is not None:
            return student, student.thinkific_id
        self._attempt.before_a_call()
        found = self._thinkific.accounts.find(student.email)
        newly_created = False
        if found is None:
            self._attempt.before_a_call()
            try:
                found = self._thinkific.accounts.create(
                    first_name=student.first_name, last_name=student.last_name, email=student.email
                )
                newly_created = True
            except EmailTaken:
                found = self._find_taken(student.email)
        account = self._students.account(found.id) if found is not None else None
        if found is None or account is None or account.is_of_another(student):
            raise ThinkificRejected(self._taken_emails.explain_taken_email(student, found))
        # An account that was there before keeps the name its owner gave it.
        self._students.link(student, account, newly_created=newly_created)
        self._attempt.has_progressed = True
        return replace(student, newly_created=newly_created, confirmed_version=student.version), found.id

    def _find_taken(self, email: str) -> ThinkificUser | None:
        """Made by another between our look and our write, or our look came too early to see it.

        Or Thinkific tells capitals apart when it looks for an address, and not when it refuses one: which it does, is
        not known.
        """
        for spelling in reversed(spellings(email)):
            self._attempt.before_a_call()
            found = self._thinkific.accounts.find(spelling)
            if found is not None:
                return found
        return None

    def sync_profile(self, student: Student, user_id: int) -> None:
        """Raises RetryLater while another student's account has the e-mail and is about to get another."""
        if student.is_confirmed:
            return
        reasons, has_email = self._update(student, user_id)
        if has_email:
            self._attempt.refusals.retry_waiting_students(user_id)
        if reasons and student.email_before_stand_in is not None:
            self._end_stand_in(student, user_id, None if has_email else student.email_before_stand_in)
        if reasons:
            self._attempt.refuse_profile(student, " ".join(reasons))
        else:
            self._attempt.store.refusals.accept_profile(student)
        self._attempt.has_progressed = True

    def _update(self, student: Student, user_id: int) -> tuple[list[str], bool]:
        """What Thinkific refuses, and whether it took the e-mail. What it does not refuse gets through."""
        fields = {"first_name": student.first_name, "last_name": student.last_name, "email": student.email}
        reasons: list[str] = []
        while fields:
            try:
                self._send(user_id, fields)
            except ThinkificRejected as refusal:
                reasons.append(self._reason(refusal, student))
                left = {name: value for name, value in fields.items() if name not in refusal.fields}
                fields = left if left != fields else {}
            else:
                return reasons, "email" in fields
        return reasons, False

    def _reason(self, refusal: ThinkificRejected, student: Student) -> str:
        if not isinstance(refusal, EmailTaken):
            return refusal.reason
        taken = self._taken_emails.explain_taken_email(student, self._find_taken(student.email))
        return taken if refusal.fields <= {"email"} else f"{refusal.reason}. {taken}"

    def _end_stand_in(self, student: Student, user_id: int, email: str | None) -> None:
        """``email``: the one that the account had before it made way, which it gets again if it is still free."""
        if email is not None:
            try:
                self._send(user_id, {"email": email})
            except ThinkificRejected:
                return
        self._attempt.store.refusals.end_stand_in(student)

    def _send(self, user_id: int, fields: dict[str, str]) -> None:
        self._attempt.before_a_call()
        try:
            self._thinkific.accounts.update(user_id, **fields)
        except ThinkificMissing:
            raise UserGone from None
