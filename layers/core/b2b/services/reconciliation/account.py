"""The student's user in Thinkific: found or made, and its name and e-mail."""

from dataclasses import replace
from typing import NoReturn

from b2b.domain.students import Student
from b2b.domain.upstream import LIST_LAG_SECONDS, EmailTaken, ThinkificMissing, ThinkificRejected
from b2b.services.reconciliation.look import Later, Look, UserGone

# With the pauses between them more than an hour.
_LOOKS_FOR_A_TAKEN_EMAIL = 12


class AccountStep:
    def __init__(self, look: Look) -> None:
        self._look = look
        self._students = look.store.students
        self._thinkific = look.thinkific

    def ensure_user(self, student: Student) -> tuple[Student, int]:
        """The student as linked to its Thinkific user, and that user's id.

        Raises ThinkificRejected when it can have none.
        """
        if student.thinkific_id is not None:
            return student, student.thinkific_id
        self._look.before_a_call()
        found = self._thinkific.find_user(student.email)
        newly_created = False
        if found is None:
            self._look.before_a_call()
            try:
                found = self._thinkific.create_user(
                    first_name=student.first_name, last_name=student.last_name, email=student.email
                )
                newly_created = True
            except EmailTaken:
                # Made by another between our look and our write, or our look came too early to see it.
                self._look.before_a_call()
                found = self._thinkific.find_user(student.email)
        if found is None:
            if self._look.wish.attempts >= _LOOKS_FOR_A_TAKEN_EMAIL:
                raise ThinkificRejected("Thinkific says that the e-mail is taken, and does not show by whom.")
            raise Later(LIST_LAG_SECONDS, trouble="Thinkific says that the e-mail is taken, and does not show by whom.")
        account = self._students.account(found.id)
        if account.holder is not None and account.holder.id != student.id:
            self._leave_to(account.holder)
        # An account that was there before keeps the name its owner gave it.
        self._students.link(student, account, newly_created=newly_created)
        self._look.has_progressed = True
        return replace(student, newly_created=newly_created, confirmed_version=student.version), found.id

    def _leave_to(self, holder: Student) -> NoReturn:
        """The account of another student, who had this e-mail before: until Thinkific has, and shows, the new one."""
        if holder.profile_error is None and self._look.wish.attempts < _LOOKS_FOR_A_TAKEN_EMAIL:
            raise Later(LIST_LAG_SECONDS, trouble=f"Thinkific has the e-mail with the account of student {holder.id}.")
        raise ThinkificRejected(f"Thinkific has this e-mail with the account of student {holder.id}.")

    def bring_profile(self, student: Student, user_id: int) -> None:
        if student.is_confirmed:
            return
        self._look.before_a_call()
        error = None
        try:
            self._thinkific.update_user(
                user_id, first_name=student.first_name, last_name=student.last_name, email=student.email
            )
        except ThinkificMissing:
            raise UserGone from None
        except ThinkificRejected as refusal:
            error = refusal.reason
            self._look.on_refusal(student.id, "profile")
        self._students.settle_profile(student, error)
