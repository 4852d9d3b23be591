"""The API of the local stack: each group's own application, chosen by the path as the gateway does."""

from typing import TYPE_CHECKING

from api.platform.routes import router as platform_router
from api.products.routes import router as products_router
from api.students.routes import router as students_router
from api.users.routes import router as users_router
from b2b.http.api.app import create_app, with_entry
from b2b.wiring.api import api_services

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

GROUPS = {"users": users_router, "students": students_router, "products": products_router, "platform": platform_router}


class LocalApi:
    """``/api/users...`` to the users' application and so on; every other path to admin's."""

    def __init__(self, groups: "dict[str, ASGIApp]") -> None:
        self._groups = groups

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "lifespan":
            await self._groups["platform"](scope, receive, send)
            return
        first, _, rest = scope["path"].strip("/").partition("/")
        group = rest.partition("/")[0] if first == "api" else "platform"
        await self._groups.get(group, self._groups["platform"])(scope, receive, send)


def create_local_api() -> LocalApi:
    """For ``uvicorn --factory``."""
    apps = {group: create_app(router, api_services()) for group, router in GROUPS.items()}
    return LocalApi({group: with_entry(app, group) for group, app in apps.items()})
