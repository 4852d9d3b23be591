"""Guards and the records that they are held for: read as they were at one moment, and brought to agree."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr, ConditionBase

from b2b.domain.catalogue.products import Product
from b2b.domain.errors import WriteConflict
from b2b.storage import keys
from b2b.storage.actions import ABSENT, Action, check, delete, put
from b2b.storage.catalogue.products import Products, product_from_item
from b2b.storage.identity import guards
from b2b.storage.identity.address_migration import AddressMigration
from b2b.storage.identity.guards import OWNER
from b2b.storage.integrity.claims import Breach, Flaw, breach, email_kind, holder_of
from b2b.storage.keys import Key
from b2b.storage.table import Table

if TYPE_CHECKING:
    from b2b.storage.items import Item

_LOOKS = 6


class Uniqueness:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._products = Products(table)
        self._migration = AddressMigration(table)

    def find_breach(self, guard: Key, records: Iterable[Key]) -> Breach | None:
        """What is wrong with the guard and ``records``, which may have what it guards.

        Raises WriteConflict when others keep writing to them. They cannot be read at one moment: what two readings
        one after the other agree on was so between them, since ids are not given out twice and a record that takes
        another address or id, and then takes the first again, says so in its version or time.
        """
        wanted = {guard, *records}
        before: dict[Key, Item] | None = None
        for _ in range(_LOOKS):
            found = self._table.get_many(wanted)
            holder = holder_of(guard, found[guard]) if guard in found else None
            if holder is not None and holder not in wanted:
                wanted.add(holder)
                before = None
            elif found == before:
                return breach(guard, found)
            else:
                before = found
        raise WriteConflict

    def mend(self, found: Breach, now: datetime) -> None:
        """Makes the records agree. Raises WriteConflict when any of them has changed: look again."""
        kind = email_kind(found.guard)
        if kind is not None and found.owners:
            for owner in found.owners:
                self._migration.reclaim(kind, found.seen[owner]["id"])
        elif keys.is_product(found.guard) and found.flaw is Flaw.SHARED:
            for owner in found.owners:
                if owner != found.holder:
                    self._forget_learned_id(product_from_item(found.seen[owner]), now)
        else:
            self._table.transact(self._actions(found))

    def _actions(self, found: Breach) -> list[Action]:
        if email_kind(found.guard) is not None:
            return _released_address(found)
        if keys.is_account(found.guard):
            return _held_for_oldest(found, OWNER, "thinkific_id")
        if keys.is_token_id(found.guard):
            return _released_token_id(found) if found.flaw is Flaw.STRAY else _held_for_oldest(found, "digest", "id")
        return self._product_mended(found)

    def _product_mended(self, found: Breach) -> list[Action]:
        copy = product_from_item(found.seen[found.guard]) if found.guard in found.seen else None
        if copy is not None and not found.holder_exists:
            # Grants and enrollments may be of it, and the copy is all that it was.
            return [self._products.product_unchanged(found.guard, copy), self._products.restore(copy)]
        product = _latest(found)
        return [
            self._products.product_unchanged(keys.product(product.id), product),
            self._products.copy(product, found.guard, copy),
        ]

    def _forget_learned_id(self, product: Product, now: datetime) -> None:
        """Another product has that id."""
        after = replace(product, learned_id=None, updated_at=now)
        sold_by = self._products.find_selling(product.productable_type, product.productable_id)
        is_found_by_it = sold_by is not None and sold_by.id == product.id
        self._table.transact(self._products.save(after, product, sold_by=sold_by if is_found_by_it else None))


def _released_address(found: Breach) -> list[Action]:
    owner_id = found.seen[found.guard][OWNER]
    kind, record = email_kind(found.guard), found.holder
    if kind is None or record is None:
        return []
    item = found.seen.get(record)
    unchanged = ABSENT if item is None else Attr("email").eq(item["email"])
    return [check(record, unchanged), guards.remove(found.guard, owner_id)]


def _released_token_id(found: Breach) -> list[Action]:
    return [*_is_still_not_of_holder(found, "id"), delete(found.guard, when=_is_still_held(found, "digest"))]


def _held_for_oldest(found: Breach, names_holder: str, has: str) -> list[Action]:
    """``names_holder``: the guard's attribute that says for whom it is held; ``has``: the record's that it guards."""
    owner = found.owners[0]
    item = (
        {OWNER: found.seen[owner]["id"]} if names_holder == OWNER else {names_holder: found.seen[owner][names_holder]}
    )
    return [
        check(owner, Attr(has).eq(keys.last_number(found.guard))),
        put(found.guard, item, when=_is_still_held(found, names_holder)),
        *(_is_still_not_of_holder(found, has) if found.flaw is Flaw.UNHELD else ()),
    ]


def _is_still_held(found: Breach, names_holder: str) -> ConditionBase:
    item = found.seen.get(found.guard)
    return ABSENT if item is None else Attr(names_holder).eq(item[names_holder])


def _is_still_not_of_holder(found: Breach, has: str) -> list[Action]:
    if found.holder is None:
        return []
    return [check(found.holder, Attr(has).not_exists() | Attr(has).ne(keys.last_number(found.guard)))]


def _latest(found: Breach) -> Product:
    """Of products that sell one course, the one that Thinkific showed last."""
    records = [found.holder] if found.flaw is Flaw.OUTDATED and found.holder else found.owners
    products = [product_from_item(found.seen[record]) for record in records]
    return max(products, key=lambda product: (product.updated_at, product.id))
