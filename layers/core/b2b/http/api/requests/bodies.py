"""Request bodies: read, parsed and checked only when the caller may and the record exists.

FastAPI would parse a body before any dependency runs; the contract wants 401, 403 and 404 first. So a route takes
its body as a dependency behind the others: ``body: Annotated[CreateUser, Depends(JsonBody(CreateUser))]``.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from b2b.domain.errors import B2BError, InvalidInput
from b2b.http.api.requests.content import MAX_BODY_BYTES, content_of, too_large
from b2b.http.api.requests.fields import sentence

Model = TypeVar("Model", bound=BaseModel)


class JsonBody(Generic[Model]):
    """Dependency: the body, JSON or a form, as ``model``. Raises 413, 415, 400 and 422, in this order.

    ``record_exists``: asked before a body is refused, because a missing record (404) is to be said first; a body
    that is fine does not pay for it.
    """

    def __init__(self, model: type[Model], record_exists: Callable[[Request], object] | None = None) -> None:
        self.model = model
        self._record_exists = record_exists

    async def __call__(self, request: Request) -> Model:
        try:
            raw = await _read(request)
            headers = request.headers
            content = content_of(raw, headers.get("Content-Type", ""), headers.get("Content-Encoding", ""))
            return validated(self.model, content)
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
