"""Refreshing the catalogue from Thinkific: page by page, then the courses of each bundle, then what vanished.

The operation's ``state`` says where to go on:
``{"phase": "pages", "page": 1, "seen": [...]}`` -> ``{"phase": "bundles", "seen": [...], "bundles": [...]}`` ->
``{"phase": "vanished", "missing": [...]}``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from b2b.domain.kinds import Kind
from b2b.domain.operations import Operation
from b2b.domain.products import DELETED, Product, ProductableType
from b2b.domain.timestamps import Clock
from b2b.domain.upstream import CatalogueEntry, ThinkificMissing
from b2b.services.contention import retry_conflicts
from b2b.services.operations import Step

if TYPE_CHECKING:
    from b2b.storage.store import Store
    from b2b.thinkific.client import Thinkific

_TYPES = {kind.value: kind for kind in ProductableType}


class CatalogueSync:
    """One catalogue refresh. Safe to run twice: it only ever writes what Thinkific says."""

    def __init__(self, store: "Store", thinkific: "Thinkific", clock: Clock) -> None:
        self._store = store
        self._thinkific = thinkific
        self._clock = clock

    def step(self, operation: Operation) -> Step:
        """One call to Thinkific and what follows from it; final when there is nothing more to do."""
        return Step(self._advanced(operation))

    def _advanced(self, operation: Operation) -> Operation:
        state = operation.state or {"phase": "pages", "page": 1, "seen": []}
        if state["phase"] == "pages":
            return self._read_page(operation, state)
        if state["bundles"]:
            return self._read_bundle(operation, state)
        if state["phase"] == "bundles":
            seen = {int(product_id) for product_id in state["seen"]}
            return replace(operation, state={"phase": "vanished", "missing": self._missing(seen), "bundles": []})
        if state["missing"]:
            return self._check_missing(operation, state)
        return replace(operation, done=operation.total).finished()

    def _read_page(self, operation: Operation, state: dict[str, Any]) -> Operation:
        page = self._thinkific.catalogue_page(int(state["page"]))
        known = self._store.products.get_many(entry.id for entry in page.entries)
        for entry in page.entries:
            self._save_entry(entry, known.get(entry.id))
        seen = sorted({*(int(seen) for seen in state["seen"]), *(entry.id for entry in page.entries)})
        if page.next_page is not None:
            state = {"phase": "pages", "page": page.next_page, "seen": seen}
        else:
            state = {"phase": "bundles", "seen": seen, "bundles": self._bundles(seen)}
        # A bundle is done when its courses are known.
        done = len(seen) - len(state.get("bundles", ()))
        return replace(operation, total=len(seen), done=done, state=state)

    def _read_bundle(self, operation: Operation, state: dict[str, Any]) -> Operation:
        product_id, *rest = (int(bundle) for bundle in state["bundles"])
        product = self._store.products.get(product_id)
        if product is not None:
            try:
                course_ids = self._thinkific.bundle_course_ids(product.productable_id)
            except ThinkificMissing:
                course_ids = product.course_ids  # deleted since the page was read: the next refresh knows
            self._save(product_id, lambda before: replace(before, course_ids=tuple(sorted(course_ids))))
        return replace(operation, done=operation.done + 1, state=state | {"bundles": rest})

    def _bundles(self, seen: list[int]) -> list[int]:
        products = self._store.products.get_many(seen)
        return [product.id for product in products.values() if product.productable_type is ProductableType.BUNDLE]

    def _save_entry(self, entry: CatalogueEntry, known: Product | None) -> None:
        if known is not None:
            self._save(entry.id, lambda before: _updated(before, entry))
            return
        now = self._clock()
        product = Product(
            id=entry.id,
            productable_id=entry.productable_id,
            productable_type=_TYPES[entry.productable_type],
            name=entry.name,
            status=entry.status,
            slug=entry.slug,
            created_at=now,
            updated_at=now,
        )

        def add() -> None:
            if self._store.products.get(product.id) is None:
                count = self._store.counters.count(Kind.PRODUCTS, product.id, +1)
                self._store.transact([*self._store.products.save(product, None), count])

        retry_conflicts(add)

    def _save(self, product_id: int, change: Callable[[Product], Product]) -> None:
        """Writes only what differs."""

        def attempt() -> None:
            before = self._store.products.get(product_id)
            if before is None:
                return
            after = change(before)
            if after != before:
                after = replace(after, updated_at=self._clock())
                self._store.transact(self._store.products.save(after, before))

        retry_conflicts(attempt)

    def _missing(self, seen: set[int]) -> list[int]:
        known = self._store.products.all()
        return [product.id for product in known if product.id not in seen and not product.is_deleted]

    def _check_missing(self, operation: Operation, state: dict[str, Any]) -> Operation:
        """Pages shift while they are read: what was on none of them is asked for by its id."""
        product_id, *rest = (int(missing) for missing in state["missing"])
        if not self._thinkific.product_exists(product_id):
            self._save(product_id, lambda before: replace(before, status=DELETED))
            product = self._store.products.get(product_id)
            if product is not None:
                self._store.products.mark_copy_deleted(product)
        return replace(operation, state=state | {"missing": rest})


def _updated(before: Product, entry: CatalogueEntry) -> Product:
    return replace(
        before,
        productable_id=entry.productable_id,
        productable_type=_TYPES[entry.productable_type],
        name=entry.name,
        status=entry.status,
        slug=entry.slug,
    )
