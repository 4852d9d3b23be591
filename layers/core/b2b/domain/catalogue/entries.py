"""What an entry of one of Thinkific's lists means: which product it is about, and what that product is then."""

from dataclasses import dataclass, replace
from datetime import datetime

from b2b.domain.catalogue.products import FIRST_OWN_ID, Product, ProductableType, ProductSource
from b2b.domain.work.upstream import CatalogueEntry


@dataclass(frozen=True, slots=True)
class Known:
    """The products that are found by an entry's product id, and by the id of its course or bundle."""

    by_id: Product | None = None
    by_productable: Product | None = None


def matching_product(source: ProductSource, known: Known) -> Product | None:
    """The product that an entry of which this is ``known`` is about; None: a new one.

    REST's product ids are certain: one that is known decides, and a course that REST shows with another product than
    before is that product's from now on. What REST did not show before is told by its course or bundle, whatever
    product id it has so far; so is all that GraphQL shows.
    """
    if source is ProductSource.REST and known.by_id is not None:
        return known.by_id
    same = known.by_productable
    if same is None or (source is ProductSource.REST and not same.is_hidden):
        return None
    return same


def updated(before: Product, entry: CatalogueEntry, source: ProductSource, known: Known) -> Product:
    """``before`` as ``entry`` shows it. What the entry leaves open stays as it is."""
    return replace(
        before,
        learned_id=_learned_id(before, entry, known),
        productable_id=entry.productable_id,
        productable_type=ProductableType(entry.productable_type),
        name=entry.name or before.name,
        status=entry.status,
        slug=entry.slug or before.slug,
        source=source,
    )


def added(entry: CatalogueEntry, source: ProductSource, product_id: int, now: datetime) -> Product:
    kind = ProductableType(entry.productable_type)
    return Product(
        id=product_id,
        productable_id=entry.productable_id,
        productable_type=kind,
        name=entry.name or f"{kind} {entry.productable_id}",
        status=entry.status,
        slug=entry.slug,
        source=source,
        created_at=now,
        updated_at=now,
    )


def free_id(entry: CatalogueEntry, known: Known) -> int | None:
    """The entry's product id as the id of a new product; None where it tells none, or another product has it."""
    return entry.id if known.by_id is None and _is_theirs(entry.id) else None


def _learned_id(before: Product, entry: CatalogueEntry, known: Known) -> int | None:
    is_another_products = known.by_id is not None and known.by_id.id != before.id
    if entry.id == before.id or not _is_theirs(entry.id) or is_another_products:
        return before.learned_id
    return entry.id


def _is_theirs(product_id: int | None) -> bool:
    return product_id is not None and product_id < FIRST_OWN_ID
