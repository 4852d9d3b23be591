"""Students with their users, enrollments and wish: one partition each, read in one query."""

from collections.abc import Iterable

from boto3.dynamodb.conditions import Attr

from b2b.domain import timestamps
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import Account, Association, Student, StudentRecord
from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.actions import ABSENT, EXISTS, Action, Update, check, delete, put
from b2b.storage.enrollment.enrollments import enrollment_from_item, without_thinkific
from b2b.storage.enrollment.wishes import wish_from_item
from b2b.storage.identity import guards
from b2b.storage.items import Item
from b2b.storage.keys import SortRange
from b2b.storage.table import Table


class Students:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get_record(self, student_id: int) -> StudentRecord | None:
        return _record(self._table.query(keys.student_partition(student_id), keys.WHOLE_STUDENT))

    def get_remains(self, student_id: int) -> tuple[list[Association], list[Enrollment]]:
        """What is left of a student that was removed."""
        rows = self._table.query(keys.student_partition(student_id), keys.WHOLE_STUDENT)
        return (
            [_association(row) for row in rows if row[keys.SORT].startswith("B#")],
            [enrollment_from_item(row) for row in rows if row[keys.SORT].startswith("C#")],
        )

    def ids_of_user(self, user_id: int, *, after: int, limit: int) -> list[int]:
        """Students of a user behind the id ``after``, ascending, at most ``limit``."""
        first, last = keys.user_student(user_id, after + 1).sk, keys.USER_STUDENTS.last
        rows = self._table.query_some(keys.user_partition(user_id), SortRange(first, last), limit)
        return [row["student_id"] for row in rows]

    def get_each_record(self, student_ids: Iterable[int]) -> list[StudentRecord]:
        partitions = [keys.student_partition(student_id) for student_id in student_ids]
        records = [_record(rows) for rows in self._table.query_each(partitions, keys.WHOLE_STUDENT)]
        return [record for record in records if record is not None]

    def account(self, thinkific_id: int) -> Account:
        """Which student has that account in Thinkific."""
        guard = self._table.get(keys.account(thinkific_id))
        if guard is None:
            return Account(thinkific_id, None, None)
        item = self._table.get(keys.student(guard["owner_id"]))
        student = _from_item(item) if item else None
        is_linked = student is not None and student.thinkific_id == thinkific_id
        return Account(thinkific_id, guard["owner_id"], student if is_linked else None)

    # Members of transactions.

    def add_student(self, student: Student) -> list[Action]:
        """The new student with its guard, by which no e-mail is used twice."""
        return [
            guards.claim(Kind.STUDENTS, student),
            put(keys.student(student.id), _item(student), when=ABSENT),
        ]

    def change_student(self, before: Student, after: Student, *, joins: bool = False) -> list[Action]:
        """Names, e-mail and the version of the wish for them. Refused when they changed meanwhile.

        ``joins``: the same transaction brings the student under a user.
        """
        update = Update(keys.student(before.id)).set(
            first_name=after.first_name,
            last_name=after.last_name,
            email=after.email,
            version=after.version,
            profile_error=after.profile_error,
            updated_at=timestamps.to_text(after.updated_at),
        )
        if joins:
            update.add(memberships=1)
        moves = guards.change_address(Kind.STUDENTS, before, after, update)
        return [update.when(EXISTS & Attr("version").eq(before.version)), *moves]

    def student_must_exist(self, student_id: int, *, joins: bool = False) -> Action:
        """Guards against a delete while others write to the student. ``joins``: as with ``change_student``."""
        if joins:
            return Update(keys.student(student_id)).add(memberships=1).when(EXISTS)
        return check(keys.student(student_id), EXISTS)

    def associate(self, association: Association) -> list[Action]:
        """Both sides of the association. Refused when there is one."""
        item = _association_item(association)
        user_id, student_id = association.user_id, association.student_id
        return [
            put(keys.student_user(student_id, user_id), item, when=ABSENT),
            put(keys.user_student(user_id, student_id), item, when=ABSENT),
        ]

    def dissociate(self, association: Association) -> list[Action]:
        """Both sides. Refused when the association is gone, or something has been built on it meanwhile."""
        user_id, student_id = association.user_id, association.student_id
        return [
            delete(keys.student_user(student_id, user_id), when=Attr("version").eq(association.version)),
            delete(keys.user_student(user_id, student_id)),
        ]

    def association_must_exist(self, user_id: int, student_id: int) -> Action:
        """Part of whatever relies on the association: it and a dissociation at the same time exclude each other."""
        return Update(keys.student_user(student_id, user_id)).add(version=1).when(EXISTS)

    def remove(self, student: Student) -> list[Action]:
        """The student itself and its guard, not what hangs on it.

        Refused when it changed or came under another user meanwhile: that user may be a reason to keep it.
        """
        joined = Attr("memberships")
        unshared = joined.eq(student.memberships) if student.memberships else joined.not_exists()
        return [
            delete(keys.student(student.id), when=EXISTS & Attr("version").eq(student.version) & unshared),
            *guards.release(Kind.STUDENTS, student),
        ]

    def claim_account(self, account: Account, student_id: int) -> Action:
        """The account is the student's from now on. Refused when another took it since it was read."""
        unchanged = ABSENT if account.owner_id is None else Attr("owner_id").eq(account.owner_id)
        return Update(keys.account(account.thinkific_id), may_create=True).set(owner_id=student_id).when(unchanged)

    def account_link(
        self,
        student: Student,
        thinkific_id: int,
        *,
        newly_created: bool = False,
        if_unchanged: bool = False,
        joins: bool = False,
    ) -> Action:
        """Part of a transaction: as ``link``; ``if_unchanged`` refuses when name or e-mail changed meanwhile.

        ``joins``: as with ``change_student``.
        """
        update = (
            Update(keys.student(student.id))
            .set(thinkific_id=thinkific_id, newly_created=newly_created or None, confirmed_version=student.version)
            .remove("profile_error", "email_before_stand_in")
        )
        if joins:
            update.add(memberships=1)
        return update.when(EXISTS & Attr("version").eq(student.version) if if_unchanged else EXISTS)

    # What the sync learns. Each is a write of its own; a student deleted meanwhile stays deleted.

    def link(self, student: Student, account: Account, *, newly_created: bool) -> None:
        """The student's user in Thinkific, which has the name and e-mail of ``student.version`` or its own.

        Refused when another student took it since ``account`` was read.
        """
        linked = self.account_link(student, account.thinkific_id, newly_created=newly_created)
        self._table.write_together([linked, self.claim_account(account, student.id)])

    def clear_newly_created(self, student_id: int) -> None:
        """The student is no longer newly created in Thinkific."""
        self._table.succeeds(Update(keys.student(student_id)).remove("newly_created").when(EXISTS))

    def unlink_account(self, record: StudentRecord) -> None:
        """Thinkific does not know the stored ids any more: all of the student's wishes are open again."""
        student_id = record.student.id
        for association in record.associations:
            key = keys.student_user(student_id, association.user_id)
            self._table.succeeds(Update(key).remove("in_group", "group_error").when(EXISTS))
        for enrollment in record.enrollments:
            key = keys.enrollment(student_id, enrollment.product_id)
            self._table.succeeds(without_thinkific(Update(key)).set(confirmed_version=0).when(EXISTS))
        # Last, so that whoever dies before it leaves an id for the next to stumble over.
        lost = ("thinkific_id", "newly_created", "profile_error", "email_before_stand_in")
        self._table.write(Update(keys.student(student_id)).remove(*lost).set(confirmed_version=0).when(EXISTS))


