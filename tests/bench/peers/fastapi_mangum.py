"""FastAPI as its tutorial has it, but without a thread: what the framework costs before anything of ours."""

import time
from typing import Annotated, Any

import boto3
from aws_lambda_powertools import Logger
from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response
from mangum import Mangum
from pydantic import BaseModel
from tests.bench.peers.task import ROUTES, SEARCH, Refused, authorize, find_by_email, log_fields

from api.users.schemas import SearchUser, UserResource, present

dynamodb: Any = boto3.client("dynamodb")
logger = Logger(service="fastapi_mangum", use_rfc3339=True)


class Answer(BaseModel):
    data: UserResource


async def _authorized(request: Request) -> int:
    return authorize(request.headers.get("authorization"))


async def search(body: SearchUser, token_id: Annotated[int, Depends(_authorized)]) -> dict[str, Any]:
    return {"data": present(find_by_email(body.email))}


async def logged_search(
    request: Request, body: SearchUser, token_id: Annotated[int, Depends(_authorized)]
) -> dict[str, Any]:
    started = time.perf_counter()
    answer = await search(body, token_id)
    seconds = time.perf_counter() - started
    request_id = request.scope["aws.event"]["requestContext"]["requestId"]
    logger.info("request", extra=log_fields(request_id, 200, seconds, token_id))
    return answer


async def _not_built() -> None:
    raise Refused(404, "Not part of the measurement.")


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refused) else 500
    return Response(error.body if isinstance(error, Refused) else "{}", status, media_type="application/json")


def _handler(endpoint: Any) -> Mangum:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_exception_handler(Refused, _refused)
    for method, path in ROUTES:
        if (method, path) == SEARCH:
            app.add_api_route(path, endpoint, methods=[method], response_model=Answer)
        else:
            app.add_api_route(path, _not_built, methods=[method])
    return Mangum(app, lifespan="off")


handler = _handler(search)
logging_handler = _handler(logged_search)
