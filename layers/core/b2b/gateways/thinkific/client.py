"""Thinkific's Admin API v1, by resource, each call within the site's budget and with one clear way to end.

Source of paths, fields and codes: Thinkific's Admin OpenAPI 3.0.1 (see ``models``); where it is silent or wrong,
what public clients found is noted beside the code.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx

from b2b.domain.work.budget import Budget
from b2b.gateways.thinkific.accounts import Accounts
from b2b.gateways.thinkific.bundles import Bundles
from b2b.gateways.thinkific.catalogue import Catalogue
from b2b.gateways.thinkific.enrollments import Enrollments
from b2b.gateways.thinkific.groups import Groups
from b2b.gateways.thinkific.keys import SchoolKey
from b2b.gateways.thinkific.transport import Transport


class Thinkific:
    """``thinkific.accounts.find(email)``, ``thinkific.enrollments.create(...)`` and so on.

    Every method makes one call (those that read a whole list: one a page) and raises the errors of
    ``domain.work.upstream``. ``patience``: for how many seconds a call waits for its turn before it raises BudgetSpent.
    """

    def __init__(
        self,
        http: httpx.Client,
        budget: Budget,
        key: SchoolKey,
        *,
        patience: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._transport = Transport(http, budget, key, patience=patience, sleep=sleep, now=now)
        self.accounts = Accounts(self._transport)
        self.groups = Groups(self._transport)
        self.enrollments = Enrollments(self._transport)
        self.bundles = Bundles(self._transport)
        self.catalogue = Catalogue(self._transport)

    @property
    def calls(self) -> int:
        """Made by this process, for the figures."""
        return self._transport.calls

    def try_key(self, key: str) -> None:
        """One cheap call with a key that need not be the school's. Raises KeyRefused; nothing is paused for that."""
        self._transport.try_key(key)

    def in_bulk(self, *, bulk: bool) -> AbstractContextManager[None]:
        """Within, the calls of this thread leave the budget's burst to others."""
        return self._transport.in_bulk(bulk=bulk)

    def close(self) -> None:
        """Ends its connections."""
        self._transport.close()
