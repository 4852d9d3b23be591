"""The least there can be: a function that reads the event, and pydantic. It logs only when it is told to."""

import json
import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from pydantic import ValidationError
from tests.bench.peers.task import ROUTES, SEARCH, Refused, authorize, find_by_email, log_fields

from api.users.schemas import SearchUser, present

dynamodb: Any = boto3.client("dynamodb")
logger = Logger(service="handwritten", use_rfc3339=True)

Event = dict[str, Any]


def handler(event: Event, context: object) -> dict[str, Any]:
    status, body, _ = _answer(event)
    return _response(event, status, body)


def logging_handler(event: Event, context: object) -> dict[str, Any]:
    started = time.perf_counter()
    status, body, token_id = _answer(event)
    seconds = time.perf_counter() - started
    logger.info("request", extra=log_fields(event["requestContext"]["requestId"], status, seconds, token_id))
    return _response(event, status, body)


def _answer(event: Event) -> tuple[int, str, int | None]:
    token_id = None
    try:
        work = _ROUTES.get((event["requestContext"]["http"]["method"], event["rawPath"]), _not_built)
        token_id = authorize(event["headers"].get("authorization"))
        return 200, work(event), token_id
    except Refused as refused:
        return refused.status, refused.body, token_id


def _search(event: Event) -> str:
    try:
        wanted = SearchUser.model_validate_json(event["body"])
    except ValidationError as error:
        raise Refused(422, str(error)) from None
    return json.dumps({"data": present(find_by_email(wanted.email))})


def _not_built(event: Event) -> str:
    raise Refused(404, "Not part of the measurement.")


def _response(event: Event, status: int, body: str) -> dict[str, Any]:
    headers = {"content-type": "application/json", "x-request-id": event["requestContext"]["requestId"]}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


_ROUTES = {route: _search if route == SEARCH else _not_built for route in ROUTES}
