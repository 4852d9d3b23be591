"""The API's groups of calls: one for each function that the gateway calls, found in the template."""

from importlib import import_module
from typing import TYPE_CHECKING

from b2b_cli.local.template import DEFAULT_PATH, Route, Template

if TYPE_CHECKING:
    from fastapi import APIRouter

_ROUTES = Template().routes()


def _router(package: str) -> "APIRouter":
    router: APIRouter = import_module(f"{package}.routes").router
    return router


# By the names of the functions' packages, in the template's order.
GROUPS = {route.group: _router(route.package) for route in _ROUTES}


def group_of(path: str) -> str:
    """Whose function answers a request, chosen as the gateway does.

    The path itself goes before the longest ``{proxy+}``, and that before ``$default`` (API Gateway Developer Guide,
    "Create routes for HTTP APIs").
    """
    return next(route.group for route in _BY_PRECEDENCE if route.fits(path))


def _precedence(route: Route) -> tuple[bool, bool, int]:
    return route.path == DEFAULT_PATH, route.is_greedy, -len(route.path)


_BY_PRECEDENCE = sorted(_ROUTES, key=_precedence)
