"""Idempotency keys: the same call with the same key is carried out once, and answered alike (contract, section 1).

Powertools' idempotency decorates a function of a payload and keeps whatever it returns; here some answers are not to
be kept, a twin has to wait, and another body or route with the same key is a conflict.
"""

import hashlib
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from b2b.domain.errors import Conflict, InvalidInput
from b2b.domain.idempotency import Claim
from b2b.domain.sealing import seal, unseal
from b2b.domain.timestamps import Clock, utc_now

if TYPE_CHECKING:
    from b2b.storage.store import Store

MAX_KEY = 255
_KEPT_FOR = timedelta(hours=24)
# Longer than any function may run: then whoever was at it has died.
_BUSY_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered. ``headers`` in ASGI's form, lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def is_kept(self) -> bool:
        """Not what the next try may answer otherwise."""
        return self.status not in (401, 429) and self.status < 500


class IdempotencyService:
    def __init__(self, store: "Store", clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def begin(self, token_id: int, secret: str, key: str, request: bytes, owner: str) -> Claim | Answer | None:
        """A claim to carry the call out, the answer it was given before, or None: a twin is at it, ask again.

        ``secret``: the token's, by which answers are sealed. ``request``: method, route and body. Raises Conflict when
        the key was used for another request.
        """
        if len(key) > MAX_KEY:
            raise InvalidInput.field(
                "Idempotency-Key", f"The Idempotency-Key header must not be greater than {MAX_KEY} characters."
            )
        now = self._clock()
        claim = Claim(token_id, _digest(key.encode()), _digest(request), owner)
        kept = self._store.idempotency.claim(claim, now, now + _BUSY_FOR, now + _KEPT_FOR)
        if kept is None:
            return claim
        if kept.fingerprint != claim.fingerprint:
            raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_key_reused")
        if kept.status is None:
            return None
        return Answer(kept.status, kept.headers, zlib.decompress(unseal(kept.body, secret)))

    def end(self, claim: Claim, secret: str, answer: Answer) -> None:
        """Keeps the answer, or frees the key where the next try may be answered otherwise.

        It may hold a new token, or people who are deleted before it is: only the caller's own token opens it.
        """
        if answer.is_kept:
            body = seal(zlib.compress(answer.body), secret)
            self._store.idempotency.keep(claim, answer.status, answer.headers, body)
        else:
            self._store.idempotency.release(claim)


def in_progress() -> Conflict:
    return Conflict("The same call is being carried out right now.", code="idempotency_in_progress")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
