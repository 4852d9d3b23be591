"""Seats that change hands when the end of an enrollment does: freed by an end, taken again when it is taken back."""

from dataclasses import replace
from typing import TYPE_CHECKING

from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.timestamps import Clock

if TYPE_CHECKING:
    from b2b.storage.actions import Action
    from b2b.storage.store import Store

# Two actions each, in a transaction of at most 100.
MOST_SEATS_IN_ONE_WRITE = 40


class SeatMoves:
    def __init__(self, store: "Store", clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def moves(self, before: Enrollment, after: Enrollment) -> "list[Action]":
        """Part of the transaction that changes the enrollment; at most ``MOST_SEATS_IN_ONE_WRITE`` seats."""
        student_id, product_id = before.student_id, before.product_id
        changing = before.seat_holders ^ after.seat_holders
        users = set(self._store.lookups.related_records(user_ids=changing).users) if changing else set()
        actions: list[Action] = []
        for holder in sorted(before.seat_holders - after.seat_holders):
            exists = holder in users
            actions += self._store.users.release_seat(holder, product_id, student_id, user_exists=exists)
        for holder in sorted(after.seat_holders - before.seat_holders):
            actions += self._store.users.take_seat(holder, product_id, student_id, self._clock())
        return actions

    def move_some(self, before: Enrollment, after: Enrollment) -> None:
        """As many seats as one write holds, ahead of the change itself. The enrollment is to be read again then."""
        some = frozenset(sorted(before.seat_holders ^ after.seat_holders)[:MOST_SEATS_IN_ONE_WRITE])
        step = replace(before, seat_holders=before.seat_holders ^ some, former_holders=before.former_holders ^ some)
        self._store.transact([self._store.enrollments.change_enrollment(before, step), *self.moves(before, step)])
