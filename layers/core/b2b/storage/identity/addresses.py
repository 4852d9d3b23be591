"""Who has an e-mail address, whether the rows are of today's form or of the earlier release's.

In a table that is not migrated a guard of schema 1 may stand where another address's belongs, and an address's may
stand elsewhere: so an owner is asked for its address before it is believed, and a guard found in a place that is not
its own is moved at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from b2b.domain.errors import WriteConflict
from b2b.domain.identity.emails import email_key, former_keys
from b2b.domain.kinds import Kind
from b2b.storage import keys, schema
from b2b.storage.identity import guards
from b2b.storage.identity.address_migration import AddressMigration
from b2b.storage.identity.guards import KEYED, OWNER, Holder, guard_key
from b2b.storage.items import Item
from b2b.storage.keys import Key
from b2b.storage.table import Table
from b2b.storage.work.migrations import is_of_form

_MOST_LOOKS = 4

Found = Mapping[Key, Item]
Holders = Mapping[tuple[Kind, int], Holder]


class FormerGuard(NamedTuple):
    """Of schema 1."""

    kind: Kind
    key: Key
    owner_id: int

    def is_in_place(self, holders: Holders) -> bool:
        """Whether it is the owner's, and stands where that one's belongs."""
        owner = holders.get((self.kind, self.owner_id))
        return owner is not None and owner.guard == self.key == owner.proper_guard


@dataclass(frozen=True, slots=True)
class Question:
    """Who has an address: ``proper`` is where its guard belongs, ``former`` where one of schema 1 may stand."""

    kind: Kind
    proper: Key
    former: tuple[Key, ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        return (self.proper, *self.former, keys.MIGRATION) if self.former else (self.proper,)

    def former_guards(self, found: Found) -> Iterator[FormerGuard]:
        for key in (self.proper, *self.former):
            if key in found and schema.version_of(found[key]) < KEYED:
                yield FormerGuard(self.kind, key, found[key][OWNER])

    def may_have_moved(self, found: Found) -> bool:
        """Whether the guard may have been moved while ``found`` was read: after the one place, before the other."""
        is_anywhere = any(key in found for key in (self.proper, *self.former))
        return bool(self.former) and not is_anywhere and not is_of_form(KEYED, found.get(keys.MIGRATION))

    def answer(self, found: Found, holders: Holders) -> int | None:
        guard = found.get(self.proper)
        if guard is not None and schema.version_of(guard) >= KEYED:
            return int(guard[OWNER])
        owners = [holders.get((self.kind, former.owner_id)) for former in self.former_guards(found)]
        return min((owner.id for owner in owners if owner and owner.proper_guard == self.proper), default=None)


def question(kind: Kind, email: str) -> Question:
    former = (guard_key(kind, key) for key in sorted(former_keys(email)))
    # No row can stand under a key that DynamoDB does not take.
    return Question(kind, guard_key(kind, email_key(email)), tuple(filter(keys.is_storable, former)))


class Addresses:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._migration = AddressMigration(table)

    def owners(self, questions: Iterable[Question], found: Found) -> dict[Kind, int | None]:
        """Ids by kind. ``found``: what there is under the questions' keys.

        It reads on only where a guard is of schema 1, or may be.
        """
        asked = [*questions]
        found_nothing = False
        for look in range(_MOST_LOOKS):
            former = {guard for each in asked for guard in each.former_guards(found)}
            holders = self._migration.holders((guard.kind, guard.owner_id) for guard in former)
            strays = [guard for guard in former if not guard.is_in_place(holders)]
            finds_nothing = not strays and any(each.may_have_moved(found) for each in asked)
            is_settled = not strays and (found_nothing or not finds_nothing)
            if is_settled or look == _MOST_LOOKS - 1:
                break
            for guard in strays:
                self._put_right(guard, holders)
            found_nothing = finds_nothing
            found = self._table.get_many(key for each in asked for key in each.keys)
        return {each.kind: each.answer(found, holders) for each in asked}

    def _put_right(self, guard: FormerGuard, holders: Holders) -> None:
        owner = holders.get((guard.kind, guard.owner_id))
        if owner is None or owner.guard != guard.key:
            self._table.succeeds(guards.remove_former(guard.key, guard.owner_id))
            return
        # Others write to it: whoever needs the place reads and decides again.
        with suppress(WriteConflict):
            self._migration.migrate_address(owner.kind, owner.id)
