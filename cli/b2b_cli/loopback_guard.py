"""Keeps web pages out of servers on a person's own machine.

A browser there reaches 127.0.0.1 too, and sends what any page of the web tells it to. Two ways lead in: a request to
the loopback address that the page may send but not read (a form, `fetch` without CORS), and DNS rebinding, where the
page's own name is made to mean 127.0.0.1. Browsers tell of both, and no page can forge what they tell: `Origin` and
`Sec-Fetch-Site` name the page, `Host` the name that was asked for (https://fetch.spec.whatwg.org/#origin-header,
https://w3c.github.io/webappsec-fetch-metadata/). Other programs send no `Origin` and are let through.

Needs the standard library only: the emulator's environment has nothing else of this project.
"""

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_READING = ("GET", "HEAD")

_WRONG_HOST = "This server answers to 127.0.0.1 and localhost only."
_OTHER_PAGE = "This server answers its own page and programs on this machine, not other web pages."


class LoopbackGuard:
    """In front of an ASGI application: 403 for whatever a foreign web page sends."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif refusal := refusal_of(scope["method"], scope["headers"]):
            await forbid(send, {"error": refusal})
        else:
            await self._app(scope, receive, send)


def refusal_of(method: str, headers: "Iterable[tuple[bytes, bytes]]") -> str | None:
    """Why a request is refused; None for one that no foreign page can have sent. ``headers`` as in ASGI."""
    sent: dict[str, list[str]] = defaultdict(list)
    for name, value in headers:
        sent[name.decode("latin-1").lower()].append(value.decode("latin-1").strip())
    hosts = sent["host"]
    if len(hosts) != 1 or not _LOOPBACK_HOST.fullmatch(hosts[0]):
        return _WRONG_HOST
    own_page = f"http://{hosts[0]}".lower()
    if any(origin.lower() != own_page for origin in sent["origin"]):
        return _OTHER_PAGE
    return None if _is_from_own_page(method, sent["sec-fetch-site"], sent["sec-fetch-mode"]) else _OTHER_PAGE


def _is_from_own_page(method: str, sites: "Sequence[str]", modes: "Sequence[str]") -> bool:
    """Or from no page at all. A link to the page from anywhere is a person's own step, and changes nothing."""
    if all(site in ("same-origin", "none") for site in sites):
        return True
    return method in _READING and modes == ["navigate"]


async def forbid(send: "Send", body: dict[str, str]) -> None:
    """Answers 403 with ``body`` as JSON, and without the headers that let another page read it."""
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": content})
