"""The right to carry out a call that has an idempotency key, and what may be kept of its answer."""

from dataclasses import dataclass
from typing import Any

_SECRETS = {"token", "secret", "password", "link"}


@dataclass(frozen=True, slots=True)
class Claim:
    """``fingerprint`` tells calls apart, ``owner`` those who try to carry out the same one."""

    token_id: int
    key_digest: str
    fingerprint: str
    owner: str


def without_secrets(content: Any) -> Any:
    """Parsed JSON with null for the value of every field, at any depth, that is named as a secret."""
    if isinstance(content, dict):
        return {name: None if name in _SECRETS else without_secrets(value) for name, value in content.items()}
    if isinstance(content, list):
        return [without_secrets(item) for item in content]
    return content
