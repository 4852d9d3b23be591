"""How routes get at the services they were started with."""

from typing import Annotated

from fastapi import Depends, Request

from b2b.wiring.core import Services


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    return services_of(request)


# In a route's signature.
CurrentServices = Annotated[Services, Depends(_services)]
