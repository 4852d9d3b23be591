"""The services that need no Thinkific: all that the API and the schedules use."""

import os
import random
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig

from b2b.config import Config, load_config
from b2b.observability import logger
from b2b.storage.store import Store
from b2b.storage.table import Table

if TYPE_CHECKING:
    from b2b.gateways.queues import Queues, ReceivedMessages
    from b2b.services.catalogue.products import ProductService
    from b2b.services.enrollment.expiries import ExpiryService
    from b2b.services.enrollment.groups import GroupService
    from b2b.services.enrollment.removals import Removals
    from b2b.services.enrollment.students import StudentService
    from b2b.services.enrollment.sweep import SweepService
    from b2b.services.enrollment.sync.refusals import Refusals
    from b2b.services.enrollment.sync.repair import RepairService
    from b2b.services.enrollment.user_removal import UserRemoval
    from b2b.services.identity.tokens import TokenService
    from b2b.services.identity.users import UserService
    from b2b.services.integrity.consistency import ConsistencyService
    from b2b.services.integrity.recount import RecountService
    from b2b.services.integrity.uniqueness import UniquenessService
    from b2b.services.work.idempotency import IdempotencyService
    from b2b.services.work.notifier import Notifier
    from b2b.services.work.operations import OperationService
    from b2b.services.work.settings import SettingsService

# Every external call has a time-out, all tries together one below any function's. Validation of parameters and the user
# agent's feature list cost 17 % of a DynamoDB call's CPU time and find nothing here: our own tests exercise each call.
_BOTO = BotoConfig(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    user_agent="b2b-seats",
    max_pool_connections=32,
)


# Repair sends a message again that cannot be sent: no caller should wait long for it.
_BRIEFLY = BotoConfig(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})


class Services:
    """Each service, imported and built when it is first asked for: no function pays for what it does not use."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def users(self) -> "UserService":
        from b2b.services.identity.users import UserService

        return UserService(self.store)

    @cached_property
    def students(self) -> "StudentService":
        from b2b.services.enrollment.students import StudentService

        return StudentService(self.store, self.notifier, self.removals)

    @cached_property
    def products(self) -> "ProductService":
        from b2b.services.catalogue.products import ProductService

        return ProductService(self.store)

    @cached_property
    def tokens(self) -> "TokenService":
        from b2b.services.identity.tokens import TokenService

        return TokenService(self.store, requests_per_minute=self._config.api_rate_per_minute)

    @cached_property
    def operations(self) -> "OperationService":
        from b2b.services.work.operations import OperationService

        return OperationService(self.store, self.notifier)

    @cached_property
    def idempotency(self) -> "IdempotencyService":
        from b2b.services.work.idempotency import IdempotencyService

        return IdempotencyService(self.store)

    @cached_property
    def settings(self) -> "SettingsService":
        from b2b.services.work.settings import SettingsService

        return SettingsService(self.store)

    @cached_property
    def groups(self) -> "GroupService":
        from b2b.services.enrollment.groups import GroupService

        return GroupService(self.store, self.operations)

    @cached_property
    def expiries(self) -> "ExpiryService":
        from b2b.services.enrollment.expiries import ExpiryService

        return ExpiryService(self.store, self.operations)

    @cached_property
    def removals(self) -> "Removals":
        from b2b.services.enrollment.removals import Removals

        return Removals(self.store, self.operations)

    @cached_property
    def user_removal(self) -> "UserRemoval":
        from b2b.services.enrollment.user_removal import UserRemoval

        return UserRemoval(self.store, self.operations, self.removals, self.tokens)

    @cached_property
    def repair(self) -> "RepairService":
        from b2b.services.enrollment.sync.repair import RepairService

        return RepairService(self.store, self.queues)

    @cached_property
    def refusals(self) -> "Refusals":
        from b2b.services.enrollment.sync.refusals import Refusals

        return Refusals(self.store, self.notifier)

    @cached_property
    def recount(self) -> "RecountService":
        from b2b.services.integrity.recount import RecountService

        return RecountService(self.store)

    @cached_property
    def consistency(self) -> "ConsistencyService":
        from b2b.services.integrity.consistency import ConsistencyService

        return ConsistencyService(self.store, self.removals)

    @cached_property
    def uniqueness(self) -> "UniquenessService":
        from b2b.services.integrity.uniqueness import UniquenessService
        from b2b.storage.integrity.uniqueness import Uniqueness

        return UniquenessService(self.store, Uniqueness(self.table))

    @cached_property
    def sweep(self) -> "SweepService":
        from b2b.services.enrollment.sweep import SweepService

        return SweepService(self.store)

    @cached_property
    def notifier(self) -> "Notifier":
        from b2b.services.work.notifier import Notifier

        return Notifier(self.queues, on_failure=_log_unsent)

    def received(self, event: Mapping[str, Any], *, seconds: int | None = None) -> "ReceivedMessages":
        """The messages of an SQS event, hidden from other workers for ``seconds`` at a time."""
        from b2b.gateways.queues import VISIBILITY_SECONDS, ReceivedMessages

        return ReceivedMessages(self.queues, event, on_failure=_log_not_held, seconds=seconds or VISIBILITY_SECONDS)

    @cached_property
    def store(self) -> Store:
        return Store(self.table)

    @cached_property
    def queues(self) -> "Queues":
        from b2b.gateways.queues import Queues

        return Queues(
            client("sqs", _BRIEFLY),
            sync_url=self._config.sync_queue_url,
            sync_bulk_url=self._config.sync_bulk_queue_url,
            operations_url=self._config.operations_queue_url,
        )

    @cached_property
    def table(self) -> Table:
        return Table(client("dynamodb"), self._config.table_name)


@cache
def services() -> Services:
    """Those of this process, with the table's client made. Raises ConfigError."""
    made = Services(load_config(os.environ))
    # Now, and not in the first call: Lambda lends a start more of a processor than a call.
    _ = made.table
    _diverge_when_restored()
    return made


def _diverge_when_restored() -> None:
    """SnapStart makes many processes of one snapshot: all of them would wait for the same random times."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found] # Lambda's Python has it

        register_after_restore(random.seed)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def client(name: str, config: BotoConfig | None = None) -> Any:
    """A low-level AWS client. All come from one session, which is what costs time to make.

    A function can make one of the services that `make build` leaves in the layer (AWS_SERVICES in .make/build.py).
    """
    make: Any = _session().client
    return make(name, config=_BOTO.merge(config or BotoConfig()))


def _log_not_held(error: Exception) -> None:
    logger("b2b").warning("messages not held, they come back by themselves", extra={"error": type(error).__name__})


def _log_unsent(error: Exception) -> None:
    logger("b2b").warning("message not sent, repair will send another", extra={"error": type(error).__name__})
