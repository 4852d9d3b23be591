"""Bringing one student to Thinkific as wanted: the fewest calls that close the gap, each confirmed as it is made.

The order: the Thinkific user, its name, its groups, then each enrolment. What fails for good is written down where
it belongs and does not stop the rest; what may heal is left for later. A call whose answer was lost is never
repeated blindly: the next look asks Thinkific what there is.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NoReturn

from b2b.domain import expiry
from b2b.domain.enrollments import Enrollment
from b2b.domain.matching import by_course, is_as_wanted, is_same_end, lasts_longer, until_the_last
from b2b.domain.products import ProductableType
from b2b.domain.students import Association, Student, StudentRecord, SyncWish
from b2b.domain.timestamps import Clock
from b2b.domain.upstream import (
    LIST_LAG_SECONDS,
    AnswerLost,
    EmailTaken,
    ThinkificEnrollment,
    ThinkificMissing,
    ThinkificRejected,
)

if TYPE_CHECKING:
    from b2b.storage.store import Store
    from b2b.thinkific.client import Thinkific

# Longer than the longest single call; renewed in time before each. What a dead worker was at goes on when it ends and
# the next run of repair has found it, which is at most a minute later: within 90 s together.
LEASE = timedelta(seconds=28)
_RENEW_BEFORE = timedelta(seconds=26)
# What one more call may need of the worker's remaining time.
_SECONDS_FOR_A_CALL = 26.0

_UNKNOWN_VERSION = -1
_NOT_SHOWN = "Thinkific refuses an enrolment that may be there, and does not show it."
# With the pauses between them more than an hour.
_LOOKS_FOR_A_TAKEN_EMAIL = 12
# While Thinkific builds a bundle: look again after a quarter of the time it has taken so far.
_BUNDLE_LOOK_SECONDS = (5.0, 300.0)
# Thinkific's help speaks of up to 24 hours for what it adds to bundles later.
_BUNDLE_GIVEN_UP_SECONDS = 25 * 3600.0


OnRefusal = Callable[[int, str], None]


class Later(Exception):
    """Go on after ``seconds``; with a ``trouble`` this look counts as a failed attempt."""

    def __init__(self, seconds: float, *, trouble: str | None = None) -> None:
        super().__init__(trouble or f"again in {seconds:.0f} s")
        self.seconds = seconds
        self.trouble = trouble


class OutOfTime(Exception):
    """This worker has to stop; another goes on at once."""


class _UserGone(Exception):
    """Thinkific does not know the student's stored user id any more."""


