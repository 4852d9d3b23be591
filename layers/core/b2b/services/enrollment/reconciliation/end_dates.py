"""When an enrollment has ended, and which end Thinkific is sent."""

from datetime import datetime

from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.enrollments import Enrollment


def has_ended(enrollment: Enrollment, now: datetime) -> bool:
    return expiry.is_past(enrollment.expiry_date, now)


def has_ended_naturally(enrollment: Enrollment, now: datetime) -> bool:
    """Then Thinkific ends it too, or never had it: there is nothing to tell."""
    return not enrollment.is_exact and has_ended(enrollment, now)


def end_to_send(enrollment: Enrollment, now: datetime) -> datetime:
    """What an enrollment that Thinkific has already is to be given as its end."""
    if enrollment.expiry_date is None:
        return expiry.without_end(now)
    if has_ended(enrollment, now):
        return min(enrollment.expiry_date, expiry.end_of_yesterday(now))
    return enrollment.expiry_date
