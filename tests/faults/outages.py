"""A Thinkific that can be down in every way there is, and queues that deliver as SQS does, both by one clock."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from tests.in_memory.sqs import Sent
from tests.unit.clock import Clock
from tests.unit.ledger import Ledger
from tests.unit.services.world import World

from b2b.domain.work.budget import Budget
from b2b.domain.work.operations import OperationType
from b2b.services.catalogue.sync import CatalogueSync
from b2b.services.enrollment.expiries import ExpiryRunner, ExpiryService
from b2b.services.work.operation_worker import OperationWorker, Runner

_HTML = "<html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>"
_CLIENT_GIVES_UP_AFTER_SECONDS = 20.0

# As the template has them.
VISIBILITY = timedelta(seconds=360)
MOST_RECEIVES = 8
_HANDLER_SECONDS = 60.0
_TICK = timedelta(seconds=60)

Way = Callable[["Outage", httpx.Request], httpx.Response]


class Outage(httpx.BaseTransport):
    """The network to Thinkific. ``way``: how it is down, None while it is not."""

    def __init__(self, inner: httpx.BaseTransport, clock: Clock) -> None:
        self.inner = inner
        self.clock = clock
        self.way: Way | None = None
        self.calls = 0  # while it was down

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.way is None:
            return self.inner.handle_request(request)
        self.calls += 1
        return self.way(self, request)


def refuses_connections(_: Outage, request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def never_connects(outage: Outage, request: httpx.Request) -> httpx.Response:
    outage.clock.sleep(5)
    raise httpx.ConnectTimeout("timed out", request=request)


def never_answers(outage: Outage, request: httpx.Request) -> httpx.Response:
    outage.clock.sleep(_CLIENT_GIVES_UP_AFTER_SECONDS)
    raise httpx.ReadTimeout("timed out", request=request)


def does_and_never_answers(outage: Outage, request: httpx.Request) -> httpx.Response:
    outage.inner.handle_request(request)
    return never_answers(outage, request)


def says_503(_: Outage, request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, html=_HTML, request=request)


def does_and_says_502(outage: Outage, request: httpx.Request) -> httpx.Response:
    outage.inner.handle_request(request)
    return httpx.Response(502, html=_HTML, request=request)


def shows_a_page(_: Outage, request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<html><body>We will be back soon.</body></html>", request=request)


def says_429(_: Outage, request: httpx.Request) -> httpx.Response:
    return httpx.Response(429, html="<html><body>Too Many Requests</body></html>", request=request)


def refuses_the_key(_: Outage, request: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"error": "Authentication Error"}, request=request)


def refuses_the_plan(_: Outage, request: httpx.Request) -> httpx.Response:
    return httpx.Response(403, json={"error": "Access to Apps is not available on your plan."}, request=request)


@dataclass(order=True, slots=True)
class _Message:
    visible_at: datetime
    number: int
    sent: Sent = field(compare=False)
    receives: int = field(compare=False, default=0)


class Operated:
    """A school with workers, queues and schedules, all of which run when the clock says so.

    An exception out of a handler is one receive: the message is visible again after the visibility time-out, and after
    eight receives it is in ``dead_letters``.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        clock = world.clock
        self.outage = Outage(world.upstream.http._transport, clock)
        http = httpx.Client(
            transport=self.outage, base_url=world.upstream.http.base_url, headers=world.upstream.http.headers
        )
        self.pauses: list[str] = []
        world.budget = Budget(Ledger(), rate=100, now=clock.seconds, on_pause=self.pauses.append)
        self.thinkific = world.thinkific_over(http)
        world.sync = world.worker("worker-1", self.thinkific)
        self.expiries = ExpiryService(world.store, world.operations, clock)
        runners: dict[OperationType, Runner] = {
            OperationType.CATALOGUE_SYNC: CatalogueSync(world.store, self.thinkific, clock),
            OperationType.EXPIRY_CHANGE: ExpiryRunner(world.store, world.notifier, clock),
        }
        self.operation_worker = OperationWorker(
            world.store, world.notifier, runners, lambda: world.budget.pause_reason, clock
        )
        self.dead_letters: list[Sent] = []
        self.receives = 0
        self._messages: list[_Message] = []
        self._numbers = itertools.count()
        self._tick_at = clock() + _TICK

    def run_until(self, condition: Callable[[], bool], *, within: timedelta, look_every: timedelta = _TICK) -> None:
        """Whatever is next, until the condition holds, for which it looks ``look_every`` so often."""
        deadline = self.world.clock() + within
        look_at = self.world.clock() + look_every
        while True:
            self._take_in()
            if self._messages and self._messages[0].visible_at <= self._tick_at:
                self._deliver(heapq.heappop(self._messages))
                continue
            self._move_to(self._tick_at)
            self._tick_at += _TICK
            self.world.repair.enqueue_overdue()
            if self.world.clock() < look_at:
                continue
            if condition():
                return
            look_at += look_every
            assert self.world.clock() < deadline, f"not within {within}"

    def _take_in(self) -> None:
        """What was sent since."""
        for sent in self.world.sqs.sent:
            visible_at = self.world.clock() + timedelta(seconds=sent.delay)
            heapq.heappush(self._messages, _Message(visible_at, next(self._numbers), sent))
        self.world.sqs.sent.clear()

    def _deliver(self, message: _Message) -> None:
        self._move_to(message.visible_at)
        self.receives += 1
        message.receives += 1
        try:
            self._handle(message.sent)
        except Exception:  # as the event source mapping does, whatever it is
            if message.receives >= MOST_RECEIVES:
                self.dead_letters.append(message.sent)
                return
            message.visible_at = self.world.clock() + VISIBILITY
            heapq.heappush(self._messages, message)

    def _handle(self, sent: Sent) -> None:
        ends = self.world.clock.seconds() + _HANDLER_SECONDS
        if sent.queue == "operations":
            self.operation_worker.advance(sent.body["operation_id"], lambda: ends - self.world.clock.seconds())
        else:
            self.world.sync.sync_student(sent.body["student_id"], lambda: ends - self.world.clock.seconds())

    def _move_to(self, moment: datetime) -> None:
        """Time does not go back: what was to be then is done now."""
        self.world.clock.moment = max(self.world.clock.moment, moment)
