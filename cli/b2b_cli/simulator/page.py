"""The page at `/`, on which a person sees what each API call does."""

from importlib import resources

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
    ),
    "Cache-Control": "no-store",
}


class Page:
    """Static: it fetches what it shows from `/_simulator/overview`."""

    def __init__(self) -> None:
        self._html = resources.files(__package__ or "").joinpath("page.html").read_text("utf-8")

    async def show(self, _request: Request) -> Response:
        return HTMLResponse(self._html, headers=_HEADERS)
