"""Bearer tokens and scopes. Every route names its scope; one that names none is visibly public."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers

from b2b.domain.errors import Forbidden, Unauthenticated
from b2b.domain.identity.tokens import Principal
from b2b.http.api.services import services_of


class Scoped:
    """Dependency: the caller, whose token has ``scope`` (None: any token). Raises Unauthenticated or Forbidden."""

    def __init__(self, scope: str | None) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Principal:
        principal = services_of(request).tokens.authenticate(bearer(request.headers))
        request.state.token_id = principal.token_id
        if self.scope is not None and self.scope not in principal.scopes:
            raise Forbidden
        request.state.principal = principal
        return principal


async def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


# In a route's signature, for routes that are ``Scoped`` in their decorator.
CurrentPrincipal = Annotated[Principal, Depends(_principal)]


def bearer(headers: Headers) -> str:
    """The token's secret. Raises Unauthenticated."""
    scheme, _, secret = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    return secret.strip()
