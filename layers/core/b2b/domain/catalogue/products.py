"""Products: courses and bundles of the school, as Thinkific's lists show them or a person has added them.

Thinkific's REST lists leave out courses made with its newer course builder. Such a course comes through GraphQL or by
hand, and its product id in Thinkific may be unknown for a while. It has an id of ours until then and ever after, since
grants and enrollments refer to it: from ``FIRST_OWN_ID`` on, far beyond Thinkific's ids and within what JavaScript
holds exactly.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

DELETED = "deleted"
PUBLISHED = "published"
FIRST_OWN_ID = 9_000_000_000_000_000


class ProductableType(StrEnum):
    COURSE = "Course"
    BUNDLE = "Bundle"


class ProductSource(StrEnum):
    """Where a product was last seen: in REST's list, in GraphQL's alone, or nowhere since a person added it."""

    REST = "rest"
    GRAPHQL = "graphql"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """``productable_id`` is the id of the course or bundle that it sells.

    ``id`` never changes: Thinkific's product id where that was known from the start, else one of ours.
    ``learned_id`` is Thinkific's product id where a list has shown it later.
    """

    id: int
    learned_id: int | None = None
    productable_id: int
    productable_type: ProductableType
    name: str
    status: str
    slug: str | None
    course_ids: tuple[int, ...] = ()
    source: ProductSource = ProductSource.REST
    created_at: datetime
    updated_at: datetime

    @property
    def thinkific_id(self) -> int | None:
        """Thinkific's product id; None until a list has shown it."""
        if self.learned_id is not None:
            return self.learned_id
        return self.id if self.id < FIRST_OWN_ID else None

    @property
    def is_hidden(self) -> bool:
        """Whether REST's list does not show it: what its other lists show of it is not known either."""
        return self.source is not ProductSource.REST

    @property
    def ids(self) -> tuple[int, ...]:
        """All that it is found by, its course's or bundle's apart."""
        return (self.id,) if self.learned_id is None else (self.id, self.learned_id)

    @property
    def is_deleted(self) -> bool:
        """Whether it vanished from Thinkific: kept, but no longer to be granted or enrolled."""
        return self.status == DELETED

    def matches(self, term: str) -> bool:
        """Whether a search for ``term`` finds it: part of the name in any case, or one of its ids."""
        return term.casefold() in self.name.casefold() or term in map(str, (*self.ids, self.productable_id))


@dataclass(frozen=True, slots=True)
class ProductReference:
    """How a request names a product: the course's or bundle's id, else the product's (contract, section 2).

    ``productable_type``: nothing else is meant. ``if_ambiguous``: which of a course and a bundle with this number.
    ``place``: where it stands in a list of the caller's; None = as counted.
    """

    number: int
    productable_type: ProductableType | None = None
    if_ambiguous: ProductableType | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The products that a reference's number may mean."""

    by_productable: tuple[Product, ...] = field(default=())
    by_id: Product | None = None


class UnresolvedReference(ValueError):
    """``str(error)`` tells the caller what to do about it."""


def resolve(reference: ProductReference, candidates: Candidates, *, with_deleted: bool = False) -> Product:
    """The one product that ``reference`` means.

    Raises UnresolvedReference when there is none, when it is gone from Thinkific (unless ``with_deleted``), or when
    a course and a bundle share the number and the reference does not say which.
    """
    wanted = reference.productable_type
    found = [product for product in candidates.by_productable if wanted in (None, product.productable_type)]
    if len(_without_deleted(found)) > 1 and reference.if_ambiguous is not None:
        found = [product for product in found if product.productable_type is reference.if_ambiguous]
    alive = _without_deleted(found)
    if len(alive) > 1:
        raise UnresolvedReference(
            f"Both a course and a bundle have the id {reference.number}: say which with `productable_type`."
        )
    if not found and candidates.by_id is not None and wanted in (None, candidates.by_id.productable_type):
        found = [candidates.by_id]
        alive = _without_deleted(found)
    if not found:
        kind = wanted.value.lower() if wanted else "course, bundle or product"
        raise UnresolvedReference(f"There is no {kind} with the id {reference.number}.")
    if not alive and with_deleted:
        return found[0]
    if not alive:
        raise no_longer_sold(found[0], reference)
    return alive[0]


def no_longer_sold(product: Product, reference: ProductReference) -> UnresolvedReference:
    return UnresolvedReference(f'"{product.name}" (id {reference.number}) no longer exists in Thinkific.')


def _without_deleted(products: Iterable[Product]) -> list[Product]:
    return [product for product in products if not product.is_deleted]
