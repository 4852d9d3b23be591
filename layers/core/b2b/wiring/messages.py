"""The queues, and what is sent to and received from them."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from b2b.config import QueuesConfig, load_queues_config
from b2b.observability import logger
from b2b.wiring.aws import BRIEFLY, client

if TYPE_CHECKING:
    from b2b.gateways.queues import Queues, ReceivedMessages
    from b2b.services.work.notifier import Notifier


class Messages:
    """``make``: called for the first message; most calls of the API send none."""

    def __init__(self, make: "Callable[[], Queues]") -> None:
        self._make = make

    @cached_property
    def queues(self) -> "Queues":
        return self._make()

    @cached_property
    def notifier(self) -> "Notifier":
        from b2b.services.work.notifier import Notifier

        return Notifier(self.queues, on_failure=_log_unsent)

    def received(self, event: Mapping[str, Any], *, seconds: int | None = None) -> "ReceivedMessages":
        """The messages of an SQS event, hidden from other workers for ``seconds`` at a time."""
        from b2b.gateways.queues import VISIBILITY_SECONDS, ReceivedMessages

        return ReceivedMessages(self.queues, event, on_failure=_log_not_held, seconds=seconds or VISIBILITY_SECONDS)


def messages(environment: Mapping[str, str]) -> Messages:
    """Raises ConfigError."""
    return Messages(partial(_queues, load_queues_config(environment)))


def _queues(config: QueuesConfig) -> "Queues":
    from b2b.gateways.queues import Queues

    return Queues(
        client("sqs", BRIEFLY),
        sync_url=config.sync_queue_url,
        sync_bulk_url=config.sync_bulk_queue_url,
        operations_url=config.operations_queue_url,
    )


def _log_not_held(error: Exception) -> None:
    logger("b2b").warning("messages not held, they come back by themselves", extra={"error": type(error).__name__})


def _log_unsent(error: Exception) -> None:
    logger("b2b").warning("message not sent, repair will send another", extra={"error": type(error).__name__})
