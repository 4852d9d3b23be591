"""Products on the wire."""

from typing import Any

from pydantic import BaseModel

from b2b.domain import timestamps
from b2b.domain.catalogue.products import Product, ProductableType, ProductSource
from b2b.http.api.requests.fields import Moment, ProductableTypeField, RequestBody, Text, ThinkificId


class SearchProducts(BaseModel):
    """The query of a search."""

    term: Text


class SyncCatalogue(RequestBody):
    """Nothing to say: an empty object, or no body at all."""


class AddProduct(RequestBody):
    productable_id: ThinkificId
    productable_type: ProductableTypeField
    name: Text


class ProductResource(BaseModel):
    id: int
    thinkific_id: int
    productable_id: int
    productable_type: ProductableType
    name: str
    status: str
    slug: str | None
    course_ids: list[int]
    source: ProductSource
    created_at: Moment
    updated_at: Moment


def present(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "thinkific_id": product.id if product.thinkific_id is None else product.thinkific_id,
        "productable_id": product.productable_id,
        "productable_type": product.productable_type,
        "name": product.name,
        "status": product.status,
        "slug": product.slug,
        "course_ids": list(product.course_ids),
        "source": product.source,
        "created_at": timestamps.to_text(product.created_at),
        "updated_at": timestamps.to_text(product.updated_at),
    }
