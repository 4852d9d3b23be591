"""Seats: how many are used, free, and beyond the limit (contract, section 2)."""


def available(max_seats: int | None, seats_used: int) -> int | None:
    """Free seats, never negative. None = unlimited."""
    return None if max_seats is None else max(0, max_seats - seats_used)


def over_allocated(max_seats: int | None, seats_used: int) -> int:
    """Seats used beyond the limit."""
    return 0 if max_seats is None else max(0, seats_used - max_seats)


def is_short(limit: int | None, seats_used: int, requested: int) -> bool:
    return limit is not None and seats_used + requested > limit
