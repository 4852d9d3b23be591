"""Keeping what only whoever shows a token again may read: the table has no more than the token's digest."""

import hashlib
import secrets

_NONCE_LENGTH = 16


def seal(content: bytes, secret: str) -> bytes:
    """Encrypted with ``secret``, which has to be random and long; reveals the length, and does not show tampering.

    SHAKE-256 over secret and nonce is the key stream: the standard library has no cipher, and a package for one
    would be the largest part of what a function loads.
    """
    nonce = secrets.token_bytes(_NONCE_LENGTH)
    return nonce + _masked(content, secret, nonce)


def unseal(sealed: bytes, secret: str) -> bytes:
    """What ``seal`` was given; noise with another secret."""
    nonce, content = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
    return _masked(content, secret, nonce)


def _masked(content: bytes, secret: str, nonce: bytes) -> bytes:
    stream = hashlib.shake_256(nonce + secret.encode()).digest(len(content))
    return (int.from_bytes(content) ^ int.from_bytes(stream)).to_bytes(len(content))
