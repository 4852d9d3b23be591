"""The services of the API's functions."""

import os
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING

from b2b.config import load_api_config
from b2b.wiring.aws import diverge_when_restored
from b2b.wiring.messages import Messages, messages
from b2b.wiring.records import Records, records

if TYPE_CHECKING:
    from b2b.services.catalogue.products import ProductService
    from b2b.services.enrollment.expiries import ExpiryService
    from b2b.services.enrollment.groups import GroupService
    from b2b.services.enrollment.removals import Removals
    from b2b.services.enrollment.students import StudentService
    from b2b.services.enrollment.user_removal import UserRemoval
    from b2b.services.identity.tokens import TokenService
    from b2b.services.identity.users import UserService
    from b2b.services.work.idempotency import IdempotencyService
    from b2b.services.work.operations import OperationService
    from b2b.services.work.settings import SettingsService


class ApiServices:
    """Each service, imported and built when it is first asked for: no function pays for what it does not use.

    ``requests_per_minute``: of one token; 0 = no limit of ours.
    """

    def __init__(self, records: Records, messages: Messages, *, requests_per_minute: int = 0) -> None:
        self.records = records
        self.messages = messages
        self._requests_per_minute = requests_per_minute

    @cached_property
    def users(self) -> "UserService":
        from b2b.services.identity.users import UserService

        return UserService(self.records.store)

    @cached_property
    def tokens(self) -> "TokenService":
        from b2b.services.identity.tokens import TokenService

        return TokenService(self.records.store, requests_per_minute=self._requests_per_minute)

    @cached_property
    def students(self) -> "StudentService":
        from b2b.services.enrollment.students import StudentService

        return StudentService(self.records.store, self.messages.notifier, self.removals)

    @cached_property
    def expiries(self) -> "ExpiryService":
        from b2b.services.enrollment.expiries import ExpiryService

        return ExpiryService(self.records.store, self.operations)

    @cached_property
    def groups(self) -> "GroupService":
        from b2b.services.enrollment.groups import GroupService

        return GroupService(self.records.store, self.operations)

    @cached_property
    def removals(self) -> "Removals":
        from b2b.services.enrollment.removals import Removals

        return Removals(self.records.store, self.operations)

    @cached_property
    def user_removal(self) -> "UserRemoval":
        from b2b.services.enrollment.user_removal import UserRemoval

        return UserRemoval(self.records.store, self.operations, self.removals, self.tokens)

    @cached_property
    def products(self) -> "ProductService":
        from b2b.services.catalogue.products import ProductService

        return ProductService(self.records.store)

    @cached_property
    def operations(self) -> "OperationService":
        from b2b.services.work.operations import OperationService

        return OperationService(self.records.store, self.messages.notifier)

    @cached_property
    def idempotency(self) -> "IdempotencyService":
        from b2b.services.work.idempotency import IdempotencyService

        return IdempotencyService(self.records.store)

    @cached_property
    def settings(self) -> "SettingsService":
        from b2b.services.work.settings import SettingsService

        return SettingsService(self.records.store)


@cache
def api_services() -> ApiServices:
    """Those of this process. Raises ConfigError."""
    made = api_services_of(os.environ)
    diverge_when_restored()
    return made


def api_services_of(environment: Mapping[str, str]) -> ApiServices:
    """Raises ConfigError."""
    rate = load_api_config(environment).api_rate_per_minute
    return ApiServices(records(environment), messages(environment), requests_per_minute=rate)
