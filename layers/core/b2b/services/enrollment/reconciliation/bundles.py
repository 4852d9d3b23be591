"""One enrollment in a bundle, which Thinkific writes to each of the bundle's courses, and may take its time over."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from b2b.domain.catalogue.products import ProductableType
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.matching import is_as_wanted, is_same_end, lasts_longer
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.work.upstream import AnswerLost, ThinkificEnrollment, ThinkificMissing, ThinkificRejected
from b2b.services.enrollment.reconciliation.attempt import Attempt, RetryLater
from b2b.services.enrollment.reconciliation.end_dates import end_to_send, has_ended, has_ended_naturally

_UNKNOWN_VERSION = -1
# While Thinkific builds a bundle: ask again after a quarter of the time it has taken so far.
_ASK_SECONDS = (5.0, 300.0)
# Thinkific's help speaks of up to 24 hours for what it adds to bundles later.
_GIVEN_UP_SECONDS = 25 * 3600.0


class BundleStep:
    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._enrollments = attempt.store.enrollments
        self._thinkific = attempt.thinkific
        self._all: tuple[Enrollment, ...] = ()
        # By product: the student's bundles as they are wanted and confirmed by now, and the courses of each.
        self._bundles: dict[int, Enrollment] = {}
        self._courses_of: dict[int, set[int]] = {}
        self._doubted: set[int] = set()

    def open_bundles(self, record: StudentRecord) -> Iterator[Enrollment]:
        """The student's bundles that Thinkific has still to be told of, as they are when their turn comes."""
        bundles = [found for found in record.enrollments if found.productable_type is ProductableType.BUNDLE]
        bundles.sort(key=lambda found: (found.expiry_date is None, found.expiry_date))
        self._all = record.enrollments
        self._bundles = {bundle.product_id: bundle for bundle in bundles}
        self._courses_of = {bundle.product_id: self._known_courses(bundle) for bundle in bundles}
        for product_id in [*self._bundles]:
            if self._bundles[product_id].is_open:
                yield self._bundles[product_id]

    @property
    def course_ids(self) -> AbstractSet[int]:
        """Of all of the student's bundles."""
        return set().union(*self._courses_of.values())

    def bundles_with_course(self, course: Enrollment, record: StudentRecord) -> Iterator[Enrollment]:
        return (
            found for found in record.enrollments if course.productable_id in self._courses_of.get(found.product_id, ())
        )

    def was_never_ordered(self, bundle: Enrollment) -> bool:
        """Whether nobody here can have ordered it yet."""
        may_be_ordered = bundle.known_in_thinkific or bundle.bundle_ordered_version or bundle.bundle_asked
        return not (may_be_ordered or self._attempt.was_interrupted)

    def sync_enrollment(self, enrollment: Enrollment, user_id: int, *, read_first: bool) -> None:
        if enrollment.bundle_ordered_version and not self._is_built(enrollment, user_id):
            return
        if has_ended_naturally(enrollment, self._attempt.now):
            self._enrollments.confirm_enrollment(enrollment)
            return
        is_there = enrollment.known_in_thinkific or bool(enrollment.bundle_ordered_version)
        # What somebody has set is sent as it is. Else what Thinkific has may last longer.
        if (is_there and not enrollment.is_exact) or (not is_there and read_first):
            # Who is in no course at all is in no bundle either.
            shown = self._attempt.found_by_course
            is_nowhere = shown is not None and not shown and self.was_never_ordered(enrollment)
            rows = [] if is_nowhere else self._rows_of(enrollment, user_id)
            if rows and self._sync_rows(enrollment, rows):
                return
            is_there = bool(rows)
        if is_there and self._update(enrollment, user_id):
            return
        if has_ended(enrollment, self._attempt.now):
            # Nothing is to end where there is nothing.
            self._enrollments.confirm_enrollment(enrollment)
            return
        self._enroll(enrollment, user_id)
        self._confirm(enrollment)

    def _confirm(self, bundle: Enrollment) -> None:
        """It may have written over what others want of its courses for longer: that is looked at again."""
        course_ids = self._courses_of[bundle.product_id]
        for enrollment in self._all:
            is_course = enrollment.productable_type is ProductableType.COURSE
            if is_course and enrollment.productable_id in course_ids and not enrollment.is_open:
                self._enrollments.unconfirm_enrollment(enrollment)
        now = self._attempt.now
        for other in [*self._bundles.values()]:
            is_shared = other.product_id != bundle.product_id and self._courses_of[other.product_id] & course_ids
            if is_shared and not other.is_open and lasts_longer(other, bundle, now):
                self._enrollments.unconfirm_enrollment(other)
                self._bundles[other.product_id] = replace(other, confirmed_version=0)
                self._doubted.add(other.product_id)
        self._enrollments.confirm_enrollment(bundle)

    def _known_courses(self, bundle: Enrollment) -> set[int]:
        product = self._attempt.store.products.get(bundle.product_id)
        return set(product.course_ids) if product is not None else set()

    def _enroll(self, enrollment: Enrollment, user_id: int) -> None:
        """Raises RetryLater when Thinkific is at it."""
        self._attempt.before_a_call()
        try:
            is_done = self._thinkific.bundles.enroll(
                user_id=user_id,
                bundle_id=enrollment.productable_id,
                activated_at=enrollment.activated_at,
                expiry_date=enrollment.expiry_date,
            )
        except AnswerLost:
            self._enrollments.record_bundle_request(enrollment)
            raise
        except ThinkificRejected:
            self._attempt.check_user(user_id)
            if not (enrollment.bundle_asked or self._attempt.wish.attempts or self._attempt.wish.abandoned):
                raise
            # An earlier order, whose answer was lost, may be what stands in the way; what it asked for is not known.
            self._enrollments.record_bundle_order(enrollment, self._attempt.now, version=_UNKNOWN_VERSION)
            raise RetryLater(_ASK_SECONDS[0]) from None
        if not is_done:
            self._enrollments.record_bundle_order(enrollment, self._attempt.now, version=enrollment.version)
            raise RetryLater(_ASK_SECONDS[0])

    def _sync_rows(self, enrollment: Enrollment, rows: list[ThinkificEnrollment]) -> bool:
        """Whether all of the bundle's rows are as wanted, or could be changed one by one.

        One by one only where the bundle's own call would shorten some of them.
        """
        now = self._attempt.now
        different = [row for row in rows if not is_as_wanted(row, enrollment, now)]
        is_shortened = any(
            row not in different and not is_same_end(row.expiry_date, enrollment.expiry_date) for row in rows
        )
        if different and (enrollment.is_exact or not is_shortened):
            return False
        end = end_to_send(enrollment, now)
        for row in different:
            self._attempt.before_a_call()
            try:
                self._thinkific.enrollments.update(row.id, activated_at=enrollment.activated_at, expiry_date=end)
            except ThinkificMissing:
                return False
        self._confirm(enrollment)
        return True

    def _is_built(self, enrollment: Enrollment, user_id: int) -> bool:
        """Whether what was ordered is there and something else is wanted by now; confirms what is as it was ordered.

        Raises RetryLater while Thinkific is at it.
        """
        course_ids = self._ordered_courses(enrollment)
        self._attempt.before_a_call()
        enrolled = {found.course_id for found in self._thinkific.enrollments.list_of_user(user_id)}
        is_as_ordered = enrollment.bundle_ordered_version == enrollment.version
        if all(self._attempt.store.products.is_hidden_course(course_id) for course_id in course_ids - enrolled):
            if is_as_ordered:
                self._confirm(enrollment)
                return False
            self._enrollments.clear_bundle_order(enrollment)
            return True
        soonest, latest = _ASK_SECONDS
        ordered_at = enrollment.bundle_ordered_at or enrollment.updated_at
        waited = (self._attempt.now - ordered_at).total_seconds()
        if waited > _GIVEN_UP_SECONDS:
            if not is_as_ordered:
                return True
            raise ThinkificRejected("Thinkific: the bundle's courses did not come within a day.")
        raise RetryLater(min(latest, max(soonest, waited / 4)))

    def _update(self, enrollment: Enrollment, user_id: int) -> bool:
        """Whether Thinkific has the student in the bundle: if not it answers 404 or 422, as it does to other faults."""
        self._attempt.before_a_call()
        try:
            self._thinkific.bundles.update_enrollment(
                user_id=user_id,
                bundle_id=enrollment.productable_id,
                activated_at=enrollment.activated_at,
                expiry_date=end_to_send(enrollment, self._attempt.now),
            )
        except (ThinkificMissing, ThinkificRejected):
            if self._find(enrollment, user_id):
                raise
            return False
        self._confirm(enrollment)
        return True

    def _rows_of(self, enrollment: Enrollment, user_id: int) -> list[ThinkificEnrollment]:
        if enrollment.product_id not in self._doubted:
            return self._find(enrollment, user_id)
        # Those of its courses: whether a bundle's own list has one for each is not documented.
        self._attempt.before_a_call()
        course_ids = self._courses_of[enrollment.product_id]
        return [found for found in self._thinkific.enrollments.list_of_user(user_id) if found.course_id in course_ids]

    def _find(self, enrollment: Enrollment, user_id: int) -> list[ThinkificEnrollment]:
        self._attempt.before_a_call()
        return self._thinkific.bundles.find_enrollments(user_id, enrollment.productable_id)

    def _ordered_courses(self, enrollment: Enrollment) -> set[int]:
        product = self._attempt.store.products.get(enrollment.product_id)
        if product is not None and product.course_ids:
            return set(product.course_ids)
        self._attempt.before_a_call()
        return set(self._thinkific.bundles.course_ids(enrollment.productable_id))
