"""Students: reading them, bringing them under users and into products."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from b2b.domain.catalogue.products import Product, ProductReference, UnresolvedReference, resolve
from b2b.domain.enrollment.enrolling import EnrollmentPlan, plan
from b2b.domain.enrollment.students import Student, StudentRecord, StudentView
from b2b.domain.errors import InvalidInput, NotFound, SeatsExhausted, WriteConflict
from b2b.domain.identity.emails import is_email, is_same_email
from b2b.domain.identity.users import User
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now
from b2b.services.contention import retry_conflicts
from b2b.services.enrollment.enrolling import Decision, EnrollmentWriter
from b2b.services.enrollment.removals import Removals
from b2b.services.pages import UNLIMITED, Page, PageRequest, SizeLimit, page_of, read_page
from b2b.services.work.notifier import Notifier, repair_at

if TYPE_CHECKING:
    from b2b.storage.listing import ListPage
    from b2b.storage.lookups import Lookup, RelatedRecords
    from b2b.storage.store import Store

# So many students of one user are looked at first in a minute; the others come behind those of other users.
_EXPRESS_A_MINUTE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolling:
    """What is asked for. ``user_email`` None = ``acting_user_id``, whose token it is."""

    user_email: str | None
    acting_user_id: int | None
    references: Sequence[ProductReference]
    enforce_seats: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class _Target:
    """Whom and what a call names, found in the table."""

    student_id: int | None
    user_id: int
    products: list[Product]
    default_days: int


class StudentService:
    def __init__(self, store: "Store", notifier: Notifier, removals: Removals, clock: Clock = utc_now) -> None:
        self._store = store
        self._notifier = notifier
        self._removals = removals
        self._writer = EnrollmentWriter(store)
        self._clock = clock

    def now(self) -> datetime:
        """The moment at which a status is shown."""
        return self._clock()

    def list_page(
        self, request: PageRequest, size_limit: SizeLimit[StudentView] = UNLIMITED, *, email: str | None = None
    ) -> Page[StudentView]:
        """``email``: of the one student who has it, if there is one."""
        if email is None:
            return read_page(self._store, Kind.STUDENTS, request, self._load, size_limit)
        return page_of(self._with_email(email), request, lambda view: view.student.id, size_limit)

    def get(self, student_id: int) -> StudentView:
        """Raises NotFound."""
        return self._views([self._record(student_id)])[0]

    def upsert(self, email: str, names: Names, enrolling: Enrolling) -> tuple[StudentView, bool]:
        """The student with the e-mail, created (True) or renamed, under the user and in the products."""
        return self._enroll(email, names, enrolling)

    def enroll(self, email: str, enrolling: Enrolling) -> StudentView:
        """An existing student, brought under the user and into the products.

        Raises InvalidInput naming each of e-mail, user and products that does not exist, and SeatsExhausted.
        """
        return self._enroll(email, None, enrolling)[0]

    def update(self, student_id: int, names: Names, email: str) -> StudentView:
        """Name and e-mail, in Thinkific too. Raises NotFound, and InvalidInput on ``email`` when it is taken."""

        def attempt() -> StudentRecord:
            record = self._record(student_id)
            owner = self._store.lookups.find(student_email=email).student_id
            if owner not in (None, student_id) and not is_same_email(email, record.student.email):
                raise InvalidInput.field("email", "The email has already been taken.")
            student = _changed(record.student, names, email, self._clock())
            if student == record.student:
                return record
            after = replace(record, student=student)
            actions = self._store.students.change_student(record.student, student)
            if after.needs_sync:
                due_at = repair_at(self._clock(), bulk=False)
                actions.append(self._store.wishes.add_wish(student_id, due_at, bulk=False))
            self._store.transact(actions)
            return after

        record = retry_conflicts(attempt)
        if record.needs_sync:
            self._notifier.enqueue_student(student_id)
        return self._views([record])[0]

    def delete(self, student_id: int) -> None:
        """For all users; in Thinkific too where the setting says so. Raises NotFound."""
        in_thinkific = self._store.settings.get().delete_students_in_thinkific

        def attempt() -> None:
            self._removals.delete_student(self._record(student_id), in_thinkific=in_thinkific)

        retry_conflicts(attempt)

    def associate(self, email: str, user_email: str) -> StudentView:
        """Brings the student under the user. Raises InvalidInput naming each of the two that does not exist."""
        return self.enroll(email, _nothing_but(user_email))

    def dissociate(self, email: str, user_email: str) -> StudentView:
        """Takes the student from the user and frees its seats; the enrollments stay. Raises as ``associate``."""
        target = self._find(email, _nothing_but(user_email), must_exist=True)
        student_id = _present(target.student_id)
        self._removals.dissociate(student_id, target.user_id)
        return self.get(student_id)

    def student_must_exist(self, student_id: int) -> None:
        """Raises NotFound."""
        self._record(student_id)

    def _record(self, student_id: int) -> StudentRecord:
        record = self._store.students.get_record(student_id)
        if record is None:
            raise NotFound(f"There is no student with the id {student_id}.")
        return record

    def _enroll(self, email: str, names: Names | None, enrolling: Enrolling) -> tuple[StudentView, bool]:
        """``names`` None: of a student that must exist. True: the student was created."""
        # An attempt may lose a race after its first chunk: the next finds the student that this call has created.
        new_ids: set[int] = set()
        view = retry_conflicts(lambda: self._attempt(email, names, enrolling, new_ids))
        return view, view.student.id in new_ids

    def _attempt(self, email: str, names: Names | None, enrolling: Enrolling, new_ids: set[int]) -> StudentView:
        target = self._find(email, enrolling, must_exist=names is None)
        record = None
        if target.student_id is not None:
            record = self._store.students.get_record(target.student_id)
            if record is None:
                raise self._store.lookups.missing_student(email, target.student_id)
        now = self._clock()
        student = self._student(record, email, names, now)
        if record is None:
            new_ids.add(student.id)
        related = self._related_records(target, record, now)
        user = related.users.get(target.user_id)
        if user is None:
            raise _no_such_user(enrolling)
        decided = plan(
            user=user,
            student=student,
            record=record,
            products=target.products,
            grants=related.grants,
            default_days=target.default_days,
            now=now,
        )
        if enrolling.enforce_seats and decided.shortages:
            raise SeatsExhausted(decided.shortages)
        after = _record_after(record, student, decided)
        bulk = related.enqueued >= _EXPRESS_A_MINUTE
        decision = Decision(
            user=user,
            before=record,
            after=after,
            plan=decided,
            now=now,
            enforce_seats=enrolling.enforce_seats,
            bulk=bulk,
        )
        self._writer.write(decision)
        if after.needs_sync:
            self._notifier.enqueue_student(student.id, bulk=bulk)
        products = related.products | {product.id: product for product in target.products}
        return _view(after, related.users, products)

    def _find(self, email: str, enrolling: Enrolling, *, must_exist: bool) -> _Target:
        lookup = self._store.lookups.find(
            user_email=enrolling.user_email,
            student_email=email,
            product_numbers=[reference.number for reference in enrolling.references],
        )
        errors: dict[str, list[str]] = {}
        if must_exist and lookup.student_id is None:
            errors["email"] = [f"There is no student with the e-mail {email}."]
        user_id = enrolling.acting_user_id if enrolling.user_email is None else lookup.user_id
        if user_id is None:
            errors["user_email"] = [f"There is no user with the e-mail {enrolling.user_email}."]
        products = _resolved(enrolling.references, lookup, errors)
        if errors or user_id is None:
            raise InvalidInput(errors)
        return _Target(lookup.student_id, user_id, products, lookup.settings.default_enrollment_days)

    def _student(self, record: StudentRecord | None, email: str, names: Names | None, now: datetime) -> Student:
        if record is not None:
            return _changed(record.student, names, record.student.email, now) if names else record.student
        if names is None:
            raise WriteConflict  # deleted since its e-mail was found
        return Student(
            id=self._store.counters.next_id(Kind.STUDENTS),
            first_name=names.first_name,
            last_name=names.last_name,
            email=email,
            created_at=now,
            updated_at=now,
        )

    def _related_records(self, target: _Target, record: StudentRecord | None, now: datetime) -> "RelatedRecords":
        known = {product.id for product in target.products}
        others = {found.product_id for found in record.enrollments} - known if record else set()
        users = {found.user_id for found in record.associations} if record else set()
        return self._store.lookups.related_records(
            user_ids=users | {target.user_id},
            product_ids=others,
            grants_of=(target.user_id, known),
            enqueued_of=(target.user_id, now),
        )

    def _load(self, page: "ListPage") -> dict[int, StudentView]:
        views = self._views(self._store.students.get_each_record(page.ids))
        return {view.student.id: view for view in views}

    def _with_email(self, email: str) -> Sequence[StudentView]:
        """At most one. Text that is no address is nobody's."""
        student_id = self._store.lookups.find(student_email=email).student_id if is_email(email) else None
        record = self._store.students.get_record(student_id) if student_id is not None else None
        return self._views([record] if record else [])

    def _views(self, records: Iterable[StudentRecord]) -> Sequence[StudentView]:
        found = [*records]
        user_ids = {association.user_id for record in found for association in record.associations}
        product_ids = {enrollment.product_id for record in found for enrollment in record.enrollments}
        if not user_ids and not product_ids:
            return [_view(record, {}, {}) for record in found]
        related = self._store.lookups.related_records(user_ids=user_ids, product_ids=product_ids)
        return [_view(record, related.users, related.products) for record in found]


