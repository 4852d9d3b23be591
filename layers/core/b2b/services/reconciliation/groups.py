"""The student's groups in Thinkific, those of the users it came under."""

from collections.abc import Iterable
from contextlib import suppress

from b2b.domain.students import Association
from b2b.domain.upstream import ThinkificMissing, ThinkificRejected
from b2b.services.reconciliation.look import Look, UserGone


class GroupStep:
    def __init__(self, look: Look) -> None:
        self._look = look
        self._students = look.store.students
        self._thinkific = look.thinkific

    def bring(self, associations: Iterable[Association], user_id: int) -> None:
        """Into each group that the student is still to be in."""
        for association in associations:
            if association.awaits_group and association.group_name is not None:
                self._bring_into_group(association, association.group_name, user_id)

    def _bring_into_group(self, association: Association, name: str, user_id: int) -> None:
        try:
            self._add_to_group(user_id, name)
        except ThinkificRejected as refusal:
            self._look.check_user(user_id)
            self._students.fail_group(association, refusal.reason)
            self._look.on_refusal(association.student_id, "group")
        else:
            self._students.confirm_group(association)

    def _add_to_group(self, user_id: int, name: str) -> None:
        """Thinkific refuses a group that it does not know; then it is made."""
        self._look.before_a_call()
        try:
            self._thinkific.add_to_group(user_id, name)
        except ThinkificMissing:
            raise UserGone from None
        except ThinkificRejected:
            self._look.before_a_call()
            if self._thinkific.find_group(name) is None:
                self._look.before_a_call()
                # Refused: another made it in between, or the list does not show it yet.
                with suppress(ThinkificRejected):
                    self._thinkific.create_group(name)
            self._look.before_a_call()
            self._thinkific.add_to_group(user_id, name)
