"""What the steps of one attempt at a student share: the lease and the time left, and what has been found so far."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from b2b.domain.enrollment.students import Association, Student, SyncWish
from b2b.domain.timestamps import Clock
from b2b.domain.work.upstream import ThinkificEnrollment

if TYPE_CHECKING:
    from b2b.gateways.thinkific import Thinkific
    from b2b.services.enrollment.sync.refusals import Refusals
    from b2b.storage.store import Store

# Longer than the longest single call; renewed in time before each. What a dead worker was at goes on when it ends and
# the next run of repair has found it, which is at most a minute later: within 90 s together.
LEASE = timedelta(seconds=28)
_RENEW_BEFORE = timedelta(seconds=26)
# What one more call may need of the worker's remaining time.
_SECONDS_FOR_A_CALL = 26.0


OnRefusal = Callable[[int, str], None]


class RetryLater(Exception):
    """Go on after ``seconds``; with a ``trouble`` this attempt counts as a failed one."""

    def __init__(self, seconds: float, *, trouble: str | None = None) -> None:
        super().__init__(trouble or f"again in {seconds:.0f} s")
        self.seconds = seconds
        self.trouble = trouble


class OutOfTime(Exception):
    """This worker has to stop; another goes on at once."""


class UserGone(Exception):
    """Thinkific does not know the student's stored user id any more."""


class Attempt:
    """One attempt at one student, by the worker that holds the lease on ``wish``.

    ``on_refusal`` is told, with the student's id, what Thinkific refuses for good and no enrollment shows: its
    "profile", that is name or e-mail, or a "group".
    """

    # Whether this attempt has settled anything: then what fails afterwards is a first failure again.
    has_progressed = False
    # What Thinkific has by course, where it was asked for all at once.
    found_by_course: dict[int, ThinkificEnrollment] | None = None

    def __init__(
        self,
        store: "Store",
        thinkific: "Thinkific",
        clock: Clock,
        wish: SyncWish,
        seconds_left: Callable[[], float],
        refusals: "Refusals",
        on_refusal: OnRefusal,
    ) -> None:
        self.store = store
        self.thinkific = thinkific
        self.clock = clock
        self.wish = wish
        self.refusals = refusals
        self._on_refusal = on_refusal
        self._seconds_left = seconds_left
        self._lease_until = clock() + LEASE

    @property
    def now(self) -> datetime:
        return self.clock()

    @property
    def was_interrupted(self) -> bool:
        """By whatever: a call may have been made whose answer nobody knows."""
        return bool(self.wish.abandoned or self.wish.attempts or self.wish.trouble)

    def before_a_call(self) -> None:
        """Stop in time, and stay the one worker at this student."""
        if self._seconds_left() < _SECONDS_FOR_A_CALL:
            raise OutOfTime
        now = self.now
        if self._lease_until - now < _RENEW_BEFORE:
            self.store.wishes.renew_lease(self.wish, now + LEASE)
            self._lease_until = now + LEASE

    def check_user(self, user_id: int) -> None:
        """Raises UserGone."""
        self.before_a_call()
        if not self.thinkific.accounts.exists(user_id):
            raise UserGone

    def refuse_profile(self, student: Student, reason: str) -> None:
        self.store.refusals.refuse_profile(student, reason, self.refusals.next_retry_at())
        self._on_refusal(student.id, "profile")

    def refuse_group(self, association: Association, reason: str) -> None:
        self.store.refusals.refuse_group(association, reason, self.refusals.next_retry_at())
        self._on_refusal(association.student_id, "group")

    def read_before_writing(self) -> None:
        """From now on Thinkific may hold more of this student than has been confirmed."""
        self.store.students.clear_newly_created(self.wish.student_id)
