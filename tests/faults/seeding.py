"""Many enrollments that are due, written as storage writes them, only faster: rows of a kind differ by their ids."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from tests.emulated import Emulated
from tests.integration.desk import Desk, reference

from b2b.domain.catalogue.products import Product, ProductableType
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.identity.users import GrantTerms
from b2b.storage import keys
from b2b.storage.actions import Update, put
from b2b.storage.enrollment.enrollments import Enrollments

USERS = 20
_THREADS = 4
_ROWS_IN_ONE_WRITE = 25  # BatchWriteItem's limit

RawItem = dict[str, Any]


@dataclass(frozen=True)
class DueSchool:
    """``rows`` enrollments that have ended, half of them in ``reusable``; each takes a seat of one of ``users``."""

    rows: int
    users: list[int]
    reusable: Product
    used_up: Product

    @property
    def students(self) -> range:
        return range(1, self.rows // 2 + 1)

    def students_of(self, user_id: int) -> int:
        return sum(1 for student_id in self.students if self.user_of(student_id) == user_id)

    def user_of(self, student_id: int) -> int:
        return self.users[student_id % len(self.users)]


def seed_due(school: Emulated, rows: int) -> DueSchool:
    """Of each student two enrollments that ended yesterday, with their seats and the counters of these."""
    desk = Desk(school)
    reusable, used_up = desk.add_courses(2)
    users = [desk.add_user(f"client{number}@example.com").id for number in range(USERS)]
    due = DueSchool(rows, users, reusable, used_up)
    for user_id in users:
        for product in (reusable, used_up):
            terms = GrantTerms(active=True, enrollment_days=1, reusable=product is reusable)
            desk.users.set_access(user_id, reference(product), terms, None)
            counted = Update(keys.grant(user_id, product.id)).add(seats_used=due.students_of(user_id))
            desk.table.write(counted.always())
    _write(school, _raw_items(due))
    return due


def _raw_items(due: DueSchool) -> Iterator[RawItem]:
    for product in (due.reusable, due.used_up):
        enrollment = _Mould(product)
        for student_id in due.students:
            user_id = due.user_of(student_id)
            yield enrollment.cast(student_id, user_id)
            yield put(keys.seat(user_id, product.id, student_id), {}).arguments["Item"]


class _Mould:
    def __init__(self, product: Product) -> None:
        self._product = product
        rows = Enrollments(None)  # type: ignore[arg-type] # a table is not asked for the making of a row
        self._made: RawItem = rows.enroll(self._enrollment(0, 0)).arguments["Item"]

    def cast(self, student_id: int, user_id: int) -> RawItem:
        key = keys.enrollment(student_id, self._product.id)
        return self._made | {
            keys.PARTITION: {"S": key.pk},
            keys.DUE_PARTITION: {"S": keys.expiry_shard(student_id)},
            "student_id": {"N": str(student_id)},
            "seat_holders": {"NS": [str(user_id)]},
        }

    def _enrollment(self, student_id: int, user_id: int) -> Enrollment:
        began = datetime(2026, 1, 1, tzinfo=UTC)
        return Enrollment(
            student_id=student_id,
            product_id=self._product.id,
            productable_id=self._product.productable_id,
            productable_type=ProductableType.COURSE,
            version=1,
            confirmed_version=1,
            activated_at=began,
            expiry_date=began + timedelta(days=1),
            seat_holders=frozenset({user_id}),
            created_at=began,
            updated_at=began,
        )


def _write(school: Emulated, items: Iterator[RawItem]) -> None:
    def write(batch: Sequence[RawItem]) -> None:
        requests = {school.resources.table_name: [{"PutRequest": {"Item": item}} for item in batch]}
        answer = school.dynamodb.batch_write_item(RequestItems=requests)
        assert not answer.get("UnprocessedItems")

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(write, iter(lambda: list(islice(items, _ROWS_IN_ONE_WRITE)), [])))
