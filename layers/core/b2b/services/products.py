"""The catalogue as callers see it."""

from typing import TYPE_CHECKING

from b2b.domain.errors import NotFound
from b2b.domain.kinds import Kind
from b2b.domain.products import Product
from b2b.services.pages import ENDLESS, Page, PageRequest, Room, read_page

if TYPE_CHECKING:
    from b2b.storage.listing import ListPage
    from b2b.storage.store import Store


class ProductService:
    def __init__(self, store: "Store") -> None:
        self._store = store

    def list_page(self, request: PageRequest, room: Room[Product] = ENDLESS) -> Page[Product]:
        return read_page(self._store, Kind.PRODUCTS, request, self._load, room)

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

    def _load(self, page: "ListPage") -> dict[int, Product]:
        return {product.id: product for product in self._store.products.from_rows(page.rows)}
