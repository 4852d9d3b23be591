"""The services of the operator's commands."""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from b2b.wiring.api import ApiServices, api_services_of
from b2b.wiring.thinkific import Upstream

if TYPE_CHECKING:
    from b2b.services.enrollment.sync.verification import Verification
    from b2b.services.integrity.consistency import ConsistencyService
    from b2b.services.integrity.recount import RecountService
    from b2b.services.integrity.uniqueness import UniquenessService
    from b2b.storage.store import Store


class CommandServices:
    """Each service, imported and built when it is first asked for."""

    def __init__(self, api: ApiServices, upstream: Upstream) -> None:
        self.api = api
        self.upstream = upstream

    @property
    def store(self) -> "Store":
        return self.api.records.store

    @cached_property
    def recount(self) -> "RecountService":
        from b2b.services.integrity.recount import RecountService

        return RecountService(self.store)

    @cached_property
    def consistency(self) -> "ConsistencyService":
        from b2b.services.integrity.consistency import ConsistencyService

        return ConsistencyService(self.store, self.api.removals)

    @cached_property
    def uniqueness(self) -> "UniquenessService":
        from b2b.services.integrity.uniqueness import UniquenessService
        from b2b.storage.integrity.uniqueness import Uniqueness

        return UniquenessService(self.store, Uniqueness(self.api.records.table))

    @cached_property
    def verification(self) -> "Verification":
        from b2b.services.enrollment.sync.verification import Verification

        return Verification(self.store, self.upstream.thinkific, self.api.messages.notifier)


def command_services_of(environment: Mapping[str, str]) -> CommandServices:
    """``environment``: of the stack; what it leaves open, such as a simulator's address, this process's own says.

    Raises ConfigError.
    """
    api = api_services_of(environment)
    return CommandServices(api, Upstream({**os.environ, **environment}, api.records.table))
