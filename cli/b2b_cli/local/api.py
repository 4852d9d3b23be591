"""The API of the local stack: each group's own application, chosen by the path as the gateway does."""

from typing import TYPE_CHECKING

from b2b.http.api.app import create_app, with_entry
from b2b.wiring.api import api_services
from b2b_cli.groups import GROUPS, group_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send


class LocalApi:
    """``applications`` by their groups."""

    def __init__(self, applications: "Mapping[str, ASGIApp]") -> None:
        self._applications = applications

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        # The server's own start and end have no path, and any application answers them.
        await self._applications[group_of(scope.get("path", ""))](scope, receive, send)


def create_local_api() -> LocalApi:
    """For ``uvicorn --factory``."""
    apps = {group: create_app(router, api_services()) for group, router in GROUPS.items()}
    return LocalApi({group: with_entry(app, group) for group, app in apps.items()})
