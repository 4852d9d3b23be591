"""The API of the local stack: each group's own application, chosen by the path as the gateway does."""

from importlib import resources
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from admin.routes import router as admin_router
from b2b.http.app import create_app, with_entry
from b2b.wiring.core import services
from products.routes import router as products_router
from students.routes import router as students_router
from users.routes import router as users_router

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

GROUPS = {"users": users_router, "students": students_router, "products": products_router, "admin": admin_router}

_DOCS_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>B2B seats: the API</title>
  <link rel="stylesheet" href="docs/files/swagger-ui.css">
</head>
<body>
  <div id="api"></div>
  <script src="docs/files/swagger-ui-bundle.js"></script>
  <script>
    SwaggerUIBundle({url: "api/openapi.json", dom_id: "#api", persistAuthorization: true, tryItOutEnabled: true});
  </script>
</body>
</html>
"""


class LocalApi:
    """``/api/users...`` to the users' application and so on; every other path to admin's, or to the pages."""

    def __init__(self, groups: "dict[str, ASGIApp]", pages: "ASGIApp") -> None:
        self._groups = groups
        self._pages = pages

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "lifespan":
            await self._pages(scope, receive, send)
            return
        first, _, rest = scope["path"].strip("/").partition("/")
        if first != "api":
            await self._pages(scope, receive, send)
            return
        group = rest.partition("/")[0]
        await self._groups.get(group, self._groups["admin"])(scope, receive, send)


def create_local_api() -> LocalApi:
    """For ``uvicorn --factory``."""
    apps = {group: create_app(router, services()) for group, router in GROUPS.items()}

    async def docs(_: "Request") -> HTMLResponse:
        return HTMLResponse(_DOCS_PAGE)

    pages = Starlette(
        routes=[
            Route("/docs", docs),
            Mount("/docs/files", StaticFiles(directory=_swagger_files())),
        ]
    )
    groups: dict[str, Any] = {group: with_entry(app, group) for group, app in apps.items()}
    return LocalApi(groups, pages)


def _swagger_files() -> str:
    return str(resources.files("fastapi_swagger").joinpath("resources"))
