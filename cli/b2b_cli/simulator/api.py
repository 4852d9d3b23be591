"""One call from its first byte to its last: who calls, the limits, the faults, the operation, the log."""

import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from b2b_cli.simulator import bundles, calls
from b2b_cli.simulator.authentication import Credentials
from b2b_cli.simulator.connections import reset_connection
from b2b_cli.simulator.faults import Fault
from b2b_cli.simulator.limits import too_many_calls
from b2b_cli.simulator.operations import find_operation
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.wire import Answer, Call, Refused, parse_body, parse_query

BASE_PATH = "/api/public/v1"

Sleep = Callable[[float], Awaitable[Any]]

_UNAUTHENTICATED = Answer(401, {"error": "Authentication Error"})
_NO_SUCH_ROUTE = Answer(404, {"error": "Record not found."})
_UNREADABLE = Answer(400, {"error": "Bad Request"})

# Nobody knows when one of the calls in flight ends; a second is what a client is told to wait.
_CONCURRENCY_RESET_MS = 1_000


class AdminApi:
    """The ASGI application below the base path."""

    def __init__(self, site: Site, credentials: Credentials, sleep: Sleep) -> None:
        self._site = site
        self._credentials = credentials
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._site.switches.concurrency_limit
        crowded = limit != "off" and self._site.in_flight >= limit
        self._site.in_flight += 1
        try:
            call = await _read_call(scope, receive)
            if not self._credentials.accept(scope["headers"]):
                await self._refuse(call, _UNAUTHENTICATED, send)
            elif refusal := self._over_limit(crowded=crowded):
                await self._refuse(call, refusal, send)
            else:
                await self._serve(call, scope, receive, send)
        except ClientDisconnect:
            return
        finally:
            self._site.in_flight -= 1

    def _over_limit(self, *, crowded: bool) -> Answer | None:
        switches, now = self._site.switches, self._site.clock.wall()
        if crowded:
            return too_many_calls(switches, now, now + _CONCURRENCY_RESET_MS)
        reset_at = self._site.window.admit(now, switches.rate_limit, switches.rate_window)
        return None if reset_at is None else too_many_calls(switches, now, reset_at)

    async def _refuse(self, call: Call, answer: Answer, send: Send) -> None:
        calls.record(self._site.store, call, at=self._site.clock.wall(), status=answer.status, duration_ms=0)
        await _send(answer, send)

    async def _serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._site.faults.deal(call.method, call.path)
        answer = self._perform(call, fault)
        if answer is None:
            await reset_connection(scope, receive)
            return
        if fault is not None and fault.kind == "slow":
            await self._sleep(fault.seconds)
        await _send(answer, send)

    def _perform(self, call: Call, fault: Fault | None) -> Answer | None:
        """Carries the call out and logs it, both or neither. None: the answer is lost."""
        at, started = self._site.clock.wall(), perf_counter()
        with self._site.store.transaction():
            answer: Answer | None = None
            if fault is None or fault.spares_effect:
                answer = self._operate(call)
            if fault is not None:
                answer = self._spoilt(answer, fault)
            late = fault.seconds * 1000 if fault is not None and fault.kind == "slow" else 0
            calls.record(
                self._site.store,
                call,
                at=at,
                status=None if answer is None else answer.status,
                duration_ms=(perf_counter() - started) * 1000 + late,
                fault=None if fault is None else fault.kind,
            )
        return answer

    def _operate(self, call: Call) -> Answer:
        bundles.settle(self._site)
        found = find_operation(call.method, call.path)
        if found is None:
            return _NO_SUCH_ROUTE
        if not call.readable:
            return _UNREADABLE
        operation, names = found
        try:
            return operation(self._site, self._aged(call), *names)
        except Refused as refused:
            return refused.answer

    def _aged(self, call: Call) -> Call:
        """The call, with lists that miss the newest rows where the faults say so."""
        stale_ms = self._site.faults.stale_ms
        if not stale_ms:
            return call
        return Call(call.method, call.path, call.query, call.body, lists_until=self._site.clock.now() - stale_ms)

    def _spoilt(self, answer: Answer | None, fault: Fault) -> Answer | None:
        """What is sent in the place of an answer."""
        match fault.kind:
            case "error_before" | "error_after":
                return fault.error()
            case "reset_before" | "reset_after":
                return None
            case "rate_limited":
                now = self._site.clock.wall()
                return too_many_calls(self._site.switches, now, now + int(fault.seconds * 1000))
            case "slow":
                return answer


async def _read_call(scope: Scope, receive: Receive) -> Call:
    request = Request(scope, receive)
    body = parse_body(await request.body(), request.headers.get("content-type", ""))
    # A client in production calls `users/` and `//enrollments`, and is answered.
    path = re.sub("/+", "/", scope["path"].removeprefix(scope["root_path"])).rstrip("/")
    query = parse_query(scope["query_string"])
    return Call(scope["method"], path or "/", query, body or {}, readable=body is not None)


async def _send(answer: Answer, send: Send) -> None:
    content, content_type = answer.content()
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.status != 204:
        headers.append((b"content-type", content_type.encode()))
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
