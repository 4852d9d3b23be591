"""What one call to enroll changes: decided from what is there, before anything is written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment import enrollments, expiry, seats
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import Association, Student, StudentRecord
from b2b.domain.errors import SeatShortage
from b2b.domain.identity.users import Grant, User, no_grant

# An enforced call is one transaction, which has no room for more.
MAX_ENFORCED = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentChange:
    """``before`` None: a first enrollment. ``takes_seat``: the user holds none for it yet."""

    before: Enrollment | None
    after: Enrollment
    takes_seat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentPlan:
    """``association`` None: the student is under the user already. Unchanged enrollments are not listed."""

    association: Association | None
    changes: tuple[EnrollmentChange, ...]
    shortages: tuple[SeatShortage, ...]


def plan(
    *,
    user: User,
    student: Student,
    record: StudentRecord | None,
    products: Sequence[Product],
    grants: dict[int, Grant],
    default_days: int,
    now: datetime,
) -> EnrollmentPlan:
    """Bring ``student`` under ``user`` and into ``products``. ``record`` None: the student is new."""
    is_associated = record is not None and record.association(user.id) is not None
    association = None
    if not is_associated:
        association = Association(
            user_id=user.id,
            student_id=student.id,
            group_name=user.group.name if user.group else None,
            created_at=now,
        )
    changes = []
    for product in products:
        grant = grants.get(product.id, no_grant(user.id, product.id))
        days = grant.enrollment_days if grant.granted else default_days
        before = record.enrollment(product.id) if record else None
        change = _change(user, student, product, before, expiry.after_days(now, days), now)
        if change.before != change.after:
            changes.append(change)
    return EnrollmentPlan(
        association=association,
        changes=tuple(changes),
        shortages=tuple(_shortages(user, association, changes, grants)),
    )


def _change(
    user: User,
    student: Student,
    product: Product,
    before: Enrollment | None,
    expiry_date: datetime | None,
    now: datetime,
) -> EnrollmentChange:
    if before is None:
        after = enrollments.new(product, student.id, expiry_date, now)
    else:
        after = enrollments.enroll_again(before, expiry_date, now)
    takes_seat = user.id not in after.seat_holders
    after = replace(
        after,
        seat_holders=after.seat_holders | {user.id},
        former_holders=after.former_holders - {user.id},
    )
    return EnrollmentChange(before=before, after=after, takes_seat=takes_seat)


def _shortages(
    user: User,
    association: Association | None,
    changes: Iterable[EnrollmentChange],
    grants: dict[int, Grant],
) -> Iterable[SeatShortage]:
    """The limits that the changes would break, were they enforced."""
    if association is not None and seats.is_short(user.max_seats, user.seats_used, 1):
        yield _shortage("account", None, user.max_seats, user.seats_used)
    for change in changes:
        if not change.takes_seat:
            continue
        grant = grants.get(change.after.product_id, no_grant(user.id, change.after.product_id))
        if seats.is_short(grant.seat_limit, grant.seats_used, 1):
            yield _shortage("product", grant.product_id, grant.seat_limit, grant.seats_used)


def _shortage(scope: str, product_id: int | None, limit: int | None, used: int) -> SeatShortage:
    return SeatShortage(scope=scope, product_id=product_id, max_seats=limit or 0, seats_used=used, requested=1)
