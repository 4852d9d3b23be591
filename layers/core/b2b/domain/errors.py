"""Every refusal the product knows, in the words of the person who reads it.

B2BError
├── InvalidInput        the request's content is wrong; names each field
├── NotFound            no such record
├── Unauthenticated     no token, or one that is not good
├── Forbidden           a good token without the scope
├── Conflict            the state of things forbids it, a retry does not help
│   └── SeatsExhausted  an enforced call found too few seats
├── TooManyRequests     a retry after ``retry_after`` seconds helps
└── WriteConflict       others wrote first: read again and retry
    ├── ConditionFailed the state that a write relied on has changed
    └── LeaseLost       another worker has taken over

BrokenInvariant         records contradict each other: no refusal, a fault of ours
NeedsAPerson            only a person can decide which of two records is right
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


class B2BError(Exception):
    """Base of all expected refusals. ``str(error)`` is a sentence for a person."""


class InvalidInput(B2BError):
    """Content that cannot be accepted. ``errors`` maps a field (``enrollments.0``) to its sentences."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        self.errors = {field: list(messages) for field, messages in errors.items()}
        messages = [message for found in self.errors.values() for message in found]
        more = len(messages) - 1
        suffix = f" (and {more} more error{'s' if more > 1 else ''})" if more > 0 else ""
        super().__init__(messages[0] + suffix)

    @classmethod
    def field(cls, name: str, message: str) -> "InvalidInput":
        return cls({name: [message]})


class NotFound(B2BError):
    """No such record."""


class Unauthenticated(B2BError):
    def __init__(self) -> None:
        super().__init__("Unauthenticated.")


class Forbidden(B2BError):
    def __init__(self) -> None:
        super().__init__("This action is unauthorized.")


class Conflict(B2BError):
    """A conflict that a retry cannot cure. ``code`` is for programs."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatShortage:
    """One limit that an enforced call would break. ``scope``: "account" or "product"."""

    scope: str
    product_id: int | None
    max_seats: int
    seats_used: int
    requested: int


class SeatsExhausted(Conflict):
    def __init__(self, shortages: Iterable[SeatShortage]) -> None:
        self.shortages = tuple(shortages)
        super().__init__("There are not enough free seats.", code="seats_exhausted")


class TooManyRequests(B2BError):
    """Try again after ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too Many Attempts.")
        self.retry_after = retry_after


class WriteConflict(B2BError):
    """Another write touched the same items at the same time.

    ``place``: what did not fit, in words that name no person; two conflicts of one place are about the same records.
    ``state``: reads these records as they are now. None: nothing but another write can be the reason.
    """

    def __init__(
        self,
        message: str = "Others wrote to the same records at the same time.",
        *,
        place: str = "",
        state: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(message)
        self.place = place
        self.state = state


class LeaseLost(WriteConflict):
    """Another worker has taken over."""


class ConditionFailed(WriteConflict):
    """The state a write relied on has changed. ``failed`` holds the positions of the actions refused."""

    def __init__(
        self, failed: Iterable[int] = (0,), *, place: str = "", state: Callable[[], object] | None = None
    ) -> None:
        self.failed = frozenset(failed)
        super().__init__("A record changed between reading and writing it.", place=place, state=state)


class BrokenInvariant(Exception):
    """Records contradict each other, though nobody is writing to them. ``place`` says which, and names no person.

    Retrying cannot help; ``b2b recount --repair`` mends them.
    """

    def __init__(self, place: str) -> None:
        super().__init__(f"Records contradict each other ({place}); `b2b recount --repair` mends them.")
        self.place = place


class NeedsAPerson(Exception):
    """``str(error)`` says what to do."""
