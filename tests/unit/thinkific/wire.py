"""Thinkific's side of the wire: scripted answers, and what was asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from tests.unit.clock import Clock
from tests.unit.ledger import Ledger

from b2b.domain.work.budget import Budget
from b2b.gateways.thinkific import FixedKey, SchoolKey, Thinkific, http_client

URL = "https://thinkific.example/api/public/v1"
KEY = "k" * 32
FIXED = FixedKey(KEY)

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``query`` decoded, ``body`` None where there is none."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class Wire:
    """Answers with ``replies`` in turn, the last one again and again. ``slept``: how long calls waited."""

    clock: Clock
    rate: int = 100
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger()
        self.budget = Budget(self.ledger, rate=self.rate, now=self.clock.seconds)

    def client(self, key: SchoolKey = FIXED) -> Thinkific:
        http = httpx.Client(transport=httpx.MockTransport(self._answer), base_url=URL, headers=_headers())
        return Thinkific(http, self.budget, key, sleep=self._sleep, now=self.clock.seconds)

    def answers(self, *replies: Reply) -> Thinkific:
        """A client that gets these."""
        self.replies = [*replies]
        return self.client()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.sleep(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/public/v1")
        body = json.loads(request.content) if request.content else None
        self.asked.append(Asked(request.method, path, dict(request.url.params), body))
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else reply(request)


@cache
def _headers() -> httpx.Headers:
    """Those of the product's own client, which takes a moment to make."""
    with http_client(URL, subdomain="acme") as client:
        return client.headers


def ok(body: object = None, status: int = 200) -> httpx.Response:
    return httpx.Response(status) if body is None else httpx.Response(status, json=body)


def page(*items: dict[str, Any], next_page: int | None = None) -> httpx.Response:
    pagination = {"current_page": 1, "next_page": next_page, "prev_page": None, "total_items": len(items)}
    return httpx.Response(200, json={"items": [*items], "meta": {"pagination": pagination}})


def refused(status: int, body: object, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def html(status: int) -> httpx.Response:
    return httpx.Response(status, text=f"error code: {status}", headers={"Content-Type": "text/html"})


def user(number: int = 4, email: str = "ada@example.com", **fields: Any) -> dict[str, Any]:
    return {"id": number, "email": email, "first_name": "Ada", "roles": []} | fields


def enrollment(number: int = 9, user_id: int = 4, course_id: int = 7, **fields: Any) -> dict[str, Any]:
    """As the live API answers (fact sheet, 5.2)."""
    return {
        "id": number,
        "user_id": user_id,
        "course_id": course_id,
        "user_email": "ada@example.com",
        "expiry_date": None,
        "activated_at": "2024-02-22T20:32:52.000Z",
        "percentage_completed": "0.0",
        "completed_at": None,
        "expired": False,
    } | fields
