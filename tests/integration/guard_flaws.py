"""A small school, the flaws that guards and records can have, and the calls that these break."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.desk import NAMES, Desk, enrolling

from b2b.domain.catalogue.products import FIRST_OWN_ID, Product, ProductableType, ProductSource
from b2b.domain.errors import InvalidInput
from b2b.domain.identity.tokens import Principal, digest
from b2b.domain.kinds import Kind
from b2b.domain.work.upstream import CatalogueEntry
from b2b.services.catalogue.entries import ProductEntries
from b2b.services.identity.users import UserFields
from b2b.storage import keys
from b2b.storage.actions import EXISTS, Update, delete, put
from b2b.storage.keys import Key

CLIENT, ADA, BOB = "client@example.com", "ada@example.com", "bob@example.com"
ACCOUNT = 55
NOBODY = 999


class School:
    """A client with two students in a course; one is linked to a user in Thinkific. And a token."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.table = desk.table
        self.course, self.other_course = desk.add_courses(2)
        self.client = desk.add_user(CLIENT)
        self.ada = desk.add_student(ADA, self.client, [self.course])
        self.bob = desk.add_student(BOB, self.client)
        self.link(self.ada, ACCOUNT)
        self.token, self.secret = desk.tokens.create("Shop", user_id=self.client.id)
        self.hidden = self._add_hidden_course()

    @property
    def everything(self) -> Principal:
        return Principal(self.token.id, self.client.id, self.token.scopes, None)

    def link(self, student_id: int, account: int) -> None:
        student = self.desk.students.get(student_id).student
        self.desk.store.students.link(student, self.desk.store.students.account(account), newly_created=False)

    def lose(self, key: Key) -> None:
        """As a bug or a careless hand would."""
        self.table.write(delete(key, when=EXISTS))

    def put(self, key: Key, **item: Any) -> None:
        self.table.write(put(key, item))

    def change(self, key: Key, **values: Any) -> None:
        self.table.write(Update(key).set(**values).when(EXISTS))

    def refresh(self, product: Product, **changes: Any) -> None:
        """As the refresh of the catalogue does."""
        entries = ProductEntries(self.desk.store, lambda: datetime.now(UTC))
        entries.change_product(product.id, lambda before: replace(before, **changes))

    def grant(self, course: Product) -> None:
        self.desk.grant(self.client, course, 3)

    def _add_hidden_course(self) -> Product:
        """Of whom Thinkific's product id was learned later."""
        product = self.desk.products.add_product(ProductableType.COURSE, 70, "Hidden")
        entry = CatalogueEntry(
            id=7070, productable_id=70, productable_type="Course", name="Hidden", status="published", slug=None
        )
        entries = ProductEntries(self.desk.store, lambda: datetime.now(UTC))
        (known,) = self.desk.store.products.known([entry])
        entries.save_entry(entry, ProductSource.GRAPHQL, known)
        return self.desk.products.get(product.id)


# Flaws, each with the call that it breaks.


def a_users_address_is_held_for_nobody_known(broken: School) -> None:
    broken.put(keys.user_email("new@example.com"), owner_id=NOBODY)


def a_students_address_is_held_for_nobody_known(broken: School) -> None:
    broken.put(keys.student_email("new@example.com"), owner_id=NOBODY)


def an_address_is_held_for_a_user_with_another(broken: School) -> None:
    broken.put(keys.user_email("new@example.com"), owner_id=broken.client.id)


def an_address_is_held_for_a_student_with_another(broken: School) -> None:
    broken.put(keys.student_email("new@example.com"), owner_id=broken.bob)


def a_user_has_lost_its_address(broken: School) -> None:
    broken.lose(keys.user_email(CLIENT))


def a_student_has_lost_its_address(broken: School) -> None:
    broken.lose(keys.student_email(ADA))


def a_users_address_is_held_for_one_who_is_gone(broken: School) -> None:
    broken.put(keys.user_email(CLIENT), owner_id=NOBODY)


def a_students_address_is_held_for_another(broken: School) -> None:
    broken.put(keys.student_email(ADA), owner_id=broken.bob)


def a_student_is_not_noted_with_its_account(broken: School) -> None:
    broken.lose(keys.account(ACCOUNT))


def an_account_is_noted_with_another_student(broken: School) -> None:
    broken.put(keys.account(ACCOUNT), owner_id=broken.bob)


def a_token_has_lost_its_id(broken: School) -> None:
    broken.lose(keys.token_id(broken.token.id))


def a_token_id_leads_to_no_token(broken: School) -> None:
    broken.put(keys.token_id(broken.token.id), digest=digest("no token"))


def a_token_id_leads_to_another_token(broken: School) -> None:
    other, _ = broken.desk.tokens.create("Other", user_id=broken.client.id)
    broken.put(keys.token_id(broken.token.id), digest=other.digest)


def a_course_is_not_found(broken: School) -> None:
    broken.lose(keys.productable(ProductableType.COURSE, broken.course.productable_id))