def _nothing_but(user_email: str) -> Enrolling:
    """To come under the user, and into no product."""
    return Enrolling(user_email=user_email, acting_user_id=None, references=(), enforce_seats=False)


def _present(student_id: int | None) -> int:
    if student_id is None:
        raise WriteConflict  # deleted since its e-mail was found
    return student_id


def _resolved(references: Sequence[ProductReference], lookup: "Lookup", errors: dict[str, list[str]]) -> list[Product]:
    """The products meant, each once; ``errors`` takes what is said against a reference."""
    products: dict[int, Product] = {}
    for position, reference in enumerate(references):
        place = position if reference.place is None else reference.place
        try:
            product = resolve(reference, lookup.candidates[reference.number])
        except UnresolvedReference as error:
            errors[f"enrollments.{place}"] = [str(error)]
        else:
            products[product.id] = product
    return list(products.values())


def _changed(student: Student, names: Names, email: str, now: datetime) -> Student:
    """Also of what Thinkific has refused, when the same is asked for once more."""
    changed = replace(student, first_name=names.first_name, last_name=names.last_name, email=email, profile_error=None)
    if changed == student:
        return student
    return replace(changed, version=student.version + 1, updated_at=now)


def _record_after(before: StudentRecord | None, student: Student, decided: EnrollmentPlan) -> StudentRecord:
    associations = before.associations if before else ()
    if decided.association is not None:
        associations = (*associations, decided.association)
    enrolled = {found.product_id: found for found in (before.enrollments if before else ())}
    enrolled |= {change.after.product_id: change.after for change in decided.changes}
    return StudentRecord(
        student=student,
        associations=tuple(sorted(associations, key=lambda found: found.user_id)),
        enrollments=tuple(enrolled[product_id] for product_id in sorted(enrolled)),
        wish=None,
    )


def _view(record: StudentRecord, users: dict[int, User], products: dict[int, Product]) -> StudentView:
    """Users and products deleted since the record was read are left out."""
    return StudentView(
        record.student,
        record.sync_error,
        tuple(users[found.user_id] for found in record.associations if found.user_id in users),
        tuple((found, products[found.product_id]) for found in record.enrollments if found.product_id in products),
    )


def _no_such_user(enrolling: Enrolling) -> InvalidInput:
    who = f"the e-mail {enrolling.user_email}" if enrolling.user_email else "this token"
    return InvalidInput.field("user_email", f"There is no user with {who}.")
