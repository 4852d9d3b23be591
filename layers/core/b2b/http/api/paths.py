"""Ids in paths: what is no id of ours names nothing, so it is 404 and not 422."""

from typing import Annotated

from fastapi import Depends, Path
from pydantic import WithJsonSchema

from b2b.domain.errors import NotFound
from b2b.http.api.requests.fields import MAX_ID

_ID = {"type": "integer", "minimum": 1, "maximum": MAX_ID}


def path_id(name: str, what: str) -> object:
    """Dependency for the path parameter ``name``: a positive integer, else NotFound names ``what``."""

    async def parsed(value: Annotated[str, Path(alias=name), WithJsonSchema(_ID)]) -> int:
        # isdigit() alone would take other scripts' digits, and int() any number of them.
        if value.isascii() and value.isdigit() and len(value) <= 16 and 1 <= int(value) <= MAX_ID:
            return int(value)
        raise NotFound(f"There is no {what} with the id {value[:100]}.")

    return Depends(parsed)


def path_text(name: str, what: str) -> object:
    """Dependency for a path parameter that is text."""

    async def given(value: Annotated[str, Path(alias=name)]) -> str:
        if len(value) > 64:
            raise NotFound(f"There is no {what} with the id {value[:64]}.")
        return value

    return Depends(given)