def a_course_is_sold_by_a_product_that_is_gone(broken: School) -> None:
    broken.lose(keys.product(broken.course.id))


def the_copy_of_a_product_is_outdated(broken: School) -> None:
    key = keys.productable(ProductableType.COURSE, broken.course.productable_id)
    stored = broken.table.get(key)
    assert stored is not None
    broken.put(key, product=stored["product"] | {"status": "deleted"})


def a_product_is_not_found_by_thinkifics_id(broken: School) -> None:
    broken.lose(keys.product(7070))


def a_product_id_is_of_two_products(broken: School) -> None:
    other = broken.table.get(keys.product(broken.other_course.id))
    assert other is not None
    broken.put(keys.product(7070), product=other["product"] | {"id": 7070}, gsi1pk="PRODUCTS", gsi1sk=keys.padded(7070))
    broken.table.write(broken.desk.store.counters.count(Kind.PRODUCTS, 7070, +1))


def create_user(broken: School) -> None:
    view, created = broken.desk.users.upsert("new@example.com", UserFields())
    assert created
    assert view.user.id not in (NOBODY, broken.client.id)


def create_student(broken: School) -> None:
    view, created = broken.desk.students.upsert("new@example.com", NAMES, enrolling(broken.client, [broken.course]))
    assert created
    assert view.student.email == "new@example.com"


def find_user(broken: School) -> None:
    assert broken.desk.users.find_by_email(CLIENT).user.id == broken.client.id
    with pytest.raises(InvalidInput):
        broken.desk.users.create(CLIENT, UserFields())
    broken.desk.users.update(broken.client.id, UserFields(), "moved@example.com")


def enroll(broken: School) -> None:
    view = broken.desk.students.enroll(ADA, enrolling(broken.client, [broken.course]))
    assert view.student.id == broken.ada
    broken.desk.students.delete(broken.ada)
    broken.desk.finish_removals()


def keep_account(broken: School) -> None:
    account = broken.desk.store.students.account(ACCOUNT)
    assert account.is_of_another(broken.desk.students.get(broken.bob).student)


def revoke(broken: School) -> None:
    broken.desk.tokens.revoke(broken.token.id, broken.everything)
    assert broken.desk.store.tokens.find(broken.token.digest) is None


def grant(broken: School) -> None:
    broken.grant(broken.course)
    assert broken.desk.products.get(broken.course.id).name == broken.course.name
    broken.refresh(broken.course, name="Another name")
    assert broken.desk.products.get(broken.course.id).name == "Another name"


def refresh_hidden(broken: School) -> None:
    assert broken.desk.products.get(7070).id in (broken.hidden.id, 7070)
    broken.refresh(broken.hidden, name="Another name")
    assert broken.desk.products.get(broken.hidden.id).name == "Another name"


@dataclass(frozen=True)
class Case:
    flaw: Callable[[School], None]
    call: Callable[[School], None]
    said: str


CASES = (
    Case(a_users_address_is_held_for_nobody_known, create_user, "address is held for user 999, which does not exist"),
    Case(a_students_address_is_held_for_nobody_known, create_student, "held for student 999, which does not exist"),
    Case(an_address_is_held_for_a_user_with_another, create_user, "held for user 1, which does not have it"),
    Case(an_address_is_held_for_a_student_with_another, create_student, "held for student 2, which does not have it"),
    Case(a_user_has_lost_its_address, find_user, "User 1 has an e-mail address, which is held for no record"),
    Case(a_student_has_lost_its_address, enroll, "Student 1 has an e-mail address, which is held for no record"),
    Case(a_users_address_is_held_for_one_who_is_gone, find_user, "held for user 999, which does not exist"),
    Case(
        a_students_address_is_held_for_another, enroll, "Student 1 has an e-mail address, which is held for student 2."
    ),
    Case(
        a_student_is_not_noted_with_its_account, keep_account, "has user 55 in Thinkific, which is held for no record"
    ),
    Case(
        an_account_is_noted_with_another_student, keep_account, "has user 55 in Thinkific, which is held for student 2"
    ),
    Case(a_token_has_lost_its_id, revoke, "Token 1 has token id 1, which is held for no record"),
    Case(
        a_token_id_leads_to_no_token, revoke, "Token 1 has token id 1, which is held for a token, which does not exist"
    ),
    Case(a_token_id_leads_to_another_token, revoke, "Token 1 has token id 1, which is held for token 2"),
    Case(a_course_is_not_found, grant, "Product 1001 has course 1, which is held for no record"),
    Case(a_course_is_sold_by_a_product_that_is_gone, grant, "Course 1 is held for product 1001, which does not exist"),
    Case(the_copy_of_a_product_is_outdated, grant, "Course 1 leads to an outdated copy of product 1001"),
    Case(a_product_is_not_found_by_thinkifics_id, refresh_hidden, "has product id 7070, which is held for no record"),
    Case(a_product_id_is_of_two_products, refresh_hidden, f"Product 7070 and product {FIRST_OWN_ID + 1} share"),
)
