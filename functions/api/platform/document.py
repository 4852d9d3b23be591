"""The API's own description, as ``GET /api/openapi.json`` serves it."""

import json
from functools import cache, lru_cache
from importlib import resources
from typing import Any

# One origin is usual: the gateway's name, or the school's own.
_ORIGINS = 8


@lru_cache(maxsize=_ORIGINS)
def document(origin: str) -> bytes:
    """With ``origin`` (``https://api.example.com``) as the server: not every client can read a relative address."""
    return json.dumps(_committed() | {"servers": [{"url": origin}]}, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _committed() -> dict[str, Any]:
    """Written by ``make openapi`` and kept beside this module: no function can see the routes of the others."""
    described: dict[str, Any] = json.loads(resources.files("api.platform").joinpath("openapi.json").read_bytes())
    return described
