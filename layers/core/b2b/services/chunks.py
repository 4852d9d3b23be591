"""What does not fit into one transaction."""

from collections.abc import Sequence
from typing import TypeVar

Member = TypeVar("Member")


def chunked(members: Sequence[Member], size: int) -> list[Sequence[Member]]:
    """In their order, ``size`` at most in each; at least one chunk, which may be empty."""
    return [members[start : start + size] for start in range(0, len(members), size)] or [()]
