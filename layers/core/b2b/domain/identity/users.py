"""Users: the people of a client who manage its students, and the grants of seats they hold."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from b2b.domain.catalogue.products import Product
from b2b.domain.identity.emails import Holding

MAX_SEATS = 10**9


class Role(StrEnum):
    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A Thinkific group. ``id`` is Thinkific's, None until it answered."""

    name: str
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """``max_seats`` caps the distinct students associated; None = unlimited. ``seats_used`` counts them."""

    id: int
    name: str
    email: str
    email_holding: Holding = Holding.OWN
    role: Role
    max_seats: int | None
    seats_used: int
    group: Group | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a user may use of one product, and the seats taken there.

    The seats are counted per (user, product) whether or not there is a grant yet: ``granted`` tells.
    """

    user_id: int
    product_id: int
    granted: bool
    active: bool
    max_seats: int | None
    seats_used: int
    enrollment_days: int
    reusable: bool

    @property
    def seat_limit(self) -> int | None:
        """Seats an enforced call may fill: none without an active grant. None = unlimited."""
        return self.max_seats if self.granted and self.active else 0


def no_grant(user_id: int, product_id: int) -> Grant:
    return Grant(
        user_id=user_id,
        product_id=product_id,
        granted=False,
        active=False,
        max_seats=0,
        seats_used=0,
        enrollment_days=0,
        reusable=False,
    )


@dataclass(frozen=True, slots=True)
class UserView:
    """A user as the API shows it: with each grant beside its product."""

    user: User
    grants: tuple[tuple[Grant, Product], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """What a grant is set to. ``reusable`` None = as it was (not reusable when new)."""

    active: bool
    enrollment_days: int
    reusable: bool | None = None
