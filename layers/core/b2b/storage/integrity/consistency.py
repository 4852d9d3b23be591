"""The rows of users that repeat what students' own rows say, read and written one by one."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from boto3.dynamodb.conditions import Attr

from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.integrity.consistency import UserRows
from b2b.storage import keys
from b2b.storage.actions import ABSENT, EXISTS, Action, check, delete, put
from b2b.storage.keys import Key
from b2b.storage.table import Table

_ROWS_IN_ONE_LOOK = 100

Row = TypeVar("Row")


class Consistency:
    def __init__(self, table: Table) -> None:
        self._table = table

    def stray_rows(self, user_id: int) -> Iterator[tuple[int, int | None]]:
        """Student and product of each seat row that no enrollment knows, and student and None of each list entry whose
        student does not know of it, or does not exist.
        """
        partition = keys.user_partition(user_id)
        listed = map(keys.student_of_user_row, self._table.sort_keys(partition, keys.USER_STUDENTS))
        for chunk in _chunks(listed):
            wanted = {each: {keys.student(each), keys.student_user(each, user_id)} for each in chunk}
            found = self._table.get_many(key for pair in wanted.values() for key in pair)
            yield from ((each, None) for each, pair in wanted.items() if not pair <= found.keys())
        seats = map(keys.place_of_seat, self._table.sort_keys(partition, keys.USER_SEATS))
        for places in _chunks(seats):
            items = self._table.get_many(keys.enrollment(student_id, product_id) for product_id, student_id in places)
            for product_id, student_id in places:
                holders = items.get(keys.enrollment(student_id, product_id), {}).get("seat_holders", ())
                if user_id not in holders:
                    yield student_id, product_id

    def rows(self, student_id: int, user_ids: Iterable[int], product_ids: Iterable[int]) -> UserRows:
        """What these users' partitions say of the student and these products."""
        users, products = [*user_ids], [*product_ids]
        listed = {keys.user_student(user_id, student_id): user_id for user_id in users}
        seats = {
            keys.seat(user_id, product_id, student_id): (user_id, product_id)
            for user_id in users
            for product_id in products
        }
        found = self._table.get_many([*listed, *seats])
        return UserRows(
            listed_by=frozenset(user_id for key, user_id in listed.items() if key in found),
            seats=frozenset(pair for key, pair in seats.items() if key in found),
        )

    # Members of transactions. The counters are left to the recount that follows.

    def enrollment_unchanged(self, enrollment: Enrollment) -> Action:
        key = keys.enrollment(enrollment.student_id, enrollment.product_id)
        return check(key, Attr("revision").eq(enrollment.revision))

    def enrollment_absent(self, student_id: int, product_id: int) -> Action:
        return check(keys.enrollment(student_id, product_id), ABSENT)

    def put_seat_row(self, user_id: int, product_id: int, student_id: int) -> Action:
        row = {"user_id": user_id, "product_id": product_id, "student_id": student_id}
        return put(keys.seat(user_id, product_id, student_id), row, when=ABSENT)

    def delete_seat_row(self, user_id: int, product_id: int, student_id: int) -> Action:
        return delete(keys.seat(user_id, product_id, student_id), when=EXISTS)

    def copy_to_user(self, user_id: int, student_id: int) -> None:
        """The association as the student has it."""
        self._copy(keys.student_user(student_id, user_id), keys.user_student(user_id, student_id))

    def copy_to_student(self, user_id: int, student_id: int) -> None:
        """The association as the user has it."""
        self._copy(keys.user_student(user_id, student_id), keys.student_user(student_id, user_id))

    def delete_from_user(self, user_id: int, student_id: int) -> None:
        self._table.succeeds(delete(keys.user_student(user_id, student_id)))

    def delete_from_student(self, user_id: int, student_id: int) -> None:
        self._table.succeeds(delete(keys.student_user(student_id, user_id)))

    def _copy(self, source: Key, target: Key) -> None:
        item = self._table.get(source)
        if item is not None:
            self._table.transact([check(source, EXISTS), put(target, item, when=ABSENT)])


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while chunk := [*islice(remaining, _ROWS_IN_ONE_LOOK)]:
        yield chunk
