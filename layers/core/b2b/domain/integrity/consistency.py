"""Records that say the same thing in two places, and what is wrong where they do not.

A seat stands with the enrollment (its holders) and as a row of the user; an association stands with the student and
with the user. Each pair is written in one transaction, so a difference means that something broke.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import Association


class Flaw(StrEnum):
    """How two records contradict each other, as an operator is told."""

    NO_SEAT_ROW = "holds a seat that has no row"
    STRAY_SEAT_ROW = "has a seat row that no enrollment knows"
    NOT_WITH_USER = "has the student, who is not in its list"
    NOT_WITH_STUDENT = "lists a student who is not associated"
    NO_STUDENT = "lists a student who does not exist"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """``product_id`` None: the association is meant."""

    student_id: int
    user_id: int
    product_id: int | None
    flaw: Flaw

    def __str__(self) -> str:
        product = "" if self.product_id is None else f", product {self.product_id}"
        return f"Student {self.student_id}{product}: user {self.user_id} {self.flaw}."


@dataclass(frozen=True, slots=True)
class UserRows:
    """What users' partitions say of one student: who lists it, and who has a seat row for which product."""

    listed_by: Collection[int]
    seats: Collection[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class OwnRows:
    """What a student's partition holds. ``exists``: whether the student itself is there."""

    exists: bool
    associations: Collection[Association]
    enrollments: Collection[Enrollment]

    def enrollment(self, product_id: int | None) -> Enrollment | None:
        return next((found for found in self.enrollments if found.product_id == product_id), None)


def contradictions(student_id: int, own: OwnRows, rows: UserRows) -> Iterator[Contradiction]:
    """Of one student."""
    if not own.exists:
        for user_id in sorted(rows.listed_by):
            yield Contradiction(student_id, user_id, None, Flaw.NO_STUDENT)
    associations, enrollments = own.associations, own.enrollments
    associated = {association.user_id for association in associations}
    held = {(holder, found.product_id) for found in enrollments for holder in found.seat_holders}
    for user_id in sorted(associated - {*rows.listed_by}):
        yield Contradiction(student_id, user_id, None, Flaw.NOT_WITH_USER)
    for user_id in sorted({*rows.listed_by} - associated if own.exists else ()):
        yield Contradiction(student_id, user_id, None, Flaw.NOT_WITH_STUDENT)
    for user_id, product_id in sorted(held - {*rows.seats}):
        yield Contradiction(student_id, user_id, product_id, Flaw.NO_SEAT_ROW)
    for user_id, product_id in sorted({*rows.seats} - held):
        yield Contradiction(student_id, user_id, product_id, Flaw.STRAY_SEAT_ROW)
