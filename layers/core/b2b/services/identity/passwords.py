"""Hashes of passwords: argon2id, and scrypt as releases before it made them."""

import hashlib
import hmac
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# OWASP's first choice (Password Storage Cheat Sheet): some 25 ms of a processor for each guess.
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
_SCRYPT = "scrypt$"


def hash_password(password: str) -> str:
    """Salted, in the PHC string format: ``$argon2id$v=19$m=19456,t=2,p=1$salt$hash``."""
    return _hasher().hash(password)


def verify(password: str, hashed: str) -> bool:
    """Raises ValueError when ``hashed`` is no hash of ours."""
    if hashed.startswith(_SCRYPT):
        return _verify_scrypt(password, hashed)
    from argon2.exceptions import VerificationError, VerifyMismatchError  # noqa: PLC0415 - see _hasher

    try:
        return _hasher().verify(hashed, password)
    except VerifyMismatchError:
        return False
    except VerificationError as error:
        raise ValueError("This is no hash of a password.") from error


def needs_rehash(hashed: str) -> bool:
    """Whether a password that was just verified should be hashed anew: it was hashed otherwise than it is today."""
    return hashed.startswith(_SCRYPT) or _hasher().check_needs_rehash(hashed)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # noqa: PLC0415 - few calls have a password, and no start should pay for it

    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)


def _verify_scrypt(password: str, hashed: str) -> bool:
    """``scrypt$n$r$p$salt$hash``, the last two in hex."""
    _, n, r, p, salt, digest = hashed.split("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=int(n), r=int(r), p=int(p), dklen=32)
    return hmac.compare_digest(found, bytes.fromhex(digest))
