"""Sync wishes: which students Thinkific has still to be told about, and which worker is at it.

A wish is in the due index for as long as it is not fulfilled. Whoever holds its lease carries it out; the lease
ends by itself, so that a worker that died is replaced.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr, ConditionBase

from b2b.domain import timestamps
from b2b.domain.enrollment.students import SyncWish
from b2b.domain.errors import ConditionFailed, LeaseLost
from b2b.storage import keys
from b2b.storage.actions import Action, Update, delete
from b2b.storage.items import Item
from b2b.storage.table import Table

_CLOCKS_DIFFER = timedelta(seconds=1)


class Wishes:
    def __init__(self, table: Table) -> None:
        self._table = table

    def add_wish(self, student_id: int, due_at: datetime, *, bulk: bool, retry_refused: bool = False) -> Action:
        """Part of the transaction that writes what is wanted. ``due_at``: when repair looks after it.

        A wish is looked at at once, whatever an earlier one was to wait for. ``retry_refused``: what Thinkific refused
        before is tried once more, too, until the wish is fulfilled.
        """
        update = Update(keys.wish(student_id))
        if retry_refused:
            update.set(retry_refused=True)
        return (
            update.set(
                student_id=student_id,
                bulk=bulk or None,
                **{keys.DUE_PARTITION: keys.wish_shard(student_id), keys.DUE_AT: timestamps.to_text(due_at)},
            )
            .remove("attempts", "trouble", "not_before")
            .add(version=1)
            .always()
        )

    def delete_wish(self, student_id: int) -> None:
        """Of a student that is gone."""
        self._table.write(delete(keys.wish(student_id)))

    def lease(self, student_id: int, owner: str, now: datetime, until: datetime) -> SyncWish:
        """Take the wish up. Raises ConditionFailed when there is none, another worker is at it, or it is to wait.

        So a message too many does nothing, and does not multiply.
        """
        # Clocks differ a little, and the message that comes at the right time is not to be lost.
        soon = timestamps.to_text(now + _CLOCKS_DIFFER)
        waited = Attr("not_before").not_exists() | Attr("not_before").lte(soon)
        sees = Attr("blind_until").not_exists() | Attr("blind_until").lte(soon)
        ready = Attr("version").exists() & _is_free(now) & waited & sees
        action = self._leased(student_id, until).set(lease_owner=owner).when(ready)
        before = wish_from_item(self._table.write(action, returning="ALL_OLD"))
        return replace(
            before,
            lease_owner=owner,
            lease_until=until,
            due_at=until + _CLOCKS_DIFFER,
            # Taken up before and never given back: that worker may have died after any of its calls.
            abandoned=before.lease_owner is not None,
        )

    def renew_lease(self, wish: SyncWish, until: datetime) -> None:
        """Raises LeaseLost when another worker has taken over."""
        action = self._leased(wish.student_id, until).when(Attr("lease_owner").eq(wish.lease_owner))
        if not self._table.succeeds(action):
            raise LeaseLost

    def fulfil(self, wish: SyncWish) -> None:
        """Raises ConditionFailed when there is a newer wish, or the lease has been lost."""
        mine = Attr("lease_owner").eq(wish.lease_owner) & Attr("version").eq(wish.version)
        self._table.write(delete(keys.wish(wish.student_id), when=mine))

    def postpone(
        self,
        wish: SyncWish,
        not_before: datetime,
        due_at: datetime,
        *,
        attempts: int | None = None,
        trouble: str | None = None,
        blind_until: datetime | None = None,
    ) -> None:
        """Release the lease until ``not_before``; repair looks after the wish at ``due_at`` if no message does.

        ``attempts``: how many have failed by now, None = as many as before. ``trouble`` stays noted until there is
        another, or a new wish. ``blind_until``: so long not even a new wish is taken up, since Thinkific may not show
        yet what was written to it.
        """
        update = Update(keys.wish(wish.student_id)).remove("lease_owner", "lease_until")
        update.set(not_before=timestamps.to_text(not_before), **{keys.DUE_AT: timestamps.to_text(due_at)})
        if attempts is not None:
            update.set(attempts=attempts)
        if trouble is not None:
            update.set(trouble=trouble)
        if blind_until is not None:
            update.set(blind_until=timestamps.to_text(blind_until))
        # A newer wish is not to wait.
        same = Attr("lease_owner").eq(wish.lease_owner) & Attr("version").eq(wish.version)
        if not self._table.succeeds(update.when(same)):
            update = Update(keys.wish(wish.student_id)).remove("lease_owner", "lease_until")
            if blind_until is not None:
                update.set(blind_until=timestamps.to_text(blind_until))
            self._table.succeeds(update.when(Attr("lease_owner").eq(wish.lease_owner)))

    def due(self, now: datetime, *, limit: int) -> list[int]:
        """Ids of some ``limit`` students whose wish should have been fulfilled by now, as many of each shard."""
        shards = keys.wish_shards()
        rows = [
            row
            for shard in shards
            for row in self._table.due(shard, timestamps.to_text(now), limit=math.ceil(limit / len(shards)))
        ]
        return [int(row[keys.PARTITION].removeprefix("STUDENT#")) for row in rows]

    def count(self) -> int:
        """How many students are waiting for the sync."""
        return sum(self._table.count_due(shard) for shard in keys.wish_shards())

    def longest_due(self, limit: int) -> list[SyncWish]:
        """Those that have been due for longest in each shard, at most ``limit`` of it."""
        rows = [row for shard in keys.wish_shards() for row in self._table.due(shard, keys.LAST, limit=limit)]
        found = self._table.get_many(keys.Key(row[keys.PARTITION], row[keys.SORT]) for row in rows)
        return [wish_from_item(item) for item in found.values()]

    def claim_due(self, student_id: int, now: datetime, *, until: datetime, bulk_until: datetime) -> SyncWish | None:
        """Claim a due wish, so that two runs of the repair do not both enqueue it."""
        key, moment = keys.wish(student_id), timestamps.to_text(until)
        is_due = Attr("version").exists() & Attr(keys.DUE_AT).lte(timestamps.to_text(now))
        try:
            claim = Update(key).set(**{keys.DUE_AT: moment}).when(is_due)
            wish = wish_from_item(self._table.write(claim, returning="ALL_NEW"))
        except ConditionFailed:
            return None
        if wish.bulk:
            longer = Update(key).set(**{keys.DUE_AT: timestamps.to_text(bulk_until)})
            self._table.succeeds(longer.when(Attr(keys.DUE_AT).eq(moment)))
        return wish

    def _leased(self, student_id: int, until: datetime) -> Update:
        # Should the worker die, repair looks after the wish when the lease has ended by every clock.
        due_at = timestamps.to_text(until + _CLOCKS_DIFFER)
        return Update(keys.wish(student_id)).set(lease_until=timestamps.to_text(until), **{keys.DUE_AT: due_at})


def _is_free(now: datetime) -> ConditionBase:
    """No worker holds the lease."""
    return Attr("lease_until").not_exists() | Attr("lease_until").lt(timestamps.to_text(now))


def wish_from_item(item: Item) -> SyncWish:
    return SyncWish(
        student_id=item["student_id"],
        version=item["version"],
        attempts=item.get("attempts", 0),
        trouble=item.get("trouble"),
        lease_owner=item.get("lease_owner"),
        lease_until=timestamps.optional_moment(item.get("lease_until")),
        bulk=item.get("bulk", False),
        retry_refused=item.get("retry_refused", False),
        due_at=timestamps.from_text(item[keys.DUE_AT]),
    )
