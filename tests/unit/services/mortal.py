"""A worker that is killed: after any of its writes to the table or calls to Thinkific."""

from collections.abc import Sequence
from typing import Any

import httpx
from tests.unit.services.upstream import Upstream

from b2b.storage.actions import Action
from b2b.storage.items import Item
from b2b.storage.table import Table


class Died(BaseException):
    """As a process that is killed."""


class Life:
    """Of the worker: ``left`` more steps. None: it lives on."""

    left: int | None = None

    def step(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0:
            self.left = None
            raise Died


class MortalTable(Table):
    def __init__(self, client: Any, name: str, life: Life) -> None:
        super().__init__(client, name)
        self._life = life

    def write(self, action: Action, *, returning: str = "NONE") -> Item:
        answer = super().write(action, returning=returning)
        self._life.step()
        return answer

    def transact(self, actions: Sequence[Action]) -> None:
        super().transact(actions)
        self._life.step()


class MortalTransport(httpx.BaseTransport):
    def __init__(self, upstream: Upstream, life: Life) -> None:
        self._transport = upstream.http._transport
        self._life = life

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._transport.handle_request(request)
        self._life.step()
        return answer


def mortal_http(upstream: Upstream, life: Life) -> httpx.Client:
    """As the product's own client, over a transport of that life."""
    return httpx.Client(
        transport=MortalTransport(upstream, life), base_url=upstream.http.base_url, headers=upstream.http.headers
    )
