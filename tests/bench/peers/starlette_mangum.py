"""Starlette's router, pydantic for the body, Mangum in front."""

import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from mangum import Mangum
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.bench.peers.task import ROUTES, SEARCH, Refused, authorize, find_by_email, log_fields

from api.users.schemas import SearchUser, present

dynamodb: Any = boto3.client("dynamodb")
logger = Logger(service="starlette_mangum", use_rfc3339=True)


async def search(request: Request) -> Response:
    request.state.token_id = authorize(request.headers.get("authorization"))
    try:
        wanted = SearchUser.model_validate_json(await request.body())
    except ValidationError as error:
        raise Refused(422, str(error)) from None
    return JSONResponse({"data": present(find_by_email(wanted.email))})


async def logged_search(request: Request) -> Response:
    started = time.perf_counter()
    response = await search(request)
    seconds = time.perf_counter() - started
    request_id = request.scope["aws.event"]["requestContext"]["requestId"]
    logger.info("request", extra=log_fields(request_id, response.status_code, seconds, request.state.token_id))
    return response


async def _not_built(request: Request) -> Response:
    raise Refused(404, "Not part of the measurement.")


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refused) else 500
    return Response(error.body if isinstance(error, Refused) else "{}", status, media_type="application/json")


def _handler(endpoint: Any) -> Mangum:
    routes = [
        Route(path, endpoint if (method, path) == SEARCH else _not_built, methods=[method]) for method, path in ROUTES
    ]
    return Mangum(Starlette(routes=routes, exception_handlers={Refused: _refused}), lifespan="off")


handler = _handler(search)
logging_handler = _handler(logged_search)
