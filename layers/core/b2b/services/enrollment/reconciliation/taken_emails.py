"""An e-mail that Thinkific refuses since another account there has it: whose, and whether that will pass.

The accounts of our own students exchange their e-mails in any order, since each change waits for the one that it
depends on. Where the changes wait for each other in a circle, one account makes way: for seconds it has a stand-in.
"""

from b2b.domain.enrollment.students import Student
from b2b.domain.identity.emails import email_key
from b2b.domain.work.upstream import LIST_LAG_SECONDS, ThinkificMissing, ThinkificRejected, ThinkificUser
from b2b.services.enrollment.reconciliation.attempt import Attempt, RetryLater, UserGone

# With the pauses between them more than an hour.
_MOST_ATTEMPTS = 12
_ATTEMPTS_FOR_ONE_WHO_WAS_REFUSED = 2
# One call to Thinkific for each; who is in a longer circle is refused, and tried again.
_LONGEST_CIRCLE = 25
_NOT_SHOWN = "Thinkific says that the e-mail is taken, and does not show by whom."


class TakenEmails:
    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._students = attempt.store.students
        self._thinkific = attempt.thinkific

    def explain_taken_email(self, student: Student, found: ThinkificUser | None) -> str:
        """Why the student cannot have its e-mail for now, and until somebody does something about it.

        ``found``: the account that has it, None = Thinkific shows none. Raises RetryLater while it may pass by itself.
        """
        if found is None or found.id == student.thinkific_id:
            self._wait_a_while(_NOT_SHOWN)
            return _NOT_SHOWN
        # First: from now on, a change of that account is heard of.
        self._attempt.store.refusals.join_waiting_list(found.id, student.id)
        holder = self._students.account(found.id).holder
        if holder is None:
            return f"Thinkific has this e-mail with another account (user {found.id} there)."
        if student.thinkific_id is not None:
            self._follow(student, student.thinkific_id, holder)
        trouble = f"Thinkific has the e-mail with the account of student {holder.id}."
        if not holder.is_confirmed:
            raise RetryLater(LIST_LAG_SECONDS, trouble=trouble)
        if holder.profile_error is None and not self._has(found.id, student.email):
            self._wait_a_while(trouble)
        if holder.profile_error is not None:
            return f"Thinkific has this e-mail with the account of student {holder.id}."
        return (
            f"Thinkific has this e-mail with the account of student {holder.id}, who has another one here. "
            f"If the two are one person, delete this student and give student {holder.id} the e-mail."
        )

    def _wait_a_while(self, trouble: str) -> None:
        """Thinkific's lists lag behind its writes, also those of our other workers."""
        if self._attempt.wish.attempts < _MOST_ATTEMPTS:
            raise RetryLater(LIST_LAG_SECONDS, trouble=trouble)

    def _has(self, user_id: int, email: str) -> bool:
        """As the account itself says: lists lag."""
        self._attempt.before_a_call()
        user = self._thinkific.accounts.get(user_id)
        return user is not None and email_key(user.email) == email_key(email)

    def _follow(self, student: Student, user_id: int, holder: Student) -> None:
        """From whoever holds the e-mail to the one who holds theirs, and so on.

        Where that leads back to the student, nothing would ever free the e-mail: its account makes way. Raises
        RetryLater where something has been done about it.
        """
        chain = [holder]
        while chain[-1].wants_another_profile and len(chain) < _LONGEST_CIRCLE:
            self._attempt.before_a_call()
            found = self._thinkific.accounts.find(chain[-1].email)
            if found is None:
                self._retry_refused(chain[-1])
                return
            if found.id == user_id:
                self._break_circle(student, user_id, found.email, chain)
                return
            next_holder = self._students.account(found.id).holder
            if next_holder is None or next_holder.id in {other.id for other in chain}:
                return
            chain.append(next_holder)

    def _retry_refused(self, refused: Student) -> None:
        """Whose e-mail has become free, and who may not have heard of it."""
        if refused.is_confirmed and self._attempt.wish.attempts < _ATTEMPTS_FOR_ONE_WHO_WAS_REFUSED:
            self._attempt.refusals.retry_student(refused.id)
            raise RetryLater(LIST_LAG_SECONDS, trouble=f"Student {refused.id} is tried again first.")

    def _break_circle(self, student: Student, user_id: int, email: str, others: list[Student]) -> None:
        if not self._takes_stand_in(student, user_id, email):
            return
        for other in others:
            self._attempt.refusals.retry_student(other.id)
        raise RetryLater(LIST_LAG_SECONDS, trouble="The e-mails of students wait for each other in a circle.")

    def _takes_stand_in(self, student: Student, user_id: int, email: str) -> bool:
        """Whether Thinkific takes it."""
        self._attempt.store.refusals.begin_stand_in(student, email)
        self._attempt.before_a_call()
        try:
            self._thinkific.accounts.update(user_id, email=stand_in(student))
        except ThinkificMissing:
            raise UserGone from None
        except ThinkificRejected:
            self._attempt.store.refusals.end_stand_in(student)
            return False
        return True


def stand_in(student: Student) -> str:
    """The e-mail that the account has until it can get its own: a mailbox of the same person.

    By its form Thinkific takes it if it takes the e-mail itself, and what it sends there meanwhile reaches the
    student or comes back: never somebody else (RFC 5233, "subaddressing").
    """
    local, _, domain = student.email.strip().rpartition("@")
    return f"{local}+seats-{student.id}@{domain}"
