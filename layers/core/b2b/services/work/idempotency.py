"""Idempotency keys: the same call with the same key is carried out once, and answered alike (contract, section 1).

Powertools' idempotency decorates a function of a payload and keeps whatever it returns; here some answers are not to
be kept, a twin has to wait, and another body or route with the same key is a conflict.
"""

import hashlib
import hmac
import json
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from b2b.domain.errors import Conflict
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.idempotency import Claim, without_secrets

if TYPE_CHECKING:
    from b2b.storage.store import Store

MAX_KEY = 255
_KEPT_FOR = timedelta(hours=24)
# Longer than any function may run: then whoever was at it has died.
_BUSY_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered. ``headers`` in ASGI's form, lower case; ``body`` is JSON or empty."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def is_kept(self) -> bool:
        """A refused call has changed nothing: it may be repeated once its cause is mended."""
        return 200 <= self.status < 300


class IdempotencyService:
    def __init__(self, store: "Store", clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def begin(self, token_id: int, secret: str, key: str, request: bytes, owner: str) -> Claim | Answer | None:
        """A claim to carry the call out, the answer it was given before, or None: a twin is at it, ask again.

        ``secret``: the token's. ``key``: at most ``MAX_KEY`` characters. ``request``: method, route and body. Raises
        Conflict when the key was used for another request.
        """
        now = self._clock()
        claim = Claim(token_id, _key_digest(key), _fingerprint(request, secret), owner)
        kept = self._store.idempotency.claim(claim, now, now + _BUSY_FOR, now + _KEPT_FOR)
        if kept is None:
            return claim
        if not hmac.compare_digest(kept.fingerprint, claim.fingerprint):
            raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_key_reused")
        if kept.status is None:
            return None
        return Answer(kept.status, kept.headers, zlib.decompress(kept.body))

    def end(self, claim: Claim, answer: Answer) -> None:
        """Keeps the answer without its secrets, or frees the key where the call was refused."""
        if answer.is_kept:
            body = zlib.compress(_storable(answer.body))
            self._store.idempotency.keep(claim, answer.status, answer.headers, body)
        else:
            self.release(claim)

    def release(self, claim: Claim) -> None:
        """The next who comes with the key carries the call out."""
        self._store.idempotency.release(claim)


def in_progress() -> Conflict:
    return Conflict("The same call is being carried out right now.", code="idempotency_in_progress")


def _key_digest(key: str) -> str:
    """Makes keys of any length and any characters fit to be stored. It hides nothing: a key is no secret."""
    return hashlib.sha256(key.encode()).hexdigest()


def _fingerprint(request: bytes, secret: str) -> str:
    """Tells requests apart, and nothing more: a body may hold a password, which nobody who reads the table may be
    able to guess at by hashing.
    """
    return hmac.digest(secret.encode(), request, "sha256").hex()


def _storable(body: bytes) -> bytes:
    """The bytes as they are unless they hold a secret."""
    if not body:
        return body
    content = json.loads(body)
    storable = without_secrets(content)
    return body if storable == content else json.dumps(storable, ensure_ascii=False, separators=(",", ":")).encode()
