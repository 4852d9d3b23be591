"""The right to carry out a call that has an idempotency key."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """``fingerprint`` tells calls apart, ``owner`` those who try to carry out the same one."""

    token_id: int
    key_digest: str
    fingerprint: str
    owner: str
