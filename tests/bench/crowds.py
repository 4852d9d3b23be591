"""A table with many students, written as storage writes them, only faster.

They are spread over ten clients and are in one course, with a seat each: a client's partition grows as the list does.
(One client with all of them would have the emulator take seconds for each look at that partition.)
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from tests.emulated import Emulated
from tests.integration.round_trips import Office

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import Association, Student
from b2b.domain.identity.users import User
from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.actions import Update

_THREADS = 4
_ROWS_IN_ONE_WRITE = 25  # BatchWriteItem's limit
_COURSES = 3
_CLIENTS = 10

RawItem = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Crowd:
    """``students`` with the ids 1, 2, ...; a tenth of them is under ``client``."""

    desk: Office
    secret: str
    client: User
    courses: list[Product]
    students: int


def seed_crowd(school: Emulated, students: int, on_rows: Callable[[int], None] = lambda _: None) -> Crowd:
    """``on_rows`` is told how many rows are written so far."""
    desk = Office(school)
    admin = desk.add_user("admin@example.com")
    clients = [desk.add_user(f"client-{number}@example.com") for number in range(_CLIENTS)]
    courses = desk.add_courses(_COURSES)
    for client, course in itertools.product(clients, courses):
        desk.grant(client, course, None)
    _, secret = desk.tokens.create("bench", user_id=admin.id)
    _write(school, _rows(desk, clients, courses[0], students), on_rows)
    _count(desk, clients, courses[0], students)
    return Crowd(desk, secret, clients[0], courses, students)


def _client_of(clients: Sequence[User], student_id: int) -> User:
    return clients[student_id % len(clients)]


def _rows(desk: Office, clients: Sequence[User], course: Product, students: int) -> Iterator[RawItem]:
    store, now = desk.store, datetime.now(UTC)
    for student_id in range(1, students + 1):
        client = _client_of(clients, student_id)
        student = Student(
            id=student_id,
            first_name="Ada",
            last_name="Lovelace",
            email=f"pupil-{student_id}@example.com",
            thinkific_id=10_000_000 + student_id,
            created_at=now,
            updated_at=now,
        )
        association = Association(user_id=client.id, student_id=student_id, created_at=now)
        enrollment = Enrollment(
            student_id=student_id,
            product_id=course.id,
            productable_id=course.productable_id,
            productable_type=course.productable_type,
            version=1,
            activated_at=now,
            expiry_date=None,
            seat_holders=frozenset({client.id}),
            created_at=now,
            updated_at=now,
        )
        seat, _ = store.users.take_seat(client.id, course.id, student_id, now)
        actions = [*store.students.add_student(student), *store.students.associate(association)]
        for action in (*actions, store.enrollments.enroll(enrollment), seat):
            yield action.arguments["Item"]


def _count(desk: Office, clients: Sequence[User], course: Product, students: int) -> None:
    """Every counter as if the rows had come one by one."""
    table = desk.table
    table.write(Update(keys.last_id(Kind.STUDENTS)).add(last=students).always())
    seats = Counter(_client_of(clients, student_id).id for student_id in range(1, students + 1))
    for client_id, count in seats.items():
        for key in (keys.user(client_id), keys.grant(client_id, course.id)):
            table.write(Update(key).add(seats_used=count, seat_writes=count).always())
    for shard in range(keys.TOTAL_SHARDS):
        counted = len(range(shard or keys.TOTAL_SHARDS, students + 1, keys.TOTAL_SHARDS))
        table.write(Update(keys.total(Kind.STUDENTS, shard)).add(records=counted, writes=counted).always())


def _write(school: Emulated, rows: Iterator[RawItem], on_rows: Callable[[int], None]) -> None:
    written = 0

    def write(batch: Sequence[RawItem]) -> int:
        requests = {school.resources.table_name: [{"PutRequest": {"Item": row}} for row in batch]}
        answer = school.dynamodb.batch_write_item(RequestItems=requests)
        assert not answer.get("UnprocessedItems")
        return len(batch)

    with ThreadPoolExecutor(_THREADS) as pool:
        # A few hundred batches at a time: the pool would make them all before the first is written.
        while batches := list(islice(iter(lambda: list(islice(rows, _ROWS_IN_ONE_WRITE)), []), 200)):
            written += sum(pool.map(write, batches))
            on_rows(written)
