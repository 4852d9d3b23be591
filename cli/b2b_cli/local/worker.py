"""The workers of the local stack: polls the queues and ticks the schedules, and calls the Lambda handlers with the
events that AWS would send. Run as ``python -m b2b_cli.local.worker``.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any

from b2b_cli.local.template import EventSource, Schedule, Template
from b2b_cli.parenthood import end_with_parent

_LONG_POLL_SECONDS = 2
# The emulator may hand messages to the connection of a worker that was killed. They come back after this; a living
# worker hides what it received for as long as it needs.
_RECEIVED_SECONDS = 15
_AFTER_A_FAULT_SECONDS = 1.0
# A stopping worker lets its handlers come to an orderly end.
_GRACE_SECONDS = 25.0
_MINUTE = 60

_log = logging.getLogger("b2b.local.worker")

Handler = Callable[[dict[str, Any], "Context"], Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers use of Lambda's context. A stopping worker has no time left."""

    function_name: str
    timeout_seconds: float
    started: float
    stopping: threading.Event
    aws_request_id: str
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:local"

    def get_remaining_time_in_millis(self) -> int:
        if self.stopping.is_set():
            return 0
        return max(0, int((self.started + self.timeout_seconds - time.monotonic()) * 1000))


def _context(handler: str, timeout_seconds: int, stopping: threading.Event) -> Context:
    return Context(handler, timeout_seconds, time.monotonic(), stopping, str(uuid.uuid4()))


def load_handler(dotted: str) -> Handler:
    """``api.users.handler.handler`` as Lambda understands it."""
    module, _, name = dotted.rpartition(".")
    handler: Handler = getattr(import_module(module), name)
    return handler


def sqs_event(messages: list[dict[str, Any]], queue_name: str) -> dict[str, Any]:
    """The event of an SQS event source mapping (Lambda developer guide, "Using Lambda with Amazon SQS")."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue_name}",
                "awsRegion": "us-east-1",
            }
            for message in messages
        ]
    }


def schedule_event(schedule: Schedule) -> dict[str, Any]:
    """The event of an EventBridge schedule without an input of its own."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{schedule.name}"],
        "detail": "{}",
    }


def poll(sqs: Any, url: str, source: EventSource, stopping: threading.Event) -> None:
    """Feed one environment of a function from its queue until told to stop."""
    handler = load_handler(source.handler)
    while not stopping.is_set():
        try:
            _poll_once(sqs, url, source, handler, stopping)
        except Exception:
            # As in AWS the messages come back after their visibility time-out.
            _log.exception("%s failed on messages of %s", source.handler, source.queue)
            stopping.wait(_AFTER_A_FAULT_SECONDS)


def _poll_once(sqs: Any, url: str, source: EventSource, handler: Handler, stopping: threading.Event) -> None:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=min(10, source.batch_size),
        WaitTimeSeconds=_LONG_POLL_SECONDS,
        VisibilityTimeout=_RECEIVED_SECONDS,
        AttributeNames=["All"],
    )
    messages = answer.get("Messages", [])
    if not messages:
        return
    context = _context(source.handler, source.timeout_seconds, stopping)
    result = handler(sqs_event(messages, url.rpartition("/")[2]), context) or {}
    failed = {item["itemIdentifier"] for item in result.get("batchItemFailures", [])}
    for message in messages:
        if message["MessageId"] not in failed:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def tick(schedule: Schedule, every_minute: float, stopping: threading.Event) -> None:
    """What runs every minute runs every ``every_minute`` seconds here; the rest as it is deployed."""
    every = every_minute if schedule.every_seconds == _MINUTE else schedule.every_seconds
    handler = load_handler(schedule.handler)
    while not stopping.wait(every):
        try:
            handler(schedule_event(schedule), _context(schedule.handler, schedule.timeout_seconds, stopping))
        except Exception:
            _log.exception("%s failed", schedule.handler)


def main() -> int:
    parser = argparse.ArgumentParser(description="The workers of the local stack.")
    parser.add_argument("--queue-urls", required=True, help="JSON: the template's queue -> its URL")
    parser.add_argument(
        "--tick-every", type=float, required=True, help="seconds between the runs of what runs every minute"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    urls: dict[str, str] = json.loads(arguments.queue_urls)

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    end_with_parent()

    from b2b.wiring.aws import client  # noqa: PLC0415 - behind --help

    template = Template()
    sqs = client("sqs")
    work: list[Callable[[], None]] = []
    for source in template.event_sources():
        load_handler(source.handler)
        work += [partial(poll, sqs, urls[source.queue], source, stopping)] * source.concurrency
    for schedule in template.schedules():
        load_handler(schedule.handler)
        work.append(partial(tick, schedule, arguments.tick_every, stopping))
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for thread in threads:
        thread.start()
    print(f"working, pid {os.getpid()}", flush=True)  # noqa: T201 - the stack waits for this line
    stopping.wait()
    deadline = time.monotonic() + _GRACE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
