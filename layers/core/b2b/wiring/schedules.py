"""The services of the functions that schedules start."""

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING

from b2b.wiring.aws import diverge_when_restored
from b2b.wiring.messages import Messages, messages
from b2b.wiring.records import Records, records

if TYPE_CHECKING:
    from b2b.services.enrollment.sweep import SweepService
    from b2b.services.enrollment.sync.refusals import Refusals
    from b2b.services.enrollment.sync.repair import RepairService
    from b2b.services.integrity.recount import RecountService
    from b2b.services.work.operations import OperationService


class ScheduleServices:
    """Each service, imported and built when it is first asked for."""

    def __init__(self, records: Records, messages: Messages) -> None:
        self.records = records
        self.messages = messages

    @cached_property
    def repair(self) -> "RepairService":
        from b2b.services.enrollment.sync.repair import RepairService

        return RepairService(self.records.store, self.messages.queues)

    @cached_property
    def refusals(self) -> "Refusals":
        from b2b.services.enrollment.sync.refusals import Refusals

        return Refusals(self.records.store, self.messages.notifier)

    @cached_property
    def sweep(self) -> "SweepService":
        from b2b.services.enrollment.sweep import SweepService

        return SweepService(self.records.store)

    @cached_property
    def recount(self) -> "RecountService":
        from b2b.services.integrity.recount import RecountService

        return RecountService(self.records.store)

    @cached_property
    def operations(self) -> "OperationService":
        from b2b.services.work.operations import OperationService

        return OperationService(self.records.store, self.messages.notifier)


@cache
def schedule_services() -> ScheduleServices:
    """Those of this process. Raises ConfigError."""
    made = ScheduleServices(records(os.environ), messages(os.environ))
    diverge_when_restored()
    return made
