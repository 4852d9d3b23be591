"""Telling the sync that there is something to do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2b.gateways.queues import Queues


# How long a message may take before repair looks after what it was for. Bulk work waits in the queue for long.
_MAY_TAKE = timedelta(seconds=60)
_BULK_MAY_TAKE = timedelta(minutes=15)


def repair_at(moment: datetime, *, bulk: bool) -> datetime:
    """When repair looks after a wish whose message comes at ``moment``."""
    return moment + (_BULK_MAY_TAKE if bulk else _MAY_TAKE)


class Notifier:
    """Enqueues what is already durable. A message that cannot be sent is no failure of the call: repair
    enqueues every wish again that is not fulfilled in time; ``on_failure`` makes it visible.
    """

    def __init__(self, queues: "Queues", on_failure: Callable[[Exception], None]) -> None:
        self._queues = queues
        self._on_failure = on_failure

    def enqueue_student(self, student_id: int, *, delay_seconds: float = 0, bulk: bool = False) -> None:
        """``bulk``: behind what single calls asked for."""
        self._safely(lambda: self._queues.enqueue_student(student_id, delay_seconds=delay_seconds, bulk=bulk))

    def enqueue_operation(self, operation_id: str, *, delay_seconds: float = 0) -> None:
        self._safely(lambda: self._queues.enqueue_operation(operation_id, delay_seconds=delay_seconds))

    def _safely(self, send: Callable[[], None]) -> None:
        try:
            send()
        except Exception as error:  # whatever the queue's client raises
            self._on_failure(error)
