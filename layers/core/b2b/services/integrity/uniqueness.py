"""Mending what must be unique, where a guard and the records that it is about contradict each other.

The records decide who has an address, a user in Thinkific, a token id or a course; a guard only says so.
"""

from functools import partial
from typing import TYPE_CHECKING

from b2b.domain.errors import NeedsAPerson, WriteConflict
from b2b.domain.timestamps import Clock, utc_now
from b2b.services.contention import retry_conflicts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from b2b.storage.integrity.claims import Breach
    from b2b.storage.integrity.uniqueness import Uniqueness
    from b2b.storage.keys import Key
    from b2b.storage.store import Store

# A guard that is held for its oldest owner again may turn out to be another record's too.
_MOST_STEPS = 3


class UniquenessService:
    def __init__(self, store: "Store", uniqueness: "Uniqueness", clock: Clock = utc_now) -> None:
        self._store = store
        self._uniqueness = uniqueness
        self._clock = clock

    def find_breach(self, guard: "Key", records: "Iterable[Key]") -> "Breach | None":
        """What is wrong with the guard; None also while others keep writing to it.

        ``records``: those that may have what it guards.
        """
        try:
            return self._uniqueness.find_breach(guard, records)
        except WriteConflict:
            return None

    def confirmed(self, found: "Iterable[Breach]") -> "list[Breach]":
        """Those of ``found`` that are still there."""
        return [each for each in sorted(found, key=str) if self.find_breach(each.guard, each.records) == each]

    def mend(self, breach: "Breach") -> None:
        """Makes guard and records agree where they still do not.

        Raises NeedsAPerson where two records have the same, and TooManyRequests when others keep writing to them.
        """
        for _ in range(_MOST_STEPS):
            if not retry_conflicts(partial(self._take_step, breach)):
                break
        for pair in self._store.address_migration.shared_addresses():
            if pair.younger_key in breach.owners:
                raise NeedsAPerson(str(pair))

    def _take_step(self, breach: "Breach") -> bool:
        """Whether there was anything to mend."""
        found = self._uniqueness.find_breach(breach.guard, breach.records)
        if found is None:
            return False
        if found.advice is not None:
            raise NeedsAPerson(found.advice)
        self._uniqueness.mend(found, self._clock())
        return True