def _record(rows: list[Item]) -> StudentRecord | None:
    if not rows or rows[0][keys.SORT] != "A#STUDENT":
        return None
    student = _from_item(rows[0])
    return StudentRecord(
        student=student,
        associations=tuple(_association(row) for row in rows if row[keys.SORT].startswith("B#")),
        enrollments=tuple(enrollment_from_item(row) for row in rows if row[keys.SORT].startswith("C#")),
        wish=next((wish_from_item(row) for row in rows if row[keys.SORT] == "SYNC"), None),
    )


def _item(student: Student) -> Item:
    return {
        "id": student.id,
        "first_name": student.first_name,
        "last_name": student.last_name,
        "email": student.email,
        "thinkific_id": student.thinkific_id,
        "version": student.version,
        "confirmed_version": student.confirmed_version,
        "created_at": timestamps.to_text(student.created_at),
        "updated_at": timestamps.to_text(student.updated_at),
        keys.LIST_PARTITION: Kind.STUDENTS,
        keys.LIST_SORT: keys.padded(student.id),
    }


def _from_item(item: Item) -> Student:
    return Student(
        id=item["id"],
        first_name=item["first_name"],
        last_name=item["last_name"],
        email=item["email"],
        email_holding=guards.holding_of(item),
        thinkific_id=item.get("thinkific_id"),
        newly_created=item.get("newly_created", False),
        version=item["version"],
        confirmed_version=item["confirmed_version"],
        profile_error=item.get("profile_error"),
        retry_at=timestamps.optional_moment(item.get(keys.DUE_AT)),
        email_before_stand_in=item.get("email_before_stand_in"),
        memberships=item.get("memberships", 0),
        created_at=timestamps.from_text(item["created_at"]),
        updated_at=timestamps.from_text(item["updated_at"]),
    )


def _association_item(association: Association) -> Item:
    return {
        "user_id": association.user_id,
        "student_id": association.student_id,
        "version": association.version,
        "group_name": association.group_name,
        "in_group": association.in_group or None,
        "created_at": timestamps.to_text(association.created_at),
    }


def _association(item: Item) -> Association:
    return Association(
        user_id=item["user_id"],
        student_id=item["student_id"],
        version=item["version"],
        group_name=item.get("group_name"),
        in_group=item.get("in_group", False),
        group_error=item.get("group_error"),
        created_at=timestamps.from_text(item["created_at"]),
    )
