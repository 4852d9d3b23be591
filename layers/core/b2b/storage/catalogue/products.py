"""The catalogue: each product under its own id and, the same, under the id of its course or bundle.

A product that got its id before Thinkific's was known is also found under Thinkific's. Only the item under its own id
is in the list.
"""

from collections.abc import Iterable, Sequence

from boto3.dynamodb.conditions import Attr, ConditionBase

from b2b.domain import timestamps
from b2b.domain.catalogue.entries import Known
from b2b.domain.catalogue.products import Candidates, Product, ProductableType, ProductSource
from b2b.domain.kinds import Kind
from b2b.domain.work.upstream import CatalogueEntry
from b2b.storage import keys
from b2b.storage.actions import ABSENT, Action, check, put
from b2b.storage.items import Item
from b2b.storage.table import Table

# The one attribute in which a product stands, so that the list index can carry it whole.
_DATA = "product"


class Products:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, product_id: int) -> Product | None:
        """By its own id, or by Thinkific's product id."""
        return self._product(keys.product(product_id))

    def find_selling(self, productable_type: ProductableType, productable_id: int) -> Product | None:
        """The product that sells this course or bundle."""
        return self._product(keys.productable(productable_type, productable_id))

    def is_hidden_course(self, course_id: int) -> bool:
        """Whether it is a course that REST's list does not show (one that nobody knows is not)."""
        product = self.find_selling(ProductableType.COURSE, course_id)
        return product is not None and product.is_hidden

    def known(self, entries: Sequence[CatalogueEntry]) -> list[Known]:
        """What there is of each entry, in one round trip for each 50 of them."""
        pairs = [(_key_by_id(entry), _key_by_productable(entry)) for entry in entries]
        found = self._table.get_many(key for pair in pairs for key in pair if key is not None)
        products = {key: product_from_item(item) for key, item in found.items()}
        return [
            Known(
                by_id=products.get(by_id) if by_id else None,
                by_productable=products.get(by_productable),
            )
            for by_id, by_productable in pairs
        ]

    def get_many(self, product_ids: Iterable[int]) -> dict[int, Product]:
        found = self._table.get_many(keys.product(product_id) for product_id in product_ids)
        return {product.id: product for product in map(product_from_item, found.values())}

    def all(self) -> list[Product]:
        """The whole catalogue, by id. One round trip for each 1 MB: some 2,000 products."""
        return self.from_rows(self._table.list_all(Kind.PRODUCTS))

    def from_rows(self, rows: Iterable[Item]) -> list[Product]:
        """The products that rows of their list stand for."""
        return [product_from_item(row) for row in rows]

    # Members of transactions.

    def save(self, product: Product, before: Product | None, *, sold_by: Product | None = None) -> list[Action]:
        """The product and its copies. Refused when others were faster.

        ``sold_by``: the product that sells the course or bundle so far. Of another one, a deleted product takes
        nothing; any other takes it over.
        """
        item = {_DATA: _data(product)}
        actions = [put(keys.product(product.id), item | _listing(product), when=_is_still(before))]
        if product.learned_id is not None:
            actions.append(put(keys.product(product.learned_id), item, when=_is_of(product)))
        sellers = [product] if sold_by is None else [product, sold_by]
        if not product.is_deleted or (sold_by is not None and sold_by.id == product.id):
            key = keys.productable(product.productable_type, product.productable_id)
            actions.append(put(key, item, when=_is_of(*sellers)))
        return actions

    def restore(self, product: Product) -> Action:
        """The product, which is gone, as a copy of it says."""
        return put(keys.product(product.id), {_DATA: _data(product)} | _listing(product), when=ABSENT)

    def copy(self, product: Product, key: keys.Key, before: Product | None) -> Action:
        """The product as it is, in place of ``before``."""
        return put(key, {_DATA: _data(product)}, when=_is_still(before))

    def product_unchanged(self, key: keys.Key, product: Product) -> Action:
        return check(key, _is_still(product))

    def _product(self, key: keys.Key) -> Product | None:
        item = self._table.get(key)
        return product_from_item(item) if item else None


def candidate_keys(number: int) -> list[keys.Key]:
    """Where the products stand that ``number`` in a request may mean."""
    return [*(keys.productable(kind, number) for kind in ProductableType), keys.product(number)]


def candidates_from_items(number: int, found: dict[keys.Key, Item]) -> Candidates:
    *by_productable, by_id = (found.get(key) for key in candidate_keys(number))
    return Candidates(
        by_productable=tuple(product_from_item(item) for item in by_productable if item),
        by_id=product_from_item(by_id) if by_id else None,
    )


def product_from_item(item: Item) -> Product:
    item = item[_DATA]
    return Product(
        id=item["id"],
        learned_id=item.get("learned_id"),
        productable_id=item["productable_id"],
        productable_type=ProductableType(item["productable_type"]),
        name=item["name"],
        status=item["status"],
        slug=item.get("slug"),
        course_ids=tuple(int(course_id) for course_id in item.get("course_ids", ())),
        # Rows of earlier releases have none: they came from REST.
        source=ProductSource(item.get("source", ProductSource.REST)),
        created_at=timestamps.from_text(item["created_at"]),
        updated_at=timestamps.from_text(item["updated_at"]),
    )


def _data(product: Product) -> Item:
    return {
        "id": product.id,
        **({} if product.learned_id is None else {"learned_id": product.learned_id}),
        "productable_id": product.productable_id,
        "productable_type": product.productable_type.value,
        "name": product.name,
        "status": product.status,
        "slug": product.slug,
        "course_ids": list(product.course_ids),
        "source": product.source.value,
        "created_at": timestamps.to_text(product.created_at),
        "updated_at": timestamps.to_text(product.updated_at),
    }


def _listing(product: Product) -> Item:
    return {keys.LIST_PARTITION: Kind.PRODUCTS, keys.LIST_SORT: keys.padded(product.id)}


def _is_still(before: Product | None) -> ConditionBase:
    if before is None:
        return ABSENT
    same_id = Attr(f"{_DATA}.id").eq(before.id)
    return same_id & Attr(f"{_DATA}.updated_at").eq(timestamps.to_text(before.updated_at))


def _is_of(*products: Product) -> ConditionBase:
    """Whether a copy is free or one of theirs."""
    condition: ConditionBase = ABSENT
    for product in products:
        condition |= Attr(f"{_DATA}.id").eq(product.id)
    return condition


def copy_keys(product: Product) -> list[keys.Key]:
    """Where its copies stand: under the id of its course or bundle, and under Thinkific's product id."""
    by_productable = keys.productable(product.productable_type, product.productable_id)
    return [by_productable, *(keys.product(number) for number in product.ids if number != product.id)]


def _key_by_id(entry: CatalogueEntry) -> keys.Key | None:
    return None if entry.id is None else keys.product(entry.id)


def _key_by_productable(entry: CatalogueEntry) -> keys.Key:
    return keys.productable(ProductableType(entry.productable_type), entry.productable_id)
