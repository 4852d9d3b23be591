"""What the school has decided for all (contract, section 6)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``default_max_seats`` None = unlimited; ``default_enrollment_days`` 0 = no expiry; ``timezone`` IANA."""

    default_max_seats: int | None = None
    default_enrollment_days: int = 0
    delete_students_with_user: bool = False
    delete_students_in_thinkific: bool = False
    delete_users_in_thinkific: bool = False
    timezone: str = "UTC"
