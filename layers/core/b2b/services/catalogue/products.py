"""The catalogue as callers see it."""

from typing import TYPE_CHECKING

from b2b.domain.catalogue.entries import Known
from b2b.domain.catalogue.products import PUBLISHED, Product, ProductableType, ProductSource
from b2b.domain.errors import ConditionFailed, InvalidInput, NotFound
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.upstream import CatalogueEntry
from b2b.services.catalogue.entries import ProductEntries
from b2b.services.contention import retry_conflicts
from b2b.services.pages import UNLIMITED, Page, PageRequest, SizeLimit, read_page

if TYPE_CHECKING:
    from b2b.storage.listing import ListPage
    from b2b.storage.store import Store


class ProductService:
    def __init__(self, store: "Store", clock: Clock = utc_now) -> None:
        self._store = store
        self._entries = ProductEntries(store, clock)

    def list_page(self, request: PageRequest, size_limit: SizeLimit[Product] = UNLIMITED) -> Page[Product]:
        return read_page(self._store, Kind.PRODUCTS, request, self._load, size_limit)

    def get(self, product_id: int) -> Product:
        """Raises NotFound."""
        product = self._store.products.get(product_id)
        if product is None:
            raise NotFound(f"There is no product with the id {product_id}.")
        return product

    def search(self, term: str) -> list[Product]:
        """Products whose name contains ``term``, or one of whose ids it is, by name."""
        found = [product for product in self._store.products.all() if product.matches(term)]
        return sorted(found, key=lambda product: (product.name.casefold(), product.id))

    def add_product(self, productable_type: ProductableType, productable_id: int, name: str) -> Product:
        """A course or bundle that none of Thinkific's lists shows. Raises InvalidInput when it is known already."""
        entry = CatalogueEntry(
            id=None,
            productable_id=productable_id,
            productable_type=productable_type,
            name=name,
            status=PUBLISHED,
            slug=None,
        )

        def attempt() -> Product:
            try:
                return self._entries.add_product(entry, ProductSource.MANUAL, Known())
            except ConditionFailed as taken:
                known = self._store.products.find_selling(productable_type, productable_id)
                if known is None:
                    raise
                raise InvalidInput.field("productable_id", _known_already(known)) from taken

        return retry_conflicts(attempt)

    def _load(self, page: "ListPage") -> dict[int, Product]:
        return {product.id: product for product in self._store.products.from_rows(page.rows)}


def _known_already(product: Product) -> str:
    kind = product.productable_type.lower()
    known = f'The {kind} {product.productable_id} is known already: it is the product {product.id}, "{product.name}"'
    if not product.is_deleted:
        return f"{known}."
    return (
        f"{known}, which Thinkific's lists no longer show. If it was moved to Thinkific's newer course builder, "
        "`b2b key set --graphql` lets us see it again."
    )
