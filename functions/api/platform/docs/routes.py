"""The page and its files. They are read when they are first asked for: no call of the API waits for them."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from b2b.domain.errors import NotFound

router = APIRouter(include_in_schema=False)

_OURS = Path(__file__).parent
_TYPES = {
    "try.js": "text/javascript",
    "try.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
# Scripts and styles from this address only. Swagger UI has its icons as data, and sets styles on its elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class _File:
    """``version`` is part of its address, so that a browser may keep it for good."""

    content: bytes
    compressed: bytes
    media_type: str
    version: str


@router.get("/docs")
async def get_page() -> Response:
    headers = _SAFE | {"Cache-Control": "no-cache"}
    return Response(_page(), media_type="text/html", headers=headers)


@router.get("/docs/{version}/{name}")
async def get_file(version: str, name: str, request: Request) -> Response:
    if name not in _TYPES:
        raise NotFound(f"There is no route {request.url.path}.")
    file = _file(name)
    # A page of the release before may ask for what it knew; it gets what there is, and keeps it for this once.
    keep = f"public, max-age={_A_YEAR}, immutable" if version == file.version else "no-store"
    headers = _SAFE | {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


@cache
def _page() -> str:
    page = (_OURS / "page.html").read_text(encoding="utf-8")
    for name in _TYPES:
        page = page.replace(f'"{name}"', f'"/docs/{_file(name).version}/{name}"')
    return page


@cache
def _file(name: str) -> _File:
    ours = _OURS / name
    content = (ours if ours.exists() else _swagger_ui() / name).read_bytes()
    version = hashlib.sha256(content).hexdigest()[:12]
    return _File(content, gzip.compress(content, mtime=0), _TYPES[name], version)


def _swagger_ui() -> Path:
    """Of the package that brings Swagger UI; found and not imported, since it would import much for three files."""
    found = find_spec("fastapi_swagger")
    if found is None or found.origin is None:
        raise LookupError("The package fastapi-swagger is not installed.")
    return Path(found.origin).parent / "resources"
