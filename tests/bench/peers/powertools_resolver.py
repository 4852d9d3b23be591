"""The event handler of Powertools, with its validation of bodies and answers."""

import time
from typing import Annotated, Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel
from tests.bench.peers.task import ROUTES, SEARCH, Refused, authorize, find_by_email, log_fields

from api.users.schemas import SearchUser, UserResource, present

dynamodb: Any = boto3.client("dynamodb")
logger = Logger(service="powertools_resolver", use_rfc3339=True)


class Answer(BaseModel):
    data: UserResource


def search(body: Annotated[SearchUser, Body()]) -> Answer:
    return Answer.model_validate({"data": present(find_by_email(body.email))})


def _not_built() -> Response[str]:
    raise Refused(404, "Not part of the measurement.")


def _authorized(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    context: Any = app
    context.append_context(token_id=authorize(app.current_event.headers.get("authorization")))
    response: Response[Any] = next_middleware(app)
    return response


def _logged(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    started = time.perf_counter()
    response: Response[Any] = next_middleware(app)
    seconds = time.perf_counter() - started
    request_id = app.current_event.request_context.request_id
    logger.info("request", extra=log_fields(request_id, response.status_code, seconds, app.context.get("token_id")))
    return response


def _refused(refused: Refused) -> Response[str]:
    return Response(refused.status, content_type="application/json", body=refused.body)


def _handler(*middlewares: Any) -> Any:
    app = APIGatewayHttpResolver(enable_validation=True)
    app.use(middlewares=list(middlewares))
    app.exception_handler(Refused)(_refused)
    for method, path in ROUTES:
        work: Any = search if (method, path) == SEARCH else _not_built
        app.route(path.replace("{id}", "<id>"), method=method)(work if "{id}" not in path else _with_id)
    return app.resolve


def _with_id(id: str) -> Response[str]:  # noqa: A002 - the name in the path
    return _not_built()


handler = _handler(_authorized)
logging_handler = _handler(_logged, _authorized)
