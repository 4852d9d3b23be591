"""Enrollments: what is wanted for a student in a product, and what Thinkific has confirmed of it.

Every change of what is wanted raises ``version``; the sync confirms, or gives up on, *a version*. So a wish that
changes while it is being carried out is simply not fulfilled yet.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from b2b.domain.catalogue.products import Product, ProductableType
from b2b.domain.enrollment import expiry


class EnrollmentStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """One student in one product.

    ``revision`` counts every change but the sync's, so that of two at once the second reads again.
    ``seat_holders``: the users who enrolled the student here and hold a seat for it.
    ``expiry_date`` None = not limited. ``percentage_completed`` 0..100, None until known.
    ``thinkific_id`` is the id of Thinkific's enrollment of a course (bundles have none there).
    ``former_holders``: those whose seat an explicit end has freed; they take it again if the end is taken back.
    ``is_exact``: the end was set as such, so that it may also shorten what the student has in Thinkific.
    ``failed_without_account``: the failed version was never tried, since Thinkific refused the student an account.
    ``swept_version``: the version whose end has come and been taken note of.
    ``bundle_ordered_version``: the version for which Thinkific accepted to build the bundle's enrollments (202), at
    ``bundle_ordered_at``. ``bundle_asked``: it may have accepted that; its answer got lost.
    """

    student_id: int
    product_id: int
    productable_id: int
    productable_type: ProductableType
    version: int
    revision: int = 1
    confirmed_version: int = 0
    failed_version: int = 0
    failed_without_account: bool = False
    error: str | None = None
    activated_at: datetime
    expiry_date: datetime | None
    is_exact: bool = False
    seat_holders: frozenset[int] = frozenset()
    former_holders: frozenset[int] = frozenset()
    thinkific_id: int | None = None
    known_in_thinkific: bool = False
    bundle_ordered_version: int = 0
    bundle_ordered_at: datetime | None = None
    bundle_asked: bool = False
    swept_version: int = 0
    percentage_completed: float | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether Thinkific has still to be told."""
        return self.version not in (self.confirmed_version, self.failed_version)

    @property
    def failed_for_account(self) -> bool:
        """Whether it failed only because the student has no account in Thinkific."""
        return self.failed_without_account and self.failed_version == self.version

    @property
    def is_swept(self) -> bool:
        """Whether its end has come and been taken note of."""
        return self.swept_version == self.version

    def status(self, now: datetime) -> EnrollmentStatus:
        """Decided on reading, so that a late sweep never shows access that has ended."""
        if self.failed_version == self.version:
            return EnrollmentStatus.FAILED
        if expiry.is_past(self.expiry_date, now):
            return EnrollmentStatus.EXPIRED
        if self.confirmed_version != self.version:
            return EnrollmentStatus.PENDING
        return EnrollmentStatus.ACTIVE


def new(product: Product, student_id: int, expiry_date: datetime | None, now: datetime) -> Enrollment:
    return Enrollment(
        student_id=student_id,
        product_id=product.id,
        productable_id=product.productable_id,
        productable_type=product.productable_type,
        version=1,
        activated_at=now,
        expiry_date=expiry_date,
        created_at=now,
        updated_at=now,
    )


def enroll_again(enrollment: Enrollment, expiry_date: datetime | None, now: datetime) -> Enrollment:
    """The enrollment after one more call to enroll: the later expiry wins, an ended or failed one starts again.

    Returns the very same object when nothing changes.
    """
    status = enrollment.status(now)
    has_ended = expiry.is_past(enrollment.expiry_date, now)
    wanted = expiry_date if has_ended else expiry.later(enrollment.expiry_date, expiry_date)
    if wanted == enrollment.expiry_date and status is not EnrollmentStatus.FAILED:
        return enrollment
    # An end that was set and has not reached Thinkific yet has still to replace what Thinkific has.
    is_exact = enrollment.is_exact and enrollment.confirmed_version != enrollment.version
    return replace(enrollment, version=enrollment.version + 1, expiry_date=wanted, is_exact=is_exact, updated_at=now)


def with_expiry(enrollment: Enrollment, expiry_date: datetime | None, now: datetime) -> Enrollment:
    """The enrollment with its end set, whatever it was; an end that is past frees the seats, another takes them again.

    Returns the very same object when it is that already, and was set as such: else Thinkific may have a later one.
    """
    holders, former = enrollment.seat_holders, enrollment.former_holders
    if expiry.is_past(expiry_date, now):
        holders, former = frozenset(), former | holders
    else:
        holders, former = holders | former, frozenset()
    changed = replace(enrollment, expiry_date=expiry_date, is_exact=True, seat_holders=holders, former_holders=former)
    if changed == enrollment and enrollment.failed_version != enrollment.version:
        return enrollment
    return replace(changed, version=enrollment.version + 1, updated_at=now)


def without_holder(enrollment: Enrollment, user_id: int) -> Enrollment:
    """The enrollment when the user no longer counts it: what is wanted in Thinkific stays as it is."""
    return replace(
        enrollment,
        seat_holders=enrollment.seat_holders - {user_id},
        former_holders=enrollment.former_holders - {user_id},
    )


def without_seats_of(enrollment: Enrollment, holders: AbstractSet[int]) -> Enrollment:
    """The enrollment whose end has freed the seats of ``holders``, until it goes on."""
    return replace(
        enrollment,
        seat_holders=enrollment.seat_holders - holders,
        former_holders=enrollment.former_holders | holders,
    )
