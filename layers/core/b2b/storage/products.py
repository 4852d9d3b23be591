"""The catalogue: each product under its own id and, the same, under the id of its course or bundle."""

from collections.abc import Iterable

from boto3.dynamodb.conditions import Attr, ConditionBase

from b2b.domain import timestamps
from b2b.domain.kinds import Kind
from b2b.domain.products import Candidates, Product, ProductableType
from b2b.storage import keys
from b2b.storage.table import ABSENT, Action, Item, Table, put

# The one attribute in which a product stands, so that the list index can carry it whole.
_DATA = "product"


class Products:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, product_id: int) -> Product | None:
        item = self._table.get(keys.product(product_id))
        return product_from_item(item) if item else None

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

    def save(self, product: Product, before: Product | None) -> list[Action]:
        """The product and its copy under the productable id. Refused when another run of the sync was faster."""
        item = {_DATA: _data(product)}
        own = put(keys.product(product.id), item | _listing(product), when=_is_still(before))
        if product.is_deleted:
            return [own]
        return [own, put(keys.productable(product.productable_type, product.productable_id), item)]

    def mark_copy_deleted(self, product: Product) -> None:
        """Unless the course or bundle is another product's by now."""
        key = keys.productable(product.productable_type, product.productable_id)
        copy = put(key, {_DATA: _data(product)}, when=Attr(f"{_DATA}.id").eq(product.id))
        self._table.succeeds(copy)


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
        productable_id=item["productable_id"],
        productable_type=ProductableType(item["productable_type"]),
        name=item["name"],
        status=item["status"],
        slug=item.get("slug"),
        course_ids=tuple(int(course_id) for course_id in item.get("course_ids", ())),
        created_at=timestamps.from_text(item["created_at"]),
        updated_at=timestamps.from_text(item["updated_at"]),
    )


def _data(product: Product) -> Item:
    return {
        "id": product.id,
        "productable_id": product.productable_id,
        "productable_type": product.productable_type.value,
        "name": product.name,
        "status": product.status,
        "slug": product.slug,
        "course_ids": list(product.course_ids),
        "created_at": timestamps.to_text(product.created_at),
        "updated_at": timestamps.to_text(product.updated_at),
    }


def _listing(product: Product) -> Item:
    return {keys.LIST_PARTITION: Kind.PRODUCTS, keys.LIST_SORT: keys.padded(product.id)}


def _is_still(before: Product | None) -> ConditionBase:
    if before is None:
        return ABSENT
    return Attr(f"{_DATA}.updated_at").eq(timestamps.to_text(before.updated_at))
