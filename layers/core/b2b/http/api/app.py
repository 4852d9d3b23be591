"""The FastAPI application of one resource group."""

from fastapi import APIRouter, FastAPI

from b2b.http.api.errors import install_error_handlers
from b2b.http.api.idempotency import IdempotencyKeys
from b2b.http.entry import Entry
from b2b.observability import logger
from b2b.wiring.api import ApiServices


def create_app(router: APIRouter, services: ApiServices) -> FastAPI:
    """The routes of ``router`` with the contract's errors; ``services`` is what they call."""
    # Given as they are, not included: an included router hides its routes from the 405 answer and the document.
    app = FastAPI(routes=router.routes, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.services = services
    install_error_handlers(app)
    return app


def with_entry(app: FastAPI, service: str) -> Entry:
    """The application as a server or Lambda runs it: idempotency keys, request id, log line."""
    return Entry(IdempotencyKeys(app, app.state.services), logger(service))
