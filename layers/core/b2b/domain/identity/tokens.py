"""API tokens: what they look like, what they may do."""

import hashlib
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

SCOPES = (
    "users:read",
    "users:write",
    "students:read",
    "students:write",
    "products:read",
    "products:write",
    "tokens:write",
    "settings:write",
)
ALL_SCOPES = frozenset(SCOPES)

_PREFIX = "b2b_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 40  # 62**40: 238 bits
_CHECKSUM_LENGTH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token without its secret, of which only a SHA-256 is kept. It acts as the admin ``user_id``."""

    id: int
    name: str
    scopes: frozenset[str]
    user_id: int
    digest: str
    last_four: str
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: a token, acting as an admin user, until ``expires_at`` (None = without an end)."""

    token_id: int
    user_id: int
    scopes: frozenset[str]
    expires_at: datetime | None = None

    @property
    def sees_all_tokens(self) -> bool:
        return self.scopes >= ALL_SCOPES

    def sees(self, token: Token) -> bool:
        """A token that may do more than the caller is none of its business: else it could end it."""
        return self.sees_all_tokens or token.scopes <= self.scopes


def new_secret() -> str:
    """``b2b_``, 40 random letters and digits, and a checksum of 6, by which scanners know a leaked one."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return _PREFIX + random + _checksum(random)


def is_well_formed(secret: str) -> bool:
    """Whether it can be one of ours: tells typing errors and strangers' tokens without asking the table."""
    body = secret.removeprefix(_PREFIX)
    random, checksum = body[:_SECRET_LENGTH], body[_SECRET_LENGTH:]
    return (
        secret.startswith(_PREFIX)
        and len(body) == _SECRET_LENGTH + _CHECKSUM_LENGTH
        and body.isascii()
        and checksum == _checksum(random)
    )


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def earlier_end(one: datetime | None, other: datetime | None) -> datetime | None:
    """None = without an end."""
    return min((end for end in (one, other) if end is not None), default=None)


def sorted_scopes(scopes: Iterable[str]) -> list[str]:
    """In the order of the documentation."""
    chosen = set(scopes)
    return [scope for scope in SCOPES if scope in chosen]


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, remainder = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[remainder] + digits
    return digits
