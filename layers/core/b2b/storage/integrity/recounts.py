"""Counters beside the rows they count, and how far the scheduled recount is."""

from collections import Counter

from boto3.dynamodb.conditions import Attr, ConditionBase

from b2b.domain import timestamps
from b2b.domain.integrity.recount import RecountProgress, SeatsDrift, StudentsDrift, UserCounts
from b2b.storage import keys
from b2b.storage.actions import EXISTS, Update, put
from b2b.storage.table import Table


class Recounts:
    def __init__(self, table: Table) -> None:
        self._table = table

    def counted(self, user_id: int) -> UserCounts | None:
        """What the counters of a user and its grants say; None where there is no such user."""
        rows = self._table.query(keys.user_partition(user_id), keys.USER_WITH_GRANTS)
        if not rows or rows[0][keys.SORT] != keys.user(user_id).sk:
            return None
        user, *grants = rows
        return UserCounts(
            students=user.get("seats_used", 0),
            seats={grant["product_id"]: grant.get("seats_used", 0) for grant in grants},
            writes=sum(row.get("seat_writes", 0) for row in rows),
        )

    def found(self, user_id: int) -> UserCounts:
        """What the rows say."""
        partition = keys.user_partition(user_id)
        seats = Counter(map(keys.product_of_seat, self._table.sort_keys(partition, keys.USER_SEATS)))
        return UserCounts(students=self._table.count(partition, keys.USER_STUDENTS), seats=seats)

    def correct_students(self, drift: StudentsDrift) -> bool:
        """False: the counter has moved since it was read."""
        return self._correct(Update(keys.user(drift.user_id)), drift.counted, drift.found)

    def correct_seats(self, drift: SeatsDrift) -> bool:
        """False: the counter has moved since it was read."""
        key = keys.grant(drift.user_id, drift.product_id)
        if drift.counted == 0:
            # Rows of a product that the user was never granted, and whose counter got lost.
            update = Update(key, may_create=True).set_if_absent(user_id=drift.user_id, product_id=drift.product_id)
            unused = Attr("seats_used").not_exists() | Attr("seats_used").eq(0)
            return self._table.succeeds(update.set(seats_used=drift.found).when(unused))
        return self._correct(Update(key), drift.counted, drift.found)

    def _correct(self, update: Update, counted: int, found: int) -> bool:
        is_still: ConditionBase = Attr("seats_used").eq(counted)
        if counted == 0:
            is_still = is_still | Attr("seats_used").not_exists()
        return self._table.succeeds(update.set(seats_used=found).when(EXISTS & is_still))

    def progress(self) -> RecountProgress:
        item = self._table.get(keys.RECOUNT)
        if item is None:
            return RecountProgress()
        finished_at = item.get("finished_at")
        return RecountProgress(
            after=item["after"],
            finished_at=timestamps.from_text(finished_at) if finished_at else None,
        )

    def save_progress(self, progress: RecountProgress) -> None:
        item = {"after": progress.after, "finished_at": timestamps.optional_text(progress.finished_at)}
        self._table.write(put(keys.RECOUNT, item))
