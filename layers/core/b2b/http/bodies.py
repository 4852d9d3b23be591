"""Request bodies: read, parsed and checked only when the caller may and the record exists.

FastAPI would parse a body before any dependency runs; the contract wants 401, 403 and 404 first. So a route takes
its body as a dependency behind the others: ``body: Annotated[CreateUser, Depends(JsonBody(CreateUser))]``.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from b2b.domain.errors import B2BError, InvalidInput
from b2b.http.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from b2b.http.fields import sentence

MAX_BODY_BYTES = 1024 * 1024
_MOST_DIGITS = 1_000

Model = TypeVar("Model", bound=BaseModel)

# A string (to the end of the text if nothing ends it, so that no body takes long), or what is looked for outside one.
_STRING = r'"(?:[^"\\]|\\.)*+"?'
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_NO_JSON_NUMBER = re.compile(_STRING + rf"|-?(?:NaN|Infinity)|[0-9]{{{_MOST_DIGITS + 1},}}", re.DOTALL)
_JSON_MEDIA_TYPE = re.compile(r"application/(?:[\w.-]+\+)?json|text/json")


def too_large() -> PayloadTooLarge:
    return PayloadTooLarge("The body is larger than 1 MiB.")


class JsonBody(Generic[Model]):
    """Dependency: the body as ``model``. Raises 413, 415, 400 and 422, in this order.

    ``record_exists``: asked before a body is refused, because a missing record (404) is to be said first; a body
    that is fine does not pay for it.
    """

    def __init__(self, model: type[Model], record_exists: Callable[[Request], object] | None = None) -> None:
        self.model = model
        self._record_exists = record_exists

    async def __call__(self, request: Request) -> Model:
        try:
            raw = await _read(request)
            if raw:
                _check_media_type(request.headers.get("Content-Type"))
            return validated(self.model, parse_object(raw))
        except B2BError:
            if self._record_exists is not None:
                self._record_exists(request)
            raise


def validated(model: type[Model], content: dict[str, Any]) -> Model:
    """Raises InvalidInput that names each field."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        errors: dict[str, list[str]] = {}
        for found in error.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in found["loc"])
            errors.setdefault(name, []).append(sentence(name, found))
        raise InvalidInput(errors) from None


def parse_object(raw: bytes) -> dict[str, Any]:
    """A JSON object; an empty body counts as ``{}``, single trailing commas are let through."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise BadRequest(f"The body is not UTF-8 (line {line}, column {column}).") from None
    if not text.strip():
        return {}
    content = _parse(text)
    if not isinstance(content, dict):
        raise BadRequest("The body must be a JSON object (line 1, column 1).")
    return content


def _parse(text: str) -> Any:
    try:
        content = _loads(text)
    except json.JSONDecodeError as error:
        tolerated = _without_trailing_commas(text)
        if tolerated == text:
            raise _malformed(error) from None
        try:
            content = _loads(tolerated)
        except json.JSONDecodeError as second:
            raise _malformed(second) from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply (line 1, column 1).") from None
    if "\\u" in text:
        _check_unicode(content)
    return content


def _loads(text: str) -> Any:
    """Raises JSONDecodeError, which knows the place; also for the numbers that Python takes and JSON does not."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_integer)
    except _NoJsonNumber:
        found = next(match for match in _NO_JSON_NUMBER.finditer(text) if match.group()[0] != '"')
        what = "Too many digits" if found.group()[0].isdigit() else f"{found.group()} is not JSON"
        raise json.JSONDecodeError(what, text, found.start()) from None


class _NoJsonNumber(Exception):
    pass


def _refuse(_: str) -> None:
    raise _NoJsonNumber


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _NoJsonNumber
    return int(digits)


def _without_trailing_commas(text: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        found = match.group()
        if found != ",":
            return found
        # `{,}` and `[1,,]` have no value before the comma.
        before = match.start() - 1
        while before >= 0 and text[before].isspace():
            before -= 1
        return "," if before < 0 or text[before] in "{[,:" else " "

    return _TRAILING_COMMA.sub(replacement, text)


def _malformed(error: json.JSONDecodeError) -> BadRequest:
    return BadRequest(f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).")


def _check_unicode(content: Any) -> None:
    r"""Half a surrogate pair (``\ud800``) is JSON but no text."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequest("The body has a \\u escape that is no character (line 1, column 1).") from None


def _check_media_type(content_type: str | None) -> None:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type and not _JSON_MEDIA_TYPE.fullmatch(media_type):
        raise UnsupportedMediaType(f"Send JSON: the content type {media_type[:100]} is not supported.")


async def _read(request: Request) -> bytes:
    declared = request.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise too_large()
    return bytes(body)
