"""Calls that carry an idempotency key, and what they were answered."""

import json
from dataclasses import dataclass
from datetime import datetime

from boto3.dynamodb.conditions import Attr, ConditionBase

from b2b.domain import timestamps
from b2b.domain.work.idempotency import Claim
from b2b.storage import keys
from b2b.storage.actions import ABSENT, Action, Update, delete, put
from b2b.storage.items import Item
from b2b.storage.table import Table

_LONG_AGO = "1970-01-01T00:00:00.000000Z"


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

    def claim(self, claim: Claim, now: datetime, busy_until: datetime, kept_until: datetime) -> KeptCall | None:
        """None: the caller may go on. Else the call that has the key.

        A key is free again when its time is over (DynamoDB removes items late), or when whoever had claimed it for
        this same call did not answer in time: then what that one has marked as done stays marked.
        """
        key = _key(claim)
        item = {
            "fingerprint": claim.fingerprint,
            "owner": claim.owner,
            "busy_until": timestamps.to_text(busy_until),
            "ttl": int(kept_until.timestamp()),
        }
        free = ABSENT | Attr("ttl").lte(int(now.timestamp()))
        # The client repeats a write whose answer was lost: then the claim that is there is this one.
        mine = Attr("owner").eq(claim.owner)
        if self._table.succeeds(put(key, item, when=free | mine)):
            return None
        found = self._table.get(key)
        if found is not None and not _is_given_up(found, claim, now):
            return KeptCall(
                found["fingerprint"],
                found.get("status"),
                tuple((name, value) for name, value in json.loads(found.get("headers", "[]"))),
                bytes(found.get("body", b"")),
            )
        if found is not None:
            unchanged = Attr("owner").eq(found["owner"]) & Attr("status").not_exists()
            take_over = Update(key).set(owner=claim.owner, busy_until=item["busy_until"])
            if self._table.succeeds(take_over.when(unchanged)):
                return None
        return self.claim(claim, now, busy_until, kept_until)

    def is_done(self, claim: Claim) -> bool:
        """Whether anybody who had the claim has marked the call as done."""
        found = self._table.get(_key(claim))
        return found is not None and "done" in found

    def mark_done(self, claim: Claim) -> Action:
        """Part of the transaction of a call that must not happen twice. Refused when it has, or the claim is lost."""
        not_yet = Attr("owner").eq(claim.owner) & Attr("done").not_exists()
        return Update(_key(claim)).set(done=True).when(not_yet)

    def keep(self, claim: Claim, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        update = Update(_key(claim)).set(status=status, headers=json.dumps(headers), body=body).remove("busy_until")
        self._table.succeeds(update.when(_is_owned(claim)))

    def release(self, claim: Claim) -> None:
        """The next may try at once; what is marked as done stays so."""
        if not self._table.succeeds(delete(_key(claim), when=_is_owned(claim) & Attr("done").not_exists())):
            given_up = Update(_key(claim)).set(busy_until=_LONG_AGO)
            self._table.succeeds(given_up.when(_is_owned(claim)))


def _key(claim: Claim) -> keys.Key:
    return keys.idempotency(claim.token_id, claim.key_digest)


def _is_owned(claim: Claim) -> ConditionBase:
    return Attr("owner").eq(claim.owner)


def _is_given_up(found: Item, claim: Claim, now: datetime) -> bool:
    late = "status" not in found and found["busy_until"] < timestamps.to_text(now)
    return bool(late and found["fingerprint"] == claim.fingerprint)
