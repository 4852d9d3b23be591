"""A school's services as the functions have them, and the few records that most tests start from."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property

from tests.emulated import Emulated
from tests.integration.queued import asked_for

from b2b.domain.catalogue.products import Product, ProductableType, ProductReference
from b2b.domain.identity.users import GrantTerms, User
from b2b.domain.kinds import Kind
from b2b.domain.work.budget import Budget
from b2b.domain.work.operations import Operation, OperationType
from b2b.gateways.thinkific import FixedKey, Thinkific, http_client
from b2b.services.enrollment.expiries import ExpiryRunner
from b2b.services.enrollment.removals import StudentDelete
from b2b.services.enrollment.students import Enrolling, Names
from b2b.services.enrollment.user_removal import UserDelete
from b2b.services.identity.users import UserFields
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker, Runner
from b2b.storage.work.budget import BudgetItem
from b2b.wiring.api import ApiServices
from b2b.wiring.commands import CommandServices
from b2b.wiring.messages import Messages
from b2b.wiring.records import Records
from b2b.wiring.schedules import ScheduleServices
from b2b.wiring.thinkific import Upstream

NAMES = Names(first_name="Ada", last_name="Lovelace")
TERMS = GrantTerms(active=True, enrollment_days=0)


class Desk:
    """The product's own wiring over one emulated school."""

    def __init__(self, school: Emulated) -> None:
        self.school = school
        self.table, self.queues = school.table, school.queues
        records, messages = Records(school.table), Messages(lambda: school.queues)
        self.store, self.notifier = records.store, messages.notifier
        self.api = api = ApiServices(records, messages)
        self.users, self.tokens, self.products = api.users, api.tokens, api.products
        self.students, self.expiries, self.groups = api.students, api.expiries, api.groups
        self.removals, self.user_removal = api.removals, api.user_removal
        self.operations, self.idempotency, self.settings = api.operations, api.idempotency, api.settings
        schedules = ScheduleServices(records, messages)
        self.repair, self.refusals, self.sweep = schedules.repair, schedules.refusals, schedules.sweep
        commands = CommandServices(api, Upstream({}, school.table))
        self.recount, self.consistency, self.uniqueness = commands.recount, commands.consistency, commands.uniqueness

    def add_user(self, email: str, *, max_seats: int | None = None) -> User:
        return self.users.create(email, UserFields(max_seats=max_seats)).user

    def add_courses(self, count: int) -> list[Product]:
        """Courses 1, 2, ... with the product ids 1001, 1002, ..."""
        now = datetime.now(UTC)
        courses = [
            Product(
                id=1000 + number,
                productable_id=number,
                productable_type=ProductableType.COURSE,
                name=f"Course {number}",
                status="published",
                slug=f"course-{number}",
                created_at=now,
                updated_at=now,
            )
            for number in range(1, count + 1)
        ]
        for course in courses:
            counted = self.store.counters.count(Kind.PRODUCTS, course.id, +1)
            self.store.transact([*self.store.products.save(course, None), counted])
        return courses

    def add_student(self, email: str, user: User, courses: Sequence[Product] = ()) -> int:
        """The student's id."""
        view, _ = self.students.upsert(email, NAMES, enrolling(user, courses))
        return view.student.id

    def grant(self, user: User, course: Product, seats: int | None) -> None:
        self.users.set_access(user.id, reference(course), TERMS, seats)

    @cached_property
    def operation_worker(self) -> OperationWorker:
        # No setting says that anything is to be deleted there, and no expiry waits for this worker's own calls.
        thinkific = Thinkific(
            http_client("http://127.0.0.1:9", subdomain="none"),
            Budget(BudgetItem(self.table), rate=1, now=time.time),
            FixedKey("none"),
        )
        runners: dict[OperationType, Runner] = {
            OperationType.EXPIRY_CHANGE: ExpiryRunner(self.store, self.notifier),
            OperationType.STUDENT_DELETE: StudentDelete(self.store, self.removals, thinkific, self.refusals),
            OperationType.USER_DELETE: UserDelete(self.store, self.user_removal, thinkific, self.refusals),
        }
        return OperationWorker(self.store, self.notifier, runners, lambda: None)

    def advance(self, operation_id: str) -> AdvanceOutcome:
        return self.operation_worker.advance(operation_id, lambda: 60.0)

    def finish_removals(self) -> None:
        """What the worker does after the answers to deletes."""
        for operation_id in asked_for(self.school):
            operation, _ = self.operations.get(operation_id)
            if operation.type is not OperationType.EXPIRY_CHANGE:
                assert self.advance(operation_id) is AdvanceOutcome.FINISHED

    def finish_expiry(self, operation_id: str) -> Operation:
        """As it ends when Thinkific has confirmed all that it waits for."""
        for item in self.store.operations.items(operation_id, after=0, limit=1_000):
            enrollment = self.store.enrollments.get_enrollment(item.student_id, item.product_id)
            if enrollment is not None:
                self.store.enrollments.confirm_enrollment(enrollment)
        self.advance(operation_id)
        operation, _ = self.operations.get(operation_id)
        return operation

    def add_seats(self, user: User, course: Product, seats: int) -> None:
        self.users.add_seats(user.id, reference(course), TERMS, seats)

    def seats_used(self, user: User, course: Product) -> int:
        ((grant, _),) = [found for found in self.users.get(user.id).grants if found[1] == course]
        return grant.seats_used


def reference(course: Product) -> ProductReference:
    return ProductReference(course.productable_id)


def enrolling(user: User, courses: Sequence[Product], *, enforce_seats: bool = False) -> Enrolling:
    return Enrolling(
        user_email=user.email,
        acting_user_id=user.id,
        references=[reference(course) for course in courses],
        enforce_seats=enforce_seats,
    )
