"""Bringing records of schema 1, and the guards of their addresses, to today's form.

Where two of them have one address in two spellings, the older has it from now on. The younger goes on under its id, and
a note names both for the operator.
"""

import random
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from b2b.domain.errors import WriteConflict
from b2b.domain.identity.emails import Holding
from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.actions import Action, check, delete, put
from b2b.storage.identity import guards
from b2b.storage.identity.guards import OWNER, Holder
from b2b.storage.items import Item
from b2b.storage.keys import Key
from b2b.storage.table import Table

_TRIES = 8


@dataclass(frozen=True, slots=True)
class SharedAddress:
    """The record ``younger`` has the address too, maybe in another spelling, and is reached by its id only."""

    kind: Kind
    older: int
    younger: int

    @property
    def younger_key(self) -> Key:
        return guards.record_key(self.kind, self.younger)

    def __str__(self) -> str:
        path = self.kind.lower()
        return (
            f"Two {path} have one e-mail address, maybe in two spellings: {self.older} and {self.younger}. The older "
            f"one, {self.older}, is found by it, and {self.younger} by its id only. Give {self.younger} another "
            f"address (PUT /api/{path}/{self.younger}) or delete one of them, then run `b2b migrate-data`."
        )


class AddressMigration:
    def __init__(self, table: Table) -> None:
        self._table = table

    def holders(self, wanted: Iterable[tuple[Kind, int]]) -> dict[tuple[Kind, int], Holder]:
        """Those there are of the given kinds and ids, in one round trip."""
        by_key = {guards.record_key(*name): name for name in wanted}
        found = self._table.get_many(by_key) if by_key else {}
        return {by_key[key]: guards.holder_from_item(by_key[key][0], item) for key, item in found.items()}

    def migrate_address(self, kind: Kind, record_id: int) -> None:
        """Nothing to do for one that is gone, or of today's form. Raises WriteConflict when others keep writing."""
        for attempt in range(_TRIES):
            record = self._holder(kind, record_id)
            if record is None or record.email_holding is not Holding.FORMER:
                return
            with suppress(WriteConflict):
                self._table.transact(self._claim_actions(record))
                return
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, no secret
        raise WriteConflict

    def migrate_guard(self, kind: Kind, guard: Key, owner_id: int) -> None:
        """As ``migrate_address``, of a guard of schema 1; one whose record does not have it goes."""
        owner = self._holder(kind, owner_id)
        if owner is None or owner.guard != guard:
            self._table.succeeds(guards.remove_former(guard, owner_id))
        elif owner.email_holding is Holding.FORMER:
            self.migrate_address(kind, owner_id)
        else:
            self._table.succeeds(guards.take_over(guard, owner_id, previous=owner_id))

    def reclaim(self, kind: Kind, record_id: int) -> None:
        """The address is the record's again, unless an older one has it too: then both are noted.

        Nothing to do for a record of schema 1, which ``migrate_address`` is for. Raises WriteConflict.
        """
        record = self._holder(kind, record_id)
        if record is None or record.email_holding is not Holding.OWN:
            return
        if _owner(self._table.get(record.proper_guard)) != record_id:
            self._table.transact(self._claim_actions(record))

    def shared_addresses(self) -> list[SharedAddress]:
        rows = self._table.query(*keys.shared_addresses())
        return [SharedAddress(Kind(row["kind"]), row["older"], row["younger"]) for row in rows]

    def resolve_shared(self, pair: SharedAddress) -> SharedAddress | None:
        """What is left of the pair: None once the younger has an address of its own, which it gets when it is free.

        Raises WriteConflict.
        """
        younger = self._holder(pair.kind, pair.younger)
        note = delete(keys.shared_address(pair.kind, pair.younger))
        if younger is None or younger.email_holding is not Holding.NONE:
            self._table.write(note)
            return None
        guard = self._table.get(younger.proper_guard)
        if guard is not None:
            return SharedAddress(pair.kind, guard[OWNER], pair.younger)
        self._table.transact([guards.claim(pair.kind, younger), guards.keyed(younger), note])
        return None

    def _claim_actions(self, record: Holder) -> list[Action]:
        proper, former = record.proper_guard, record.guard
        found = self._table.get_many(key for key in (proper, former) if key is not None)
        leave = []
        if former is not None and former != proper and _owner(found.get(former)) == record.id:
            leave = [guards.remove(former, record.id)]
        owner_id = _owner(found.get(proper))
        if owner_id is None:
            return [guards.claim(record.kind, record), guards.keyed(record), *leave]
        own = [guards.take_over(proper, record.id, previous=owner_id), guards.keyed(record)]
        other = self._holder(record.kind, owner_id) if owner_id != record.id else None
        if other is None or other.guard != proper:
            return [*own, *leave]
        if other.proper_guard != proper:
            # It is of another address, and in the way.
            self.migrate_address(other.kind, other.id)
            raise WriteConflict
        if record.id < other.id:
            return [*own, guards.keyed(other, held_by=record.id), _note(record, other), *leave]
        unchanged = check(proper, Attr(OWNER).eq(other.id))
        return [unchanged, guards.keyed(record, held_by=other.id), _note(other, record), *leave]

    def _holder(self, kind: Kind, record_id: int) -> Holder | None:
        item = self._table.get(guards.record_key(kind, record_id))
        return guards.holder_from_item(kind, item) if item else None


def _owner(guard: Item | None) -> int | None:
    return None if guard is None else int(guard[OWNER])


def _note(older: Holder, younger: Holder) -> Action:
    pair = {"kind": older.kind.value, "older": older.id, "younger": younger.id}
    return put(keys.shared_address(older.kind, younger.id), pair)
