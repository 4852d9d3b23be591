"""Reading what Thinkific answers: a body, or an error that says what its status means."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from b2b.domain.work.upstream import AnswerLost, EmailTaken, NameTaken, ThinkificDown, ThinkificRejected
from b2b.gateways.thinkific.models import flattened_errors

RETRY_SOON_SECONDS = 5.0
_RESET_UNKNOWN_SECONDS = 60.0

Json = dict[str, Any]
Answer = TypeVar("Answer", bound=BaseModel)


def json_body(response: httpx.Response) -> Json | None:
    """None for an answer without a body: PUT answers 204, or 200 with nothing in it."""
    if not response.content:
        return None
    try:
        answer = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _unreadable(response) from error
    if not isinstance(answer, dict):
        raise _unreadable(response)
    return answer


def parsed(model: type[Answer], answer: Json) -> Answer:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise AnswerLost(f"Thinkific answered something that is no {model.__name__}.") from error


def is_rate_limited(response: httpx.Response) -> bool:
    """429, or the older rule's 403."""
    status = response.status_code
    return status == 429 or (status == 403 and "rate limit" in response.text.lower())


def refuses_key(response: httpx.Response) -> bool:
    status = response.status_code
    return status == 401 or (status == 403 and not is_rate_limited(response) and not _concerns_scope(response))


def _concerns_scope(response: httpx.Response) -> bool:
    """Whether the token may not make this call; the plan and the key are fine."""
    text = response.text.lower()
    return "scope" in text or "permission" in text


def seconds_until_reset(headers: Mapping[str, str], now: float) -> float:
    """How long to wait after a 429: ``Retry-After``, else ``RateLimit-Reset``, else a minute; 1 to 120.

    ``RateLimit-Reset`` is documented as epoch milliseconds and, elsewhere, as the time until the reset; both
    are understood by their size.
    """
    for name in ("Retry-After", "RateLimit-Reset"):
        try:
            value = float(headers[name])
        except (KeyError, ValueError):
            continue
        if value > 10_000_000_000:
            value = value / 1000 - now
        elif value > 1_000_000_000:
            value -= now
        return min(120.0, max(1.0, value))
    return _RESET_UNKNOWN_SECONDS


def down(method: str, path: str, what: str) -> ThinkificDown:
    return ThinkificDown(f"{method} {path}: {what}.", retry_after=RETRY_SOON_SECONDS)


def rejection(response: httpx.Response) -> ThinkificRejected:
    """What a 400 or 422 says of the fields that were sent."""
    try:
        errors = flattened_errors(response.json())
    except ValueError:
        errors = {}
    sentences = [f"{field} {text}".strip() for field, texts in errors.items() for text in texts]
    reason = "Thinkific: " + ("; ".join(sentences) or f"refused with status {response.status_code}")
    if any("taken" in text for text in errors.get("email", [])):
        return EmailTaken(reason, errors)
    if any("taken" in text for text in errors.get("name", [])):
        return NameTaken(reason, errors)
    return ThinkificRejected(reason, errors)


def reason_given(response: httpx.Response) -> str:
    """Thinkific's own words."""
    try:
        errors = flattened_errors(response.json())
    except ValueError:
        return "no reason given"
    return "; ".join(text for texts in errors.values() for text in texts) or "no reason given"


def _unreadable(response: httpx.Response) -> Exception:
    request = response.request
    message = f"{request.method} {request.url.path}: an answer that is no JSON object."
    if request.method == "GET":
        return ThinkificDown(message, retry_after=RETRY_SOON_SECONDS)
    return AnswerLost(message)