class Reconciliation:
    """One look at one student, by the worker that holds the lease on ``wish``.

    ``on_refusal`` is told, with the student's id, what Thinkific refuses for good and no enrolment shows: its
    "profile", that is name or e-mail, or a "group".
    """

    # Whether this look has settled anything: then what fails afterwards is a first failure again.
    has_progressed = False
    # What Thinkific has by course, where it was asked for all at once; and of which courses that is old by now.
    _shown: dict[int, ThinkificEnrollment] | None = None
    _bundled: AbstractSet[int] = frozenset()

    def __init__(
        self,
        store: "Store",
        thinkific: "Thinkific",
        clock: Clock,
        wish: SyncWish,
        seconds_left: Callable[[], float],
        on_refusal: OnRefusal,
    ) -> None:
        self._on_refusal = on_refusal
        self._store = store
        self._students = store.students
        self._thinkific = thinkific
        self._clock = clock
        self._wish = wish
        self._lease_until = clock() + LEASE
        self._seconds_left = seconds_left
        # By product: the student's bundles as they are wanted and confirmed by now, and the courses of each.
        self._bundles: dict[int, Enrollment] = {}
        self._courses_of: dict[int, set[int]] = {}
        self._doubted: set[int] = set()

    def carry_out(self) -> None:
        """Raises Later, ThinkificDelay or AnswerLost when there is more to do, ConditionFailed without the lease."""
        record = self._students.get_record(self._wish.student_id)
        if record is None:
            return
        # Since then, others may have written to the account.
        if record.student.newly_created and self._was_held_up:
            self.look_before_writing()
            record = replace(record, student=replace(record.student, newly_created=False))
        if not record.needs_sync:
            return
        try:
            self._bring(record)
        except _UserGone:
            self._students.forget_thinkific(record)
            raise Later(0, trouble="Thinkific does not know the student's account any more.") from None
        except AnswerLost:
            self.look_before_writing()
            raise

    @property
    def _was_held_up(self) -> bool:
        """By whatever: a call may have been made whose answer nobody knows."""
        return bool(self._wish.abandoned or self._wish.attempts or self._wish.trouble)

    def _bring(self, record: StudentRecord) -> None:
        try:
            student, user_id = self._ensure_user(record.student)
        except ThinkificRejected as refusal:
            for enrollment in _open_enrollments(record):
                self._students.fail_enrollment(enrollment, refusal.reason)
            return
        self._bring_profile(student, user_id)
        for association in record.associations:
            if association.awaits_group and association.group_name is not None:
                self._bring_into_group(association, association.group_name, user_id)
        waits = self._bring_enrollments(record, user_id, look_first=not student.newly_created)
        if student.newly_created:
            self.look_before_writing()
        if waits:
            raise Later(min(waits))

    def _bring_enrollments(self, record: StudentRecord, user_id: int, *, look_first: bool) -> list[float]:
        """After how many seconds to look again at those that Thinkific is still at.

        Bundles first, those that end first before others: each writes to all of its courses, which the student may
        have by another bundle or by themselves too, and for longer.
        """
        if look_first and self._looks_due(record) > 1:
            self._before_a_call()
            self._shown = by_course(self._thinkific.list_enrollments(user_id))
        waits: list[float | None] = []
        self._record = record
        for product_id in self._take_bundles(record):
            bundle = self._bundles[product_id]
            if bundle.is_open:
                waits.append(self._settle(bundle, user_id, look_first=look_first))
        self._bundled = set().union(*self._courses_of.values())
        if self._bundled:
            record = self._students.get_record(record.student.id) or record
        for enrollment in record.enrollments:
            if enrollment.is_open and enrollment.productable_type is ProductableType.COURSE:
                wanted = until_the_last(enrollment, self._bundles_with(enrollment, record), self._clock())
                looks = look_first or enrollment.productable_id in self._bundled
                waits.append(self._settle(wanted, user_id, look_first=looks))
        # Where Thinkific is still at one of them, that has not kept the others waiting.
        return [wait for wait in waits if wait is not None]

    def _take_bundles(self, record: StudentRecord) -> list[int]:
        """The products, in the order in which to go about them."""
        bundles = [found for found in record.enrollments if found.productable_type is ProductableType.BUNDLE]
        bundles.sort(key=lambda found: (found.expiry_date is None, found.expiry_date))
        self._bundles = {bundle.product_id: bundle for bundle in bundles}
        self._courses_of = {bundle.product_id: self._known_courses(bundle) for bundle in bundles}
        return [*self._bundles]

    def _bundles_with(self, course: Enrollment, record: StudentRecord) -> Iterator[Enrollment]:
        return (
            found for found in record.enrollments if course.productable_id in self._courses_of.get(found.product_id, ())
        )

    def _looks_due(self, record: StudentRecord) -> int:
        """At how many enrolments one would have to look first, each by itself."""
        return sum(
            enrollment.thinkific_id is None and not self._has_ended_by_itself(enrollment)
            for enrollment in _open_enrollments(record)
            if enrollment.productable_type is ProductableType.COURSE or self._is_unheard_of(enrollment)
        )

    def _is_unheard_of(self, bundle: Enrollment) -> bool:
        """Whether nobody here can have ordered it yet."""
        may_be_ordered = bundle.known_in_thinkific or bundle.bundle_ordered_version or bundle.bundle_asked
        return not (may_be_ordered or self._was_held_up)

    def _confirm_bundle(self, bundle: Enrollment) -> None:
        """It may have written over what others want of its courses for longer: that is looked at again."""
        course_ids = self._courses_of[bundle.product_id]
        for enrollment in self._record.enrollments:
            is_course = enrollment.productable_type is ProductableType.COURSE
            if is_course and enrollment.productable_id in course_ids and not enrollment.is_open:
                self._students.doubt_enrollment(enrollment)
        now = self._clock()
        for other in [*self._bundles.values()]:
            is_shared = other.product_id != bundle.product_id and self._courses_of[other.product_id] & course_ids
            if is_shared and not other.is_open and lasts_longer(other, bundle, now):
                self._students.doubt_enrollment(other)
                self._bundles[other.product_id] = replace(other, confirmed_version=0)
                self._doubted.add(other.product_id)
        self._students.confirm_enrollment(bundle)

    def _known_courses(self, bundle: Enrollment) -> set[int]:
        product = self._store.products.get(bundle.product_id)
        return set(product.course_ids) if product is not None else set()

    def _settle(self, enrollment: Enrollment, user_id: int, *, look_first: bool) -> float | None:
        """Confirmed, or failed for good: None. Else after how many seconds to look again."""
        try:
            self._bring_enrollment(enrollment, user_id, look_first=look_first)
        except Later as later:
            return later.seconds
        except ThinkificMissing:
            self._check_user(user_id)
            reason = "Thinkific: there is no such course or bundle any more."
            self._students.fail_enrollment(enrollment, reason)
        except ThinkificRejected as refusal:
            self._students.fail_enrollment(enrollment, refusal.reason)
        self.has_progressed = True
        return None

    def look_before_writing(self) -> None:
        """From now on Thinkific may hold more of this student than has been confirmed."""
        self._students.age(self._wish.student_id)

    # The Thinkific user

    def _ensure_user(self, student: Student) -> tuple[Student, int]:
        if student.thinkific_id is not None:
            return student, student.thinkific_id
        self._before_a_call()
        found = self._thinkific.find_user(student.email)
        newly_created = False
        if found is None:
            self._before_a_call()
            try:
                found = self._thinkific.create_user(
                    first_name=student.first_name, last_name=student.last_name, email=student.email
                )
                newly_created = True
            except EmailTaken:
                # Made by another between our look and our write, or our look came too early to see it.
                self._before_a_call()
                found = self._thinkific.find_user(student.email)
        if found is None:
            if self._wish.attempts >= _LOOKS_FOR_A_TAKEN_EMAIL:
                raise ThinkificRejected("Thinkific says that the e-mail is taken, and does not show by whom.")
            raise Later(LIST_LAG_SECONDS, trouble="Thinkific says that the e-mail is taken, and does not show by whom.")
        account = self._students.account(found.id)
        if account.holder is not None and account.holder.id != student.id:
            self._leave_to(account.holder)
        # An account that was there before keeps the name its owner gave it.
        self._students.link(student, account, newly_created=newly_created)
        self.has_progressed = True
        return replace(student, newly_created=newly_created, confirmed_version=student.version), found.id

    def _leave_to(self, holder: Student) -> NoReturn:
        """The account of another student, who had this e-mail before: until Thinkific has, and shows, the new one."""
        if holder.profile_error is None and self._wish.attempts < _LOOKS_FOR_A_TAKEN_EMAIL:
            raise Later(LIST_LAG_SECONDS, trouble=f"Thinkific has the e-mail with the account of student {holder.id}.")
        raise ThinkificRejected(f"Thinkific has this e-mail with the account of student {holder.id}.")

    def _bring_profile(self, student: Student, user_id: int) -> None:
        if student.is_confirmed:
            return
        self._before_a_call()
        error = None
        try:
            self._thinkific.update_user(
                user_id, first_name=student.first_name, last_name=student.last_name, email=student.email
            )
        except ThinkificMissing:
            raise _UserGone from None
        except ThinkificRejected as refusal:
            error = refusal.reason
            self._on_refusal(student.id, "profile")
        self._students.settle_profile(student, error)

    # Groups

    def _bring_into_group(self, association: Association, name: str, user_id: int) -> None:
        try:
            self._add_to_group(user_id, name)
        except ThinkificRejected as refusal:
            self._check_user(user_id)
            self._students.fail_group(association, refusal.reason)
            self._on_refusal(association.student_id, "group")
        else:
            self._students.confirm_group(association)

    def _add_to_group(self, user_id: int, name: str) -> None:
        """Thinkific refuses a group that it does not know; then it is made."""
        self._before_a_call()
        try:
            self._thinkific.add_to_group(user_id, name)
        except ThinkificMissing:
            raise _UserGone from None
        except ThinkificRejected:
            self._before_a_call()
            if self._thinkific.find_group(name) is None:
                self._before_a_call()
                # Refused: another made it in between, or the list does not show it yet.
                with suppress(ThinkificRejected):
                    self._thinkific.create_group(name)
            self._before_a_call()
            self._thinkific.add_to_group(user_id, name)

    # Enrolments

    def _bring_enrollment(self, enrollment: Enrollment, user_id: int, *, look_first: bool) -> None:
        if enrollment.productable_type is ProductableType.BUNDLE:
            self._bring_into_bundle(enrollment, user_id, look_first=look_first)
        else:
            self._bring_into_course(enrollment, user_id, look_first=look_first)

    def _bring_into_course(self, enrollment: Enrollment, user_id: int, *, look_first: bool) -> None:
        if self._has_ended_by_itself(enrollment):
            self._students.confirm_enrollment(enrollment)
            return
        known = enrollment.thinkific_id
        if known is not None:
            # What somebody has set is sent as it is. Else what Thinkific has may last longer.
            if enrollment.is_exact and self._update_course(enrollment, known):
                return
            look_first = True
        existing = self._look_up(enrollment, user_id) if look_first else None
        if existing is None:
            if self._has_ended(enrollment):
                self._students.confirm_enrollment(enrollment)
                return
            try:
                self._create_in_course(enrollment, user_id)
            except ThinkificRejected as refusal:
                existing = self._explain(refusal, enrollment, user_id)
            else:
                return
        self._students.learn_enrollment(enrollment, existing)
        if is_as_wanted(existing, enrollment, self._clock()):
            self._students.confirm_enrollment(enrollment, thinkific_id=existing.id)
        elif not self._update_course(enrollment, existing.id):
            raise Later(LIST_LAG_SECONDS, trouble="Thinkific shows an enrolment that it does not know.")

    def _look_up(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        course_id = enrollment.productable_id
        if self._shown is None or course_id in self._bundled or enrollment.thinkific_id is not None:
            return self._find_in_course(enrollment, user_id)
        return self._shown.get(course_id)

    def _find_in_course(self, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment | None:
        self._before_a_call()
        return self._thinkific.find_enrollment(user_id, enrollment.productable_id)

    def _create_in_course(self, enrollment: Enrollment, user_id: int) -> None:
        self._before_a_call()
        thinkific_id = self._thinkific.create_enrollment(
            user_id=user_id,
            course_id=enrollment.productable_id,
            activated_at=enrollment.activated_at,
            expiry_date=enrollment.expiry_date,
        )
        self._students.confirm_enrollment(enrollment, thinkific_id=thinkific_id)

    def _update_course(self, enrollment: Enrollment, thinkific_id: int) -> bool:
        """Whether Thinkific still knows the enrolment."""
        self._before_a_call()
        try:
            self._thinkific.update_enrollment(
                thinkific_id,
                activated_at=enrollment.activated_at,
                expiry_date=self._end_of_an_existing(enrollment),
            )
        except ThinkificMissing:
            return False
        self._students.confirm_enrollment(enrollment, thinkific_id=thinkific_id)
        return True

    def _explain(self, refusal: ThinkificRejected, enrollment: Enrollment, user_id: int) -> ThinkificEnrollment:
        """A refused enrolment may exist already, or the user be gone; else it is refused for good."""
        existing = self._find_in_course(enrollment, user_id)
        if existing is not None:
            return existing
        self._check_user(user_id)
        may_be_written = bool(self._wish.attempts) or self._wish.abandoned
        if may_be_written and self._wish.trouble != _NOT_SHOWN:
            raise Later(LIST_LAG_SECONDS, trouble=_NOT_SHOWN)
        raise refusal

    def _check_user(self, user_id: int) -> None:
        self._before_a_call()
        if not self._thinkific.user_exists(user_id):
            raise _UserGone

    # Bundles

    def _bring_into_bundle(self, enrollment: Enrollment, user_id: int, *, look_first: bool) -> None:
        if enrollment.bundle_ordered_version and not self._is_built(enrollment, user_id):
            return
        if self._has_ended_by_itself(enrollment):
            self._students.confirm_enrollment(enrollment)
            return
        is_there = enrollment.known_in_thinkific or bool(enrollment.bundle_ordered_version)
        # What somebody has set is sent as it is. Else what Thinkific has may last longer.
        if (is_there and not enrollment.is_exact) or (not is_there and look_first):
            # Who is in no course at all is in no bundle either.
            is_nowhere = self._shown is not None and not self._shown and self._is_unheard_of(enrollment)
            rows = [] if is_nowhere else self._rows_of(enrollment, user_id)
            if rows and self._bring_rows(enrollment, rows):
                return
            is_there = bool(rows)
        if is_there and self._update_bundle(enrollment, user_id):
            return
        if self._has_ended(enrollment):
            # Nothing is to end where there is nothing.
            self._students.confirm_enrollment(enrollment)
            return
        self._enroll_in_bundle(enrollment, user_id)
        self._confirm_bundle(enrollment)

    def _enroll_in_bundle(self, enrollment: Enrollment, user_id: int) -> None:
        """Raises Later when Thinkific is at it."""
        self._before_a_call()
        try:
            is_done = self._thinkific.enroll_in_bundle(
                user_id=user_id,
                bundle_id=enrollment.productable_id,
                activated_at=enrollment.activated_at,
                expiry_date=enrollment.expiry_date,
            )
        except AnswerLost:
            self._students.ask_for_bundle(enrollment)
            raise
        except ThinkificRejected:
            self._check_user(user_id)
            if not (enrollment.bundle_asked or self._wish.attempts or self._wish.abandoned):
                raise
            # An earlier order, whose answer was lost, may be what stands in the way; what it asked for is not known.
            self._students.order_bundle(enrollment, self._clock(), version=_UNKNOWN_VERSION)
            raise Later(_BUNDLE_LOOK_SECONDS[0]) from None
        if not is_done:
            self._students.order_bundle(enrollment, self._clock(), version=enrollment.version)
            raise Later(_BUNDLE_LOOK_SECONDS[0])

    def _bring_rows(self, enrollment: Enrollment, rows: list[ThinkificEnrollment]) -> bool:
        """Whether all of the bundle's rows are as wanted, or could be changed one by one.

        One by one only where the bundle's own call would shorten some of them.
        """
        now = self._clock()
        different = [row for row in rows if not is_as_wanted(row, enrollment, now)]
        is_shortened = any(
            row not in different and not is_same_end(row.expiry_date, enrollment.expiry_date) for row in rows
        )
        if different and (enrollment.is_exact or not is_shortened):
            return False
        for row in different:
            self._before_a_call()
            try:
                self._thinkific.update_enrollment(
                    row.id, activated_at=enrollment.activated_at, expiry_date=self._end_of_an_existing(enrollment)
                )
            except ThinkificMissing:
                return False
        self._confirm_bundle(enrollment)
        return True

    def _is_built(self, enrollment: Enrollment, user_id: int) -> bool:
        """Whether what was ordered is there and something else is wanted by now; confirms what is as it was ordered.

        Raises Later while Thinkific is at it.
        """
        course_ids = self._bundle_course_ids(enrollment)
        self._before_a_call()
        enrolled = {found.course_id for found in self._thinkific.list_enrollments(user_id)}
        is_as_ordered = enrollment.bundle_ordered_version == enrollment.version
        if enrolled >= course_ids:
            if is_as_ordered:
                self._confirm_bundle(enrollment)
                return False
            self._students.forget_order(enrollment)
            return True
        soonest, latest = _BUNDLE_LOOK_SECONDS
        ordered_at = enrollment.bundle_ordered_at or enrollment.updated_at
        waited = (self._clock() - ordered_at).total_seconds()
        if waited > _BUNDLE_GIVEN_UP_SECONDS:
            if not is_as_ordered:
                return True
            raise ThinkificRejected("Thinkific: the bundle's courses did not come within a day.")
        raise Later(min(latest, max(soonest, waited / 4)))

    def _update_bundle(self, enrollment: Enrollment, user_id: int) -> bool:
        """Whether Thinkific has the student in the bundle: if not it answers 404 or 422, as it does to other faults."""
        self._before_a_call()
        try:
            self._thinkific.update_bundle_enrollment(
                user_id=user_id,
                bundle_id=enrollment.productable_id,
                activated_at=enrollment.activated_at,
                expiry_date=self._end_of_an_existing(enrollment),
            )
        except (ThinkificMissing, ThinkificRejected):
            if self._find_in_bundle(enrollment, user_id):
                raise
            return False
        self._confirm_bundle(enrollment)
        return True

    def _rows_of(self, enrollment: Enrollment, user_id: int) -> list[ThinkificEnrollment]:
        if enrollment.product_id not in self._doubted:
            return self._find_in_bundle(enrollment, user_id)
        # Those of its courses: whether a bundle's own list has one for each is not documented.
        self._before_a_call()
        course_ids = self._courses_of[enrollment.product_id]
        return [found for found in self._thinkific.list_enrollments(user_id) if found.course_id in course_ids]

    def _find_in_bundle(self, enrollment: Enrollment, user_id: int) -> list[ThinkificEnrollment]:
        self._before_a_call()
        return self._thinkific.find_bundle_enrollments(user_id, enrollment.productable_id)

    def _bundle_course_ids(self, enrollment: Enrollment) -> set[int]:
        product = self._store.products.get(enrollment.product_id)
        if product is not None and product.course_ids:
            return set(product.course_ids)
        self._before_a_call()
        return set(self._thinkific.bundle_course_ids(enrollment.productable_id))

    # Ends

    def _has_ended_by_itself(self, enrollment: Enrollment) -> bool:
        """Then Thinkific ends it too, or never had it: there is nothing to tell."""
        return not enrollment.is_exact and self._has_ended(enrollment)

    def _has_ended(self, enrollment: Enrollment) -> bool:
        return expiry.is_past(enrollment.expiry_date, self._clock())

    def _end_of_an_existing(self, enrollment: Enrollment) -> datetime:
        now = self._clock()
        if enrollment.expiry_date is None:
            return expiry.without_end(now)
        if self._has_ended(enrollment):
            return min(enrollment.expiry_date, expiry.end_of_yesterday(now))
        return enrollment.expiry_date

    def _before_a_call(self) -> None:
        """Stop in time, and stay the one worker at this student."""
        if self._seconds_left() < _SECONDS_FOR_A_CALL:
            raise OutOfTime
        now = self._clock()
        if self._lease_until - now < _RENEW_BEFORE:
            self._store.wishes.renew(self._wish, now + LEASE)
            self._lease_until = now + LEASE


def _open_enrollments(record: StudentRecord) -> Iterator[Enrollment]:
    return (enrollment for enrollment in record.enrollments if enrollment.is_open)
