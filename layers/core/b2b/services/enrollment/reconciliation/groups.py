"""The student's groups in Thinkific, those of the users it came under."""

from collections.abc import Iterable

from b2b.domain.enrollment.students import Association
from b2b.domain.work.upstream import ThinkificMissing, ThinkificRejected
from b2b.services.enrollment.reconciliation.attempt import Attempt, UserGone


class GroupStep:
    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._thinkific = attempt.thinkific

    def sync_groups(self, associations: Iterable[Association], user_id: int) -> None:
        """Into each group that the student is still to be in."""
        for association in associations:
            if association.awaits_group and association.group_name is not None:
                self._sync_group(association, association.group_name, user_id)

    def _sync_group(self, association: Association, name: str, user_id: int) -> None:
        try:
            self._add_to_group(user_id, name)
        except ThinkificRejected as refusal:
            self._attempt.check_user(user_id)
            self._attempt.refuse_group(association, refusal.reason)
        else:
            self._attempt.store.refusals.accept_group(association)

    def _add_to_group(self, user_id: int, name: str) -> None:
        """Thinkific refuses a group that it does not know, and maybe who is in it already."""
        try:
            self._add(user_id, name)
        except ThinkificRejected:
            self._attempt.before_a_call()
            group_id = self._thinkific.groups.find(name)
            if group_id is None:
                self._make_and_add(user_id, name)
            elif not self._is_member(user_id, group_id):
                self._add(user_id, name)

    def _make_and_add(self, user_id: int, name: str) -> None:
        self._attempt.before_a_call()
        refusal = None
        try:
            self._thinkific.groups.create(name)
        except ThinkificRejected as refused:
            # Another made it in between, or the list does not show it yet; else this is the reason.
            refusal = refused
        try:
            self._add(user_id, name)
        except ThinkificRejected as again:
            raise refusal or again from None

    def _is_member(self, user_id: int, group_id: int) -> bool:
        """Asked for by the e-mail that the account has, which need not be the student's."""
        self._attempt.before_a_call()
        user = self._thinkific.accounts.get(user_id)
        if user is None:
            raise UserGone
        self._attempt.before_a_call()
        return self._thinkific.groups.has_member(group_id, user)

    def _add(self, user_id: int, name: str) -> None:
        self._attempt.before_a_call()
        try:
            self._thinkific.groups.add_member(name, user_id)
        except ThinkificMissing:
            raise UserGone from None
