"""``/api/products``: each route turns a request into one service call."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import WithJsonSchema

from api.products.schemas import AddProduct, ProductResource, SearchProducts, SyncCatalogue, present
from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.http.api.authentication import Scoped
from b2b.http.api.operations import OperationResource, StartedBody, present_operation
from b2b.http.api.pagination import DataBody, ListBody, WantedPage
from b2b.http.api.paths import path_id
from b2b.http.api.requests.bodies import JsonBody, validated
from b2b.http.api.requests.fields import MAX_TEXT
from b2b.http.api.services import CurrentServices

router = APIRouter(prefix="/api/products", tags=["Products"])
_readable = [Depends(Scoped("products:read"))]
_writable = [Depends(Scoped("products:write"))]

ProductId = Annotated[int, path_id("id", "product")]


@router.get("", dependencies=_readable, response_model=ListBody[ProductResource], summary="List products")
async def list_products(wanted: WantedPage, services: CurrentServices) -> Response:
    return wanted.answer(services.products.list_page, present)


@router.post(
    "",
    dependencies=_writable,
    status_code=201,
    response_model=DataBody[ProductResource],
    summary="Add a product by hand",
)
async def add_product(
    new: Annotated[AddProduct, Depends(JsonBody(AddProduct))], services: CurrentServices
) -> dict[str, Any]:
    return {"data": present(services.products.add_product(new.productable_type, new.productable_id, new.name))}


_TERM = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TEXT})


async def _term(term: Annotated[str | None, Query(), _TERM] = None) -> str:
    return validated(SearchProducts, {"term": term}).term


@router.get("/search", dependencies=_readable, response_model=DataBody[list[ProductResource]], summary="Find products")
async def search_products(term: Annotated[str, Depends(_term)], services: CurrentServices) -> dict[str, Any]:
    return {"data": [present(product) for product in services.products.search(term)]}


@router.post(
    "/sync",
    dependencies=_writable,
    response_model=StartedBody[OperationResource],
    summary="Refresh the catalogue from Thinkific",
)
async def sync_products(
    _: Annotated[SyncCatalogue, Depends(JsonBody(SyncCatalogue))], services: CurrentServices
) -> dict[str, Any]:
    started = present_operation(services.operations.start(CatalogueSyncState()), [])
    return {"data": started, "operation": started}


@router.get("/{id}", dependencies=_readable, response_model=DataBody[ProductResource], summary="Read a product")
async def get_product(product_id: ProductId, services: CurrentServices) -> dict[str, Any]:
    return {"data": present(services.products.get(product_id))}
