"""Changing when the enrollments of a user's students in one product end: one operation for all of them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from b2b.domain.catalogue.products import ProductReference, UnresolvedReference, resolve
from b2b.domain.dates import WrittenDate
from b2b.domain.enrollment import enrollments, expiry
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.errors import BrokenInvariant, InvalidInput, NotFound
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.operation_states import ExpiryChangeState
from b2b.domain.work.operations import Operation, OperationFailure, OperationItem
from b2b.services.contention import retry_conflicts
from b2b.services.enrollment.seat_moves import MOST_SEATS_IN_ONE_WRITE, SeatMoves
from b2b.services.work.notifier import repair_at
from b2b.services.work.operation_worker import OnBroken, Step, state_of
from b2b.services.work.operations import OperationService

if TYPE_CHECKING:
    from b2b.services.work.notifier import Notifier
    from b2b.storage.actions import Action
    from b2b.storage.store import Store

_STUDENTS_IN_ONE_STEP = 25
_ITEMS_IN_ONE_STEP = 45  # up to two actions each in the transaction that counts them
_LOOK_AGAIN_SECONDS = (1.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryChange:
    """What is asked for. ``kind``: days, date (which need the field of that name), expire_now or no_expiry."""

    kind: str
    days: int | None = None
    date: WrittenDate | None = None

    def end(self, now: datetime, timezone: str) -> datetime:
        """The end that follows, as Thinkific will be sent it."""
        if self.kind == "expire_now":
            return expiry.end_of_yesterday(now)
        if self.kind == "no_expiry":
            return expiry.in_ten_years(now)
        if self.kind == "days" and self.days is not None:
            return expiry.days_later(now, self.days)
        if self.kind == "date" and self.date is not None:
            return expiry.as_sent(self.date.end(timezone), now)
        raise ValueError(f"A change of the kind {self.kind} lacks what it needs.")


class ExpiryService:
    def __init__(self, store: "Store", operations: OperationService, clock: Clock = utc_now) -> None:
        self._store = store
        self._operations = operations
        self._clock = clock

    def change_expiry(self, user_id: int, reference: ProductReference, change: ExpiryChange) -> Operation:
        """For every student of the user who has an enrollment in the product, whoever enrolled it.

        Raises NotFound for the user, InvalidInput on ``product``.
        """
        lookup = self._store.lookups.find(product_numbers=[reference.number])
        if self._store.users.get(user_id) is None:
            raise NotFound(f"There is no user with the id {user_id}.")
        try:
            # One that vanished from Thinkific may still have to end.
            product = resolve(reference, lookup.candidates[reference.number], with_deleted=True)
        except UnresolvedReference as error:
            raise InvalidInput.field("product", str(error)) from error
        end = change.end(self._clock(), lookup.settings.timezone)
        state = ExpiryChangeState(user_id=user_id, product_id=product.id, end=end)
        return retry_conflicts(lambda: self._operations.start(state))


class ExpiryRunner:
    """Writes each student's wish once (phase "write"), then waits for Thinkific (phase "confirm")."""

    def __init__(
        self, store: "Store", notifier: "Notifier", clock: Clock = utc_now, *, on_broken: OnBroken | None = None
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._on_broken = on_broken
        self._seats = SeatMoves(store, clock)

    def step(self, operation: Operation) -> Step:
        state = state_of(operation, ExpiryChangeState)
        return self._write(operation, state) if state.phase == "write" else self._confirm(operation, state)

    def _write(self, operation: Operation, state: ExpiryChangeState) -> Step:
        ids = self._store.students.ids_of_user(state.user_id, after=state.after, limit=_STUDENTS_IN_ONE_STEP)
        touched = 0
        failures: dict[int, OperationFailure] = {}
        for student_id in ids:
            try:
                touched += self._apply(operation, state, student_id)
            except BrokenInvariant as broken:
                failures[student_id] = self._failure(student_id, broken)
        actions = [
            self._store.operations.add_failure(operation, failure, student_id)
            for student_id, failure in failures.items()
        ]
        total, failed = operation.total + touched + len(failures), operation.failed + len(failures)
        operation = replace(operation, total=total, failed=failed)
        if len(ids) == _STUDENTS_IN_ONE_STEP:
            return Step(replace(operation, state=replace(state, after=ids[-1])), actions)
        if operation.total == operation.failed:
            return Step(operation.finished(), actions)
        return Step(replace(operation, state=replace(state, phase="confirm", after=0, waiting=0)), actions)

    def _failure(self, student_id: int, broken: BrokenInvariant) -> OperationFailure:
        """Of a student whose records contradict each other; the others of the operation do not wait for that."""
        if self._on_broken is not None:
            self._on_broken(broken)
        record = self._store.students.get_record(student_id)
        email = record.student.email if record else None
        return OperationFailure(student_id=student_id, email=email, error=str(broken))

    def _apply(self, operation: Operation, state: ExpiryChangeState, student_id: int) -> bool:
        """Whether the student is one of the operation's. Done once, however often it is repeated."""
        product_id = state.product_id

        def attempt() -> bool:
            if self._store.operations.has_item(operation.id, student_id):
                # The worker that wrote it may have died before it enqueued the student.
                self._notifier.enqueue_student(student_id, bulk=True)
                return True
            record = self._store.students.get_record(student_id)
            before = record.enrollment(product_id) if record else None
            if record is None or before is None:
                return False
            after = enrollments.with_expiry(before, state.end, self._clock())
            if len(before.seat_holders ^ after.seat_holders) > MOST_SEATS_IN_ONE_WRITE:
                self._seats.move_some(before, after)
                return attempt()
            self._store.transact(
                [
                    self._store.operations.add_item(operation.id, student_id, product_id, after.version),
                    *self._changes(record, before, after),
                ]
            )
            if after is not before:
                self._notifier.enqueue_student(student_id, bulk=True)
            return True

        return retry_conflicts(attempt)

    def _changes(self, record: StudentRecord, before: Enrollment, after: Enrollment) -> "list[Action]":
        if after is before:
            return [self._store.students.student_must_exist(record.student.id)]
        now = self._clock()
        actions = [
            self._store.enrollments.change_enrollment(before, after),
            self._store.wishes.add_wish(before.student_id, repair_at(now, bulk=True), bulk=True),
        ]
        return [*actions, *self._seats.moves(before, after)]

    def _confirm(self, operation: Operation, state: ExpiryChangeState) -> Step:
        """Counts those that Thinkific has settled, a page at a time, over and over until none is left."""
        items = self._store.operations.items(operation.id, after=state.after, limit=_ITEMS_IN_ONE_STEP)
        actions: list[Action] = []
        done = failed = 0
        records = {
            record.student.id: record
            for record in self._store.students.get_each_record(item.student_id for item in items)
        }
        for item in items:
            is_settled, failure = _settled(item, records.get(item.student_id))
            if not is_settled:
                continue
            actions.append(self._store.operations.remove_item(operation.id, item.student_id))
            if failure is None:
                done += 1
            else:
                failed += 1
                actions.append(self._store.operations.add_failure(operation, failure, item.student_id))
        waiting = state.waiting + len(items) - done - failed
        operation = replace(operation, done=operation.done + done, failed=operation.failed + failed)
        if len(items) == _ITEMS_IN_ONE_STEP:
            after = items[-1].student_id
            return Step(replace(operation, state=replace(state, after=after, waiting=waiting)), actions)
        if waiting == 0:
            return Step(operation.finished(), actions)
        soonest, latest = _LOOK_AGAIN_SECONDS
        again = replace(operation, state=replace(state, after=0, waiting=0))
        return Step(again, actions, pause=min(latest, max(soonest, waiting / 10)))


def _settled(item: OperationItem, record: StudentRecord | None) -> tuple[bool, OperationFailure | None]:
    """Whether Thinkific has this version or a later one, and what is to be said of it."""
    enrollment = record.enrollment(item.product_id) if record else None
    if record is None or enrollment is None or enrollment.confirmed_version >= item.version:
        return True, None
    if enrollment.failed_version >= item.version:
        error = enrollment.error or "Thinkific refused."
        return True, OperationFailure(student_id=item.student_id, email=record.student.email, error=error)
    return False, None
