"""How routes get at the services they were started with."""

from typing import Annotated

from fastapi import Depends, Request

from b2b.wiring.api import ApiServices


def services_of(request: Request) -> ApiServices:
    services: ApiServices = request.app.state.services
    return services


async def _services(request: Request) -> ApiServices:
    return services_of(request)


# In a route's signature.
CurrentServices = Annotated[ApiServices, Depends(_services)]
