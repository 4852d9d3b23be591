"""``/api/tokens``, ``/api/settings``, ``/api/operations``, ``/api/health``: a route is one service call."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from api.platform.docs.routes import router as docs_router
from api.platform.document import document
from api.platform.schemas import (
    ChangeSettings,
    CreateToken,
    HealthResource,
    SettingsResource,
    TokenResource,
    TokenWithSecretResource,
    present,
)
from b2b.http.api.authentication import CurrentPrincipal, Scoped
from b2b.http.api.idempotency import KeyAccepted
from b2b.http.api.operations import OperationResource, present_operation
from b2b.http.api.pagination import DataBody, ListBody, WantedPage
from b2b.http.api.paths import path_id, path_text
from b2b.http.api.requests.bodies import JsonBody
from b2b.http.api.services import CurrentServices, services_of

router = APIRouter(prefix="/api")
router.routes.extend(docs_router.routes)
_tokens = [Depends(Scoped("tokens:write"))]
_any_token = [Depends(Scoped(None))]

TokenId = Annotated[int, path_id("id", "token")]


def _token_exists(request: Request) -> None:
    services_of(request).tokens.must_see(int(request.path_params["id"]), request.state.principal)


@router.get("/health", response_model=HealthResource, tags=["Service"], summary="Whether the API answers")
async def get_health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/openapi.json", tags=["Service"], summary="This document", response_class=JSONResponse)
async def get_document(request: Request) -> Response:
    return Response(document(str(request.base_url).rstrip("/")), media_type="application/json")


@router.get(
    "/tokens", dependencies=_tokens, response_model=ListBody[TokenResource], tags=["Tokens"], summary="List tokens"
)
async def list_tokens(wanted: WantedPage, principal: CurrentPrincipal, services: CurrentServices) -> Response:
    return wanted.answer(partial(services.tokens.list_page, viewer=principal), present)


@router.post(
    "/tokens",
    dependencies=_tokens,
    response_model=DataBody[TokenWithSecretResource],
    status_code=201,
    tags=["Tokens"],
    summary="Make a token",
)
async def create_token(
    principal: CurrentPrincipal,
    body: Annotated[CreateToken, Depends(JsonBody(CreateToken))],
    services: CurrentServices,
) -> dict[str, Any]:
    token, secret = services.tokens.create(
        body.name,
        user_id=principal.user_id,
        scopes=body.wanted_scopes,
        maker=principal,
        expires_at=body.expires_at.end(services.settings.get().timezone) if body.expires_at else None,
    )
    return {"data": present(token) | {"token": secret}}


@router.delete("/tokens/{id}", dependencies=_tokens, status_code=204, tags=["Tokens"], summary="Revoke a token")
async def delete_token(
    token_id: TokenId,
    _: Annotated[None, Depends(KeyAccepted(_token_exists))],
    principal: CurrentPrincipal,
    services: CurrentServices,
) -> Response:
    services.tokens.revoke(token_id, principal)
    return Response(status_code=204)


@router.get(
    "/settings",
    dependencies=_any_token,
    response_model=DataBody[SettingsResource],
    tags=["Settings"],
    summary="Read the settings",
)
async def get_settings(services: CurrentServices) -> dict[str, Any]:
    return {"data": asdict(services.settings.get())}


@router.put(
    "/settings",
    dependencies=[Depends(Scoped("settings:write"))],
    response_model=DataBody[SettingsResource],
    tags=["Settings"],
    summary="Change settings",
)
async def change_settings(
    body: Annotated[ChangeSettings, Depends(JsonBody(ChangeSettings))], services: CurrentServices
) -> dict[str, Any]:
    return {"data": asdict(services.settings.change_settings(body.values()))}


@router.get(
    "/operations/{id}",
    dependencies=_any_token,
    response_model=DataBody[OperationResource],
    tags=["Operations"],
    summary="How far an operation is",
)
async def get_operation(
    operation_id: Annotated[str, path_text("id", "operation")], services: CurrentServices
) -> dict[str, Any]:
    return {"data": present_operation(*services.operations.get(operation_id))}
