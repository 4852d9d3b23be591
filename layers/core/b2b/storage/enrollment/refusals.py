"""What Thinkific refuses of students beside enrollments: their names, e-mails and groups, and when to try again.

A student of whom something is refused is in the due index by the moment of the next try.
"""

from datetime import datetime

from boto3.dynamodb.conditions import Attr

from b2b.domain import timestamps
from b2b.domain.enrollment.students import Association, Student
from b2b.domain.errors import ConditionFailed
from b2b.storage import keys
from b2b.storage.actions import EXISTS, Action, Update, delete
from b2b.storage.table import Table

_ALL = 100_000


class Refusals:
    def __init__(self, table: Table) -> None:
        self._table = table

    # What the sync learns. A student or an association that is gone by now stays gone.

    def accept_profile(self, student: Student) -> None:
        """Thinkific has the name and e-mail of ``student.version``."""
        update = Update(keys.student(student.id)).set(confirmed_version=student.version)
        self._table.write(update.remove("profile_error", "email_before_stand_in").when(EXISTS))

    def refuse_profile(self, student: Student, reason: str, retry_at: datetime) -> None:
        """Thinkific refuses the name or e-mail of ``student.version``, or an account with them.

        A reason stays out where another name or e-mail is wanted by now.
        """
        update = _marked(student.id, retry_at).set(confirmed_version=student.version, profile_error=reason)
        self._table.succeeds(update.when(Attr("version").eq(student.version)))

    def accept_group(self, association: Association) -> None:
        self._table.succeeds(_side(association).set(in_group=True).remove("group_error").when(EXISTS))

    def refuse_group(self, association: Association, reason: str, retry_at: datetime) -> None:
        refused = _side(association).set(group_error=reason).when(EXISTS)
        try:
            self._table.write_together([refused, _marked(association.student_id, retry_at).when(EXISTS)])
        except ConditionFailed:
            return

    def begin_stand_in(self, student: Student, email_before: str) -> None:
        """The account is about to make way for another student's."""
        self._table.write(Update(keys.student(student.id)).set(email_before_stand_in=email_before).when(EXISTS))

    def end_stand_in(self, student: Student) -> None:
        self._table.succeeds(Update(keys.student(student.id)).remove("email_before_stand_in").when(EXISTS))

    # When it is tried again

    def mark(self, student_id: int, retry_at: datetime | None) -> None:
        """None: nothing is refused any more."""
        self._table.succeeds(_marked(student_id, retry_at).when(EXISTS))

    def due(self, now: datetime, *, limit: int) -> list[int]:
        """Students to be tried again by now, some ``limit`` of all shards together."""
        share = -(-limit // keys.DUE_SHARDS)
        shards = (self._table.due(shard, timestamps.to_text(now), limit=share) for shard in keys.refused_shards())
        return [keys.student_id(row[keys.PARTITION]) for rows in shards for row in rows]

    def claim_due(self, student_id: int, now: datetime, until: datetime) -> bool:
        """Claim a try that is due, so that two runs do not both make it."""
        is_due = Attr(keys.DUE_AT).lte(timestamps.to_text(now))
        return self._table.succeeds(_marked(student_id, until).when(EXISTS & is_due))

    def count(self) -> int:
        """How many students it concerns (eventually consistent)."""
        return sum(self._table.count_due(shard) for shard in keys.refused_shards())

    def ids(self) -> list[int]:
        """Whom it concerns, ascending (eventually consistent)."""
        shards = (self._table.due(shard, keys.LAST, limit=_ALL) for shard in keys.refused_shards())
        return sorted(keys.student_id(row[keys.PARTITION]) for rows in shards for row in rows)

    def rename_group(self, association: Association, name: str) -> Action:
        """Part of a transaction: the group that refused the student is not the one to try. Refused when it is in."""
        return _side(association).set(group_name=name).when(EXISTS & Attr("in_group").not_exists())

    # Who waits for whom

    def join_waiting_list(self, thinkific_id: int, student_id: int) -> None:
        """The student is to have the e-mail of that account in Thinkific."""
        self._table.write(Update(keys.waiting_list(thinkific_id)).add(student_ids={student_id}).always())

    def waiting_list(self, thinkific_id: int) -> frozenset[int]:
        item = self._table.get(keys.waiting_list(thinkific_id))
        return frozenset(item["student_ids"]) if item else frozenset()

    def drop_waiting_list(self, thinkific_id: int, student_ids: frozenset[int]) -> None:
        """Unless others than ``student_ids`` have joined it."""
        same = Attr("student_ids").eq({*student_ids})
        self._table.succeeds(delete(keys.waiting_list(thinkific_id), when=same))


def _side(association: Association) -> Update:
    """The student's side of the association, which is the one that tells of the group."""
    return Update(keys.student_user(association.student_id, association.user_id))


def _marked(student_id: int, retry_at: datetime | None) -> Update:
    shard = keys.refused_shard(student_id) if retry_at is not None else None
    place = {keys.DUE_PARTITION: shard, keys.DUE_AT: timestamps.optional_text(retry_at)}
    return Update(keys.student(student_id)).set(**place)
