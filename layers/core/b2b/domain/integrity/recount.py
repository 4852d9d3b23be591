"""Counting anew: what the counters say, compared with the rows they count."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from b2b.domain.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCounts:
    """The students under a user, and the seats it holds by product; products with none may be missing.

    ``writes``: how often the counters were written to. It never comes back to what it was, as a counter may.
    """

    students: int
    seats: Mapping[int, int]
    writes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentsDrift:
    """A user's counter of students that does not say what the rows say."""

    user_id: int
    counted: int
    found: int

    def __str__(self) -> str:
        return f"User {self.user_id} counts {self.counted} students and has {self.found}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatsDrift:
    """A grant's counter of seats that does not say what the rows say."""

    user_id: int
    product_id: int
    counted: int
    found: int

    def __str__(self) -> str:
        return f"User {self.user_id} counts {self.counted} seats of product {self.product_id} and holds {self.found}."


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalDrift:
    """A list whose total does not say how many records it has."""

    kind: Kind
    counted: int
    found: int

    def __str__(self) -> str:
        return f"The list of {self.kind.value.lower()} counts {self.counted} and has {self.found}."


Drift = StudentsDrift | SeatsDrift | TotalDrift


@dataclass(frozen=True, slots=True, kw_only=True)
class RecountProgress:
    """How far the walk over all users is. ``after``: the last user looked at; ``finished_at`` None: under way."""

    after: int = 0
    finished_at: datetime | None = None


def drifts_of_user(user_id: int, counted: UserCounts, found: UserCounts) -> Iterator[Drift]:
    if counted.students != found.students:
        yield StudentsDrift(user_id=user_id, counted=counted.students, found=found.students)
    for product_id in sorted(counted.seats.keys() | found.seats.keys()):
        seats, rows = counted.seats.get(product_id, 0), found.seats.get(product_id, 0)
        if seats != rows:
            yield SeatsDrift(user_id=user_id, product_id=product_id, counted=seats, found=rows)
