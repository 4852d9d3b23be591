"""Whether what Thinkific holds is what is wanted: the one rule for bringing about and for verifying."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.work.upstream import ThinkificEnrollment

# Thinkific keeps whole seconds.
_TOLERANCE_SECONDS = 1.0


def is_as_wanted(existing: ThinkificEnrollment, enrollment: Enrollment, now: datetime) -> bool:
    """Whether nothing needs to be written.

    What the student has there by other ways is never shortened, unless somebody set this very end.
    """
    if existing.activated_at is None:
        return False  # a free preview
    wanted = enrollment.expiry_date
    there = None if expiry.is_endless(existing.expiry_date, now) else existing.expiry_date
    if is_same_end(wanted, existing.expiry_date) or is_same_end(wanted, there):
        return True
    if not enrollment.is_exact:
        # An end that came by itself ends nothing that Thinkific has for longer.
        return there is None or (wanted is not None and (there > wanted or expiry.is_past(wanted, now)))
    return expiry.is_past(wanted, now) and expiry.is_past(there, expiry.end_of_yesterday(now))


def lasts_longer(one: Enrollment, other: Enrollment, now: datetime) -> bool:
    """Whether ``one`` gives access, and for longer than ``other`` does."""
    if one.failed_version == one.version or expiry.is_past(one.expiry_date, now):
        return False
    longer = expiry.later(one.expiry_date, other.expiry_date)
    return longer == one.expiry_date and longer != other.expiry_date


def with_latest_end(course: Enrollment, bundles: Iterable[Enrollment], now: datetime) -> Enrollment:
    """The enrollment in a course as Thinkific, which has one row for it, is to have it.

    ``bundles``: the student's own that contain the course. Whoever wants it for longest decides.
    """
    for bundle in bundles:
        if bundle.known_in_thinkific and lasts_longer(bundle, course, now):
            course = replace(course, expiry_date=bundle.expiry_date)
    return course


def by_course(existing: Iterable[ThinkificEnrollment]) -> dict[int, ThinkificEnrollment]:
    """The enrollment in each course; of several in one, the one that lasts longest."""
    return {found.course_id: found for found in sorted(existing, key=_lasts_until)}


def _lasts_until(existing: ThinkificEnrollment) -> float:
    return existing.expiry_date.timestamp() if existing.expiry_date else float("inf")


def is_same_end(one: datetime | None, other: datetime | None) -> bool:
    """To the second, which is all that Thinkific keeps."""
    if one is None or other is None:
        return one is other
    return abs((one - other).total_seconds()) <= _TOLERANCE_SECONDS
