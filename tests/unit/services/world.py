"""A school: its table, what was sent to its queues, a simulated Thinkific, and one clock for all of them."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
from tests.in_memory.sqs import Sqs
from tests.unit.clock import Clock
from tests.unit.ledger import Ledger
from tests.unit.services.upstream import Upstream

from b2b.domain.catalogue.products import DELETED, Product, ProductableType, ProductReference, ProductSource
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import StudentRecord, StudentView
from b2b.domain.identity.users import GrantTerms, User, UserView
from b2b.domain.work.budget import Budget
from b2b.gateways.queues import Queues
from b2b.gateways.thinkific import FixedKey, Thinkific
from b2b.gateways.thinkific.graphql import FixedToken, ThinkificGraphQL
from b2b.services.enrollment.removals import Removals
from b2b.services.enrollment.students import Enrolling, Names, StudentService
from b2b.services.enrollment.sync.refusals import Refusals
from b2b.services.enrollment.sync.repair import RepairService
from b2b.services.enrollment.sync.student import SyncOutcome, SyncService
from b2b.services.identity.users import UserFields, UserService
from b2b.services.work.notifier import Notifier
from b2b.services.work.operations import OperationService
from b2b.storage.store import Store
from b2b.storage.table import Table
from b2b_cli.simulator.authentication import DEFAULT_ACCESS_TOKEN, DEFAULT_API_KEY
from b2b_cli.simulator.graphql import PATH

ADA = "ada@example.com"
NAMES = Names(first_name="Ada", last_name="Lovelace")


class World:
    def __init__(self, table: Table, upstream: Upstream, clock: Clock) -> None:
        self.upstream = upstream
        self.clock = clock
        self.store = Store(table)
        self.sqs = Sqs()
        self.unsent: list[Exception] = []
        self.refusals: list[tuple[int, str]] = []
        sqs: Any = self.sqs
        queues = Queues(sqs, sync_url="sync", sync_bulk_url="sync-bulk", operations_url="operations")
        self.notifier = Notifier(queues, on_failure=self.unsent.append)
        self.operations = OperationService(self.store, self.notifier, clock)
        self.users = UserService(self.store, clock)
        self.students = StudentService(self.store, self.notifier, Removals(self.store, self.operations), clock)
        self.retries = Refusals(self.store, self.notifier, clock)
        self.repair = RepairService(self.store, queues, clock)
        # A budget that never runs out, as a minute passes between any two calls: it is tested by itself.
        minutes = itertools.count(step=60)
        self.budget = Budget(Ledger(), rate=100, now=lambda: float(next(minutes)))
        self.thinkific = self.thinkific_over(upstream.http)
        self.graphql = self.graphql_with(DEFAULT_ACCESS_TOKEN)
        self.sync = self.worker("worker-1")

    def thinkific_over(self, http: httpx.Client) -> Thinkific:
        return Thinkific(http, self.budget, FixedKey(DEFAULT_API_KEY), sleep=self.clock.sleep, now=self.clock.seconds)

    def graphql_with(self, token: str | None) -> ThinkificGraphQL:
        return ThinkificGraphQL(self.upstream.graphql_http, PATH, FixedToken(token), now=self.clock.seconds)

    def worker(self, name: str, thinkific: Thinkific | None = None) -> SyncService:
        return SyncService(
            self.store,
            thinkific or self.thinkific,
            self.notifier,
            worker=name,
            on_refusal=lambda student_id, what: self.refusals.append((student_id, what)),
            clock=self.clock,
        )

    # The catalogue, in the table and in Thinkific

    def course(self, name: str = "Safety") -> Product:
        made = self.upstream.control("POST", "/courses", name=name)
        return self._product(made["product"], ProductableType.COURSE, ())

    def hidden_course(self, name: str = "Remote") -> Product:
        """One that only GraphQL shows, as a refresh of the catalogue brings it."""
        made = self.upstream.control("POST", "/courses", name=name, newer_builder=True)
        return self._product(made["product"], ProductableType.COURSE, (), source=ProductSource.GRAPHQL)

    def bundle(self, courses: int = 2, name: str = "Pack") -> Product:
        """Its courses are sold in the bundle only."""
        parts = [self.upstream.control("POST", "/courses", name=f"{name}, {number}") for number in range(courses)]
        return self._bundle(name, [part["product"]["productable_id"] for part in parts])

    def bundle_of(self, *courses: Product, name: str = "Pack") -> Product:
        return self._bundle(name, [course.productable_id for course in courses])

    def _bundle(self, name: str, course_ids: Sequence[int]) -> Product:
        made = self.upstream.control("POST", "/bundles", name=name, course_ids=[*course_ids])
        return self._product(made["product"], ProductableType.BUNDLE, tuple(course_ids))

    def _product(
        self,
        made: dict[str, Any],
        kind: ProductableType,
        course_ids: tuple[int, ...],
        source: ProductSource = ProductSource.REST,
    ) -> Product:
        product = Product(
            id=made["id"],
            productable_id=made["productable_id"],
            productable_type=kind,
            name=made["name"],
            status="published",
            slug=made["slug"],
            course_ids=course_ids,
            source=source,
            created_at=self.clock(),
            updated_at=self.clock(),
        )
        self.store.transact(self.store.products.save(product, None))
        return product

    def vanish(self, product: Product) -> None:
        """As a refresh of the catalogue leaves what Thinkific no longer has."""
        gone = replace(product, status=DELETED)
        self.store.transact(self.store.products.save(gone, product, sold_by=product))

    # Users and students

    def user(self, email: str = "boss@example.com", *, group: str | None = None, **fields: Any) -> User:
        user = self.users.create(email, UserFields(**fields)).user
        if group is not None:
            # As the call that names a user's group leaves it.
            table: Any = self.store._table
            key = {"pk": {"S": f"USER#{user.id}"}, "sk": {"S": "A#USER"}}
            table._client.update_item(
                TableName=table._name,
                Key=key,
                UpdateExpression="SET #group = :name",
                ExpressionAttributeNames={"#group": "group_name"},
                ExpressionAttributeValues={":name": {"S": group}},
            )
        return user

    def grant(self, user: User, product: Product, seats: int | None, *, days: int = 0, active: bool = True) -> UserView:
        terms = GrantTerms(active=active, enrollment_days=days)
        return self.users.set_access(user.id, reference(product), terms, seats)

    def enroll(
        self, user: User, *products: Product, email: str = ADA, names: Names | None = NAMES, enforce: bool = False
    ) -> StudentView:
        """``names`` None: a student who must exist."""
        enrolling = Enrolling(
            user_email=user.email,
            acting_user_id=user.id,
            references=[reference(product) for product in products],
            enforce_seats=enforce,
        )
        if names is None:
            return self.students.enroll(email, enrolling)
        return self.students.upsert(email, names, enrolling)[0]

    def record(self, student_id: int) -> StudentRecord:
        record = self.store.students.get_record(student_id)
        assert record is not None
        return record

    def enrollment(self, student_id: int, product: Product) -> Enrollment:
        enrollment = self.record(student_id).enrollment(product.id)
        assert enrollment is not None
        return enrollment

    def status(self, student_id: int, product: Product) -> str:
        return self.enrollment(student_id, product).status(self.clock()).value

    def seats(self, user: User, product: Product | None = None) -> int:
        """Seats used: of the product, else of the account."""
        if product is None:
            return self.users.get(user.id).user.seats_used
        related = self.store.lookups.related_records(grants_of=(user.id, [product.id]))
        return related.grants[product.id].seats_used if product.id in related.grants else 0

    # The worker

    def look(self, student_id: int, *, seconds: float = 60.0) -> SyncOutcome:
        return self.sync.sync_student(student_id, lambda: seconds)

    def wait(self) -> None:
        """Until the last message that was sent arrives."""
        self.clock.advance(seconds=self.sqs.sent[-1].delay + 1)

    def settle(self, student_id: int, looks: int = 12) -> SyncOutcome:
        """Look as often as the messages ask for it, each after its delay."""
        outcome = self.look(student_id)
        for _ in range(looks - 1):
            if outcome is not SyncOutcome.POSTPONED:
                break
            self.wait()
            outcome = self.look(student_id)
        return outcome

    def brought(self, user: User, *products: Product, email: str = ADA) -> int:
        """The id of a student whom Thinkific has in the products; the calls for it are forgotten."""
        student_id = self.enroll(user, *products, email=email).student.id
        assert self.settle(student_id) is SyncOutcome.FULFILLED
        self.upstream.forget_calls()
        return student_id


def reference(product: Product) -> ProductReference:
    return ProductReference(product.productable_id, product.productable_type)
