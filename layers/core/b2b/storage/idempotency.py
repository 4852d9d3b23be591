"""Calls that carry an idempotency key, and what they were answered."""

import json
from dataclasses import dataclass
from datetime import datetime

from boto3.dynamodb.conditions import Attr

from b2b.domain import timestamps
from b2b.storage import keys
from b2b.storage.table import ABSENT, Table, Update, delete, put


@dataclass(frozen=True, slots=True)
class KeptCall:
    """``status`` None: not answered yet."""

    fingerprint: str
    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Idempotency:
    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(
        self,
        token_id: int,
        key_digest: str,
        fingerprint: str,
        owner: str,
        now: datetime,
        busy_until: datetime,
        kept_until: datetime,
    ) -> KeptCall | None:
        """None: the caller may go on. Else the call that has the key.

        A key is free again when its time is over (DynamoDB removes items late), or when whoever had claimed it for
        this same call did not answer in time.
        """
        key = keys.idempotency(token_id, key_digest)
        item = {
            "fingerprint": fingerprint,
            "owner": owner,
            "busy_until": timestamps.to_text(busy_until),
            "ttl": int(kept_until.timestamp()),
        }
        free = ABSENT | Attr("ttl").lte(int(now.timestamp()))
        # The client repeats a write whose answer was lost: then the claim that is there is this one.
        mine = Attr("owner").eq(owner)
        given_up = (
            Attr("status").not_exists()
            & Attr("busy_until").lt(timestamps.to_text(now))
            & Attr("fingerprint").eq(fingerprint)
        )
        if self._table.succeeds(put(key, item, when=free | given_up | mine)):
            return None
        found = self._table.get(key)
        if found is None:
            return self.claim(token_id, key_digest, fingerprint, owner, now, busy_until, kept_until)
        return KeptCall(
            found["fingerprint"],
            found.get("status"),
            tuple((name, value) for name, value in json.loads(found.get("headers", "[]"))),
            bytes(found.get("body", b"")),
        )

    def keep(
        self,
        token_id: int,
        key_digest: str,
        owner: str,
        status: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
    ) -> None:
        update = Update(keys.idempotency(token_id, key_digest))
        update.set(status=status, headers=json.dumps(headers), body=body).remove("busy_until")
        self._table.succeeds(update.when(Attr("owner").eq(owner)))

    def release(self, token_id: int, key_digest: str, owner: str) -> None:
        self._table.succeeds(delete(keys.idempotency(token_id, key_digest), when=Attr("owner").eq(owner)))
