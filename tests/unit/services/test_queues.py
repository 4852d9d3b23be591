"""What is sent to which queue."""

from typing import Any

import pytest
from tests.in_memory.sqs import Sent, Sqs

from b2b.domain.work.messages import UnreadableMessage, operation_id_of, student_id_of
from b2b.gateways.queues import Queues


@pytest.fixture
def sqs() -> Sqs:
    return Sqs()


@pytest.fixture
def queues(sqs: Sqs) -> Queues:
    client: Any = sqs
    return Queues(client, sync_url="sync", sync_bulk_url="sync-bulk", operations_url="operations")


@pytest.mark.parametrize(("bulk", "queue"), [(False, "sync"), (True, "sync-bulk")])
def test_a_message_names_the_student(queues: Queues, sqs: Sqs, bulk: bool, queue: str) -> None:
    queues.enqueue_student(42, bulk=bulk)
    assert sqs.sent == [Sent(queue, {"version": 1, "student_id": 42}, 0)]


def test_a_message_names_the_operation(queues: Queues, sqs: Sqs) -> None:
    queues.enqueue_operation("abc", delay_seconds=3)
    assert sqs.sent == [Sent("operations", {"version": 1, "operation_id": "abc"}, 3)]


@pytest.mark.parametrize(("asked", "sent"), [(-5, 0), (0.4, 0), (1.6, 2), (900, 900), (901, 900), (1e9, 900)])
def test_a_delay_is_what_sqs_allows(queues: Queues, sqs: Sqs, asked: float, sent: int) -> None:
    queues.enqueue_student(42, delay_seconds=asked)
    assert sqs.sent[0].delay == sent


@pytest.mark.parametrize(
    "body", ['{"student_id": 42}', '{"student_id": "42"}', '{"version": 9, "student_id": 42, "x": 1}']
)
def test_a_worker_reads_what_an_older_or_newer_sender_wrote(body: str) -> None:
    assert student_id_of(body) == 42


@pytest.mark.parametrize("body", ["", "{", "[]", "1", "null", "{}", '{"student_id": null}', '{"student_id": {}}'])
def test_a_message_without_a_student_cannot_be_read(body: str) -> None:
    with pytest.raises(UnreadableMessage):
        student_id_of(body)


def test_a_message_without_an_operation_cannot_be_read() -> None:
    with pytest.raises(UnreadableMessage):
        operation_id_of("{}")
