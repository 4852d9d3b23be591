"""What a request names (e-mails, product numbers) found in one round trip, before anything is decided."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from b2b.domain.catalogue.products import Candidates, Product
from b2b.domain.errors import WriteConflict
from b2b.domain.identity.users import Grant, User
from b2b.domain.kinds import Kind
from b2b.domain.work.settings import Settings
from b2b.storage import keys
from b2b.storage.catalogue.products import candidate_keys, candidates_from_items, product_from_item
from b2b.storage.identity.addresses import Addresses, question
from b2b.storage.identity.users import grant_from_item, user_from_item
from b2b.storage.table import Table
from b2b.storage.work.settings import settings_from_item


@dataclass(frozen=True, slots=True)
class Lookup:
    """``user_id`` and ``student_id`` are None where no one has the e-mail, or none was asked for."""

    user_id: int | None
    student_id: int | None
    candidates: dict[int, Candidates]
    settings: Settings


@dataclass(frozen=True, slots=True)
class RelatedRecords:
    """Records by id. ``grants`` are one user's, by product, also those merely counted.

    ``enqueued``: students of that user for whom a sync was enqueued in this minute.
    """

    users: dict[int, User]
    grants: dict[int, Grant]
    products: dict[int, Product]
    enqueued: int = 0


class Lookups:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._addresses = Addresses(table)

    def related_records(
        self,
        *,
        user_ids: Iterable[int] = (),
        product_ids: Iterable[int] = (),
        grants_of: tuple[int, Iterable[int]] | None = None,
        enqueued_of: tuple[int, datetime] | None = None,
    ) -> RelatedRecords:
        """Users, products and one user's grants of products, in one round trip for each 100 of them."""
        user_keys = [keys.user(user_id) for user_id in user_ids]
        product_keys = [keys.product(product_id) for product_id in product_ids]
        grant_keys = [keys.grant(grants_of[0], product_id) for product_id in grants_of[1]] if grants_of else []
        enqueued_keys = (
            [keys.enqueued_students(enqueued_of[0], int(enqueued_of[1].timestamp()) // 60)] if enqueued_of else []
        )
        found = self._table.get_many([*user_keys, *product_keys, *grant_keys, *enqueued_keys])
        users = (user_from_item(found[key]) for key in user_keys if key in found)
        products = (product_from_item(found[key]) for key in product_keys if key in found)
        grants = (grant_from_item(found[key]) for key in grant_keys if key in found)
        return RelatedRecords(
            users={user.id: user for user in users},
            grants={grant.product_id: grant for grant in grants},
            products={product.id: product for product in products},
            enqueued=sum(found[key]["students"] for key in enqueued_keys if key in found),
        )

    def missing_user(self, email: str, user_id: int) -> WriteConflict:
        """The e-mail is the user's, whom a moment later nobody knows: deleted meanwhile, or a broken record."""
        return WriteConflict(
            place=f"the e-mail of user {user_id}, whose record is missing",
            state=lambda: (self.find(user_email=email).user_id, self._table.get(keys.user(user_id))),
        )

    def missing_student(self, email: str, student_id: int) -> WriteConflict:
        """As ``missing_user``."""
        return WriteConflict(
            place=f"the e-mail of student {student_id}, whose record is missing",
            state=lambda: (self.find(student_email=email).student_id, self._table.get(keys.student(student_id))),
        )

    def find(
        self,
        *,
        user_email: str | None = None,
        student_email: str | None = None,
        product_numbers: Iterable[int] = (),
    ) -> Lookup:
        asked = [question(kind, email) for kind, email in _given(user_email, student_email)]
        numbers = list(dict.fromkeys(product_numbers))
        wanted = [keys.SETTINGS, *(key for each in asked for key in each.keys)]
        found = self._table.get_many([*wanted, *(key for number in numbers for key in candidate_keys(number))])
        owners = self._addresses.owners(asked, found)
        return Lookup(
            user_id=owners.get(Kind.USERS),
            student_id=owners.get(Kind.STUDENTS),
            candidates={number: candidates_from_items(number, found) for number in numbers},
            settings=settings_from_item(found.get(keys.SETTINGS)),
        )


def _given(user_email: str | None, student_email: str | None) -> Iterator[tuple[Kind, str]]:
    if user_email:
        yield Kind.USERS, user_email
    if student_email:
        yield Kind.STUDENTS, student_email
