"""The services of the functions behind queues."""

import os
import socket
import time
from collections.abc import Mapping
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

from b2b.domain.errors import BrokenInvariant
from b2b.domain.timestamps import utc_now
from b2b.domain.work.operations import OperationType
from b2b.metrics import count
from b2b.observability import logger
from b2b.wiring.api import ApiServices
from b2b.wiring.messages import Messages, messages
from b2b.wiring.records import Records, records
from b2b.wiring.thinkific import Upstream

if TYPE_CHECKING:
    from b2b.gateways.queues import ReceivedMessages
    from b2b.services.enrollment.sync.student import SyncService
    from b2b.services.work.operation_worker import OperationWorker, Runner


class WorkerServices:
    """Each service, imported and built when it is first asked for."""

    def __init__(self, records: Records, messages: Messages, upstream: Upstream) -> None:
        self.records = records
        self.messages = messages
        self.upstream = upstream

    @cached_property
    def sync(self) -> "SyncService":
        from b2b.services.enrollment.sync.student import SyncService

        return SyncService(
            self.records.store,
            self.upstream.thinkific,
            self.messages.notifier,
            worker=_worker_name(),
            on_refusal=_log_refusal,
        )

    @cached_property
    def operation_worker(self) -> "OperationWorker":
        from b2b.services.work.operation_worker import OperationWorker

        return OperationWorker(
            self.records.store,
            self.messages.notifier,
            self._runners(),
            pause_reason=lambda: self.upstream.pause_reason,
            on_broken=_tell_broken,
            in_bulk=partial(self.upstream.thinkific.in_bulk, bulk=True),
        )

    def received(self, event: Mapping[str, Any], *, seconds: int | None = None) -> "ReceivedMessages":
        """The messages of an SQS event, hidden from other workers for ``seconds`` at a time."""
        return self.messages.received(event, seconds=seconds)

    @property
    def thinkific_calls(self) -> int:
        """Made by this process so far."""
        return self.upstream.thinkific.calls

    def _runners(self) -> "Mapping[OperationType, Runner]":
        from b2b.services.catalogue.sync import CatalogueSync
        from b2b.services.enrollment.expiries import ExpiryRunner
        from b2b.services.enrollment.groups import GroupImport
        from b2b.services.enrollment.removals import StudentDelete
        from b2b.services.enrollment.sync.refusals import Refusals
        from b2b.services.enrollment.user_removal import UserDelete

        store, notifier, thinkific = self.records.store, self.messages.notifier, self.upstream.thinkific
        refusals = Refusals(store, notifier)
        # What the API began, these carry on, with the same services.
        api = ApiServices(self.records, self.messages)
        return {
            OperationType.CATALOGUE_SYNC: CatalogueSync(store, thinkific, utc_now, self.upstream.graphql),
            OperationType.EXPIRY_CHANGE: ExpiryRunner(store, notifier, on_broken=_tell_broken),
            OperationType.GROUP_IMPORT: GroupImport(store, thinkific, refusals),
            OperationType.STUDENT_DELETE: StudentDelete(store, api.removals, thinkific, refusals),
            OperationType.USER_DELETE: UserDelete(store, api.user_removal, thinkific, refusals, on_broken=_tell_broken),
        }


@cache
def worker_services() -> WorkerServices:
    """Those of this process. Raises ConfigError."""
    made = records(os.environ)
    return WorkerServices(made, messages(os.environ), Upstream(os.environ, made.table))


def _tell_broken(broken: BrokenInvariant) -> None:
    """An alarm is on the figure."""
    logger("operations").error("records contradict each other", extra={"place": broken.place})
    count("records", BrokenInvariants=1)


def _log_refusal(student_id: int, what: str) -> None:
    # The reason is with the student in the table: Thinkific's words may name a person.
    logger("sync").warning("Thinkific refuses", extra={"student_id": student_id, "what": what})


def _worker_name() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{time.time_ns()}"
