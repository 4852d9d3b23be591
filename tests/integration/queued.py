"""What waits in a school's queues; reading it takes it out."""

import json
from typing import Any

from tests.emulated import Emulated

_SYNC_QUEUES = ("SyncQueue", "SyncBulkQueue")


def enqueued_for(school: Emulated) -> list[int]:
    """The students whom the messages of the sync queues name."""
    return [message["student_id"] for queue in _SYNC_QUEUES for message in _taken(school, queue)]


def lose_messages(school: Emulated) -> None:
    """All that are in the sync queues."""
    for queue in _SYNC_QUEUES:
        school.sqs.purge_queue(QueueUrl=school.resources.queue_urls[queue])


def asked_for(school: Emulated) -> list[str]:
    """The operations that the messages of their queue name."""
    return [message["operation_id"] for message in _taken(school, "OperationsQueue")]


def _taken(school: Emulated, queue: str) -> list[dict[str, Any]]:
    url = school.resources.queue_urls[queue]
    found: list[dict[str, Any]] = []
    while messages := school.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            school.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found
