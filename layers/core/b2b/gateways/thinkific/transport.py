"""One call to the Admin API: its turn within the budget, the key, the request, and the error that a status means."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from b2b.domain.work.budget import Budget
from b2b.domain.work.upstream import (
    AnswerLost,
    BudgetSpent,
    KeyRefused,
    SitePaused,
    ThinkificDown,
    ThinkificMissing,
    ThinkificRejected,
)
from b2b.gateways.thinkific.answers import (
    RETRY_SOON_SECONDS,
    Json,
    down,
    is_rate_limited,
    json_body,
    parsed,
    reason_given,
    refuses_key,
    rejection,
    seconds_until_reset,
)
from b2b.gateways.thinkific.keys import SchoolKey, credentials
from b2b.gateways.thinkific.models import ListAnswer

# Ten seconds to connect and thirty in all is what the most used public client settled on; a worker's lease and
# time-out leave room for one call, so it is twenty here.
TIMEOUT = httpx.Timeout(20.0, connect=5.0)
PAGE_LIMIT = 250  # Thinkific's maximum
_PAUSED_SECONDS = 60.0
# Cloudflare refuses writes without a User-Agent.
USER_AGENT = "b2b-seats/0.1"

# Its log lines hold whole addresses, and so e-mails.
logging.getLogger("httpx").setLevel(logging.WARNING)

# The request did not reach Thinkific in these cases.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def http_client(base_url: str, *, subdomain: str) -> httpx.Client:
    """A connection pool for the school; the key goes with each call."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "X-Auth-Subdomain": subdomain}
    return httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT, trust_env=False)


class Transport:
    """Makes the calls of all resources. Each method raises the errors of ``domain.work.upstream``.

    ``patience``: for how many seconds a call waits for its turn before it raises BudgetSpent.
    """

    def __init__(
        self,
        http: httpx.Client,
        budget: Budget,
        key: SchoolKey,
        *,
        patience: float,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._budget = budget
        self._key = key
        self._patience = patience
        self._sleep = sleep
        self._now = now
        self._turn = threading.local()
        self.calls = 0

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def in_bulk(self, *, bulk: bool) -> Iterator[None]:
        """Within, the calls of this thread leave the budget's burst to others."""
        self._turn.bulk = bulk
        try:
            yield
        finally:
            self._turn.bulk = False

    def read(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        answer = json_body(self.send("GET", path, query=query))
        if answer is None:
            raise ThinkificDown(f"GET {path} answered nothing.", retry_after=RETRY_SOON_SECONDS)
        return answer

    def exists(self, path: str) -> bool:
        try:
            self.read(path)
        except ThinkificMissing:
            return False
        return True

    def read_list(self, path: str, query: Mapping[str, Any]) -> ListAnswer:
        """One page of a list."""
        return parsed(ListAnswer, self.read(path, query))

    def read_all(self, path: str, query: Mapping[str, Any]) -> Iterator[Json]:
        """The rows of all pages of a list, with one call a page, each row once."""
        page: int | None = 1
        seen: set[object] = set()
        while page is not None:
            answer = self.read_list(path, {**query, "page": page, "limit": PAGE_LIMIT})
            news = [item for item in answer.items if item.get("id") not in seen]
            yield from news
            seen |= {item.get("id") for item in news}
            # Guards against an upstream that never says that it is the last page.
            page = answer.next_page if news else None

    def write(self, method: str, path: str, body: Json | None) -> Json:
        return json_body(self.send(method, path, body=body)) or {}

    def send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Json | None = None
    ) -> httpx.Response:
        """The answer if it is a good one; else raises what it means."""
        response, key = self._ask_as_the_school(method, path, query, body)
        if refuses_key(response) and self._key.is_replaced(key):
            # Another key was put in after this process had read it; the refused call did nothing.
            response, _ = self._ask_as_the_school(method, path, query, body)
        if response.is_success:
            return response
        raise self._refusal(response, method, path)

    def try_key(self, key: str) -> None:
        """One cheap call with a key that need not be the school's. Raises KeyRefused; nothing is paused for that."""
        self._await_turn(despite_pause=True)
        response = self._ask("GET", "/products", {"page": 1, "limit": 1}, None, key)
        if refuses_key(response):
            raise KeyRefused(response.status_code, reason_given(response))
        if not response.is_success:
            raise self._refusal(response, "GET", "/products")

    def _ask_as_the_school(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Json | None
    ) -> tuple[httpx.Response, str]:
        """The answer, and the key that it was asked for with."""
        self._await_turn()
        try:
            key = self._key.read()
        except SitePaused as paused:
            self._budget.pause(str(paused))
            raise
        return self._ask(method, path, query, body, key), key

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Json | None, key: str
    ) -> httpx.Response:
        self.calls += 1
        try:
            return self._http.request(method, path, params=query, json=body, headers=credentials(key))
        except _NOT_SENT as error:
            raise down(method, path, type(error).__name__) from error
        except httpx.HTTPError as error:
            if method != "GET":
                raise AnswerLost(f"{method} {path}: {type(error).__name__}") from error
            raise down(method, path, type(error).__name__) from error

    def _await_turn(self, *, despite_pause: bool = False) -> None:
        patience = self._patience
        bulk = getattr(self._turn, "bulk", False)
        while (wait := self._budget.take(bulk=bulk, despite_pause=despite_pause)) is not None:
            if wait.pause_reason is not None:
                raise SitePaused(wait.pause_reason, retry_after=wait.seconds)
            if wait.seconds > patience:
                raise BudgetSpent("The calls allowed to the site are used up.", retry_after=wait.seconds)
            patience -= wait.seconds
            self._sleep(wait.seconds)

    def _refusal(self, response: httpx.Response, method: str, path: str) -> Exception:
        status = response.status_code
        call = f"{method} {path}"
        if is_rate_limited(response):
            seconds = seconds_until_reset(response.headers, self._now())
            self._budget.back_off(seconds)
            return BudgetSpent(f"{call}: Thinkific answered {status}.", retry_after=seconds)
        if refuses_key(response):
            reason = f"Thinkific refuses the school's key: it answered {status} ({reason_given(response)})."
            self._budget.pause(reason)
            return SitePaused(reason, retry_after=_PAUSED_SECONDS)
        if status == 403:
            return ThinkificRejected(f"Thinkific: {reason_given(response)}")
        if status == 404:
            return ThinkificMissing(f"{call}: not found.")
        if status >= 500 and method != "GET":
            return AnswerLost(f"{call}: Thinkific answered {status}.")
        if status in (400, 422):
            return rejection(response)
        if status >= 500 or status in (408, 425) or response.is_redirect:
            return down(method, path, f"status {status}")
        return ThinkificRejected(f"Thinkific answered {status} ({reason_given(response)}).")
