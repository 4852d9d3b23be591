"""Writing what Thinkific's lists show of a product, or a person has told, into the catalogue."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from b2b.domain.catalogue import entries
from b2b.domain.catalogue.entries import Known
from b2b.domain.catalogue.products import FIRST_OWN_ID, Product, ProductSource
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock
from b2b.domain.work.upstream import CatalogueEntry
from b2b.services.contention import retry_conflicts

if TYPE_CHECKING:
    from b2b.storage.store import Store


class ProductEntries:
    """Safe to repeat, and to run at the same time as itself: a course or bundle is one product's."""

    def __init__(self, store: "Store", clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def save_entry(self, entry: CatalogueEntry, source: ProductSource, known: Known) -> int:
        """The id of the product that ``entry`` is about. Writes only what differs from what is ``known``."""
        product = entries.matching_product(source, known)
        if product is not None and entries.updated(product, entry, source, known) == product:
            return product.id

        def attempt() -> int:
            (now_known,) = self._store.products.known([entry])
            copy = entries.matching_product(source, now_known)
            if copy is None:
                return self.add_product(entry, source, now_known).id
            before = self._store.products.get(copy.id) or copy
            after = entries.updated(before, entry, source, now_known)
            self._write(before, after, now_known.by_productable)
            return before.id

        return retry_conflicts(attempt)

    def add_product(self, entry: CatalogueEntry, source: ProductSource, known: Known) -> Product:
        """A product more. Raises ConditionFailed when the course or bundle has become another product's."""
        product_id = entries.free_id(entry, known) or FIRST_OWN_ID + self._store.counters.next_id(Kind.PRODUCTS)
        product = entries.added(entry, source, product_id, self._clock())
        count = self._store.counters.count(Kind.PRODUCTS, product.id, +1)
        self._store.transact([*self._store.products.save(product, None, sold_by=known.by_productable), count])
        return product

    def change_product(self, product_id: int, change: Callable[[Product], Product]) -> None:
        """Writes only what differs."""

        def attempt() -> None:
            before = self._store.products.get(product_id)
            if before is not None:
                sold_by = self._store.products.find_selling(before.productable_type, before.productable_id)
                self._write(before, change(before), sold_by)

        retry_conflicts(attempt)

    def _write(self, before: Product, after: Product, sold_by: Product | None) -> None:
        if after != before:
            after = replace(after, updated_at=self._clock())
            self._store.transact(self._store.products.save(after, before, sold_by=sold_by))
