"""How a worker keeps the messages that it has received, and gives them back."""

from typing import Any

import pytest

from b2b.gateways.queues import VISIBILITY_SECONDS, Queues, ReceivedMessages

ARN = "arn:aws:sqs:eu-central-1:123456789012:"


class Sqs:
    """In the place of SQS's client: for how long each message was hidden, in the order of the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, int]]] = []
        self.broken = False

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> None:  # noqa: N803 - boto's
        if self.broken:
            raise ConnectionError("no queue")
        assert len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        self.calls.append((QueueUrl, {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in Entries}))


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sqs() -> Sqs:
    return Sqs()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def failures() -> list[Exception]:
    return []


def received(sqs: Any, watch: Watch, failures: list[Exception], *names: str, seconds: int = 35) -> ReceivedMessages:
    """``names``: a message each, ``queue/id``."""
    queues = Queues(
        sqs,
        sync_url="https://sqs/1/sync",
        sync_bulk_url="https://sqs/1/bulk",
        operations_url="https://sqs/1/operations",
    )
    records = [
        {"messageId": name, "receiptHandle": f"handle of {name}", "eventSourceARN": ARN + name.partition("/")[0]}
        for name in names
    ]
    return ReceivedMessages(queues, {"Records": records}, failures.append, seconds=seconds, monotonic=watch)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["sync/1"], [("https://sqs/1/sync", 1)]),
        (["bulk/1", "bulk/2"], [("https://sqs/1/bulk", 2)]),
        (["operations/1"], [("https://sqs/1/operations", 1)]),
        (["sync/1", "bulk/1", "sync/2"], [("https://sqs/1/sync", 2), ("https://sqs/1/bulk", 1)]),
        ([f"sync/{number}" for number in range(10)], [("https://sqs/1/sync", 10)]),
        ([f"sync/{number}" for number in range(11)], [("https://sqs/1/sync", 10), ("https://sqs/1/sync", 1)]),
    ],
)
def test_all_messages_of_the_event_are_hidden_before_the_first(
    sqs: Sqs, watch: Watch, failures: list[Exception], names: list[str], expected: list[tuple[str, int]]
) -> None:
    received(sqs, watch, failures, *names).extend_visibility()
    assert [(url, len(hidden)) for url, hidden in sqs.calls] == expected
    assert all(seconds == VISIBILITY_SECONDS for _, hidden in sqs.calls for seconds in hidden.values())
    assert failures == []


@pytest.mark.parametrize(("passed", "calls"), [(0.0, 1), (4.9, 1), (5.0, 2), (60.0, 2)])
def test_a_call_is_made_again_only_after_some_seconds(
    sqs: Sqs, watch: Watch, failures: list[Exception], passed: float, calls: int
) -> None:
    messages = received(sqs, watch, failures, "sync/1", "sync/2")
    messages.extend_visibility()
    watch.now += passed
    messages.extend_visibility()
    assert len(sqs.calls) == calls


def test_a_finished_message_is_not_held_any_more(sqs: Sqs, watch: Watch, failures: list[Exception]) -> None:
    messages = received(sqs, watch, failures, "sync/1", "sync/2")
    messages.extend_visibility()
    messages.finish("sync/1")
    watch.now += 10
    messages.extend_visibility()
    assert [*sqs.calls[-1][1]] == ["handle of sync/2"]


def test_a_failed_message_waits_as_long_as_its_queue_would_make_it(
    sqs: Sqs, watch: Watch, failures: list[Exception]
) -> None:
    messages = received(sqs, watch, failures, "sync/1", "sync/2")
    messages.extend_visibility()
    messages.fail("sync/1")
    watch.now += 10
    messages.extend_visibility()
    assert [hidden for _, hidden in sqs.calls[1:]] == [{"handle of sync/1": 360}, {"handle of sync/2": 35}]


@pytest.mark.parametrize("names", [["sync/1"], ["unknown-queue/1"]])
def test_a_queue_that_refuses_stops_no_worker_and_is_told(
    sqs: Sqs, watch: Watch, failures: list[Exception], names: list[str]
) -> None:
    sqs.broken = True
    messages = received(sqs, watch, failures, *names)
    messages.extend_visibility()
    messages.fail(names[0])
    assert len(failures) == 2
