"""What the tests here ask of a whole local stack, beside what all tests do."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from boto3.dynamodb.conditions import Attr
from tests.integration.stacks import answered, note_of, school_of
from tests.local_stack import LocalStack

from b2b.domain.timestamps import to_text
from b2b.domain.work.upstream import LIST_LAG_SECONDS
from b2b.storage import keys
from b2b.storage.actions import Update

_DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_MOST_AT_ONCE = 20
# Often enough, and no burden on a machine that has two processors.
_LOOK_EVERY_SECONDS = 0.5


class Running:
    """A local stack with its table and queues."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.school = school_of(stack)

    def waiting(self) -> int:
        """Students whom Thinkific has still to be told about."""
        return self.school.store.wishes.count()

    def dead_letters(self) -> dict[str, int]:
        """How many lie in each dead-letter queue that is not empty."""
        queues: Mapping[str, str] = note_of(self.stack)["queues"]
        depths = {name: self._depth(url) for name, url in queues.items() if "DeadLetter" in name}
        return {name: depth for name, depth in depths.items() if depth}

    def try_again_soon(self) -> None:
        """Whoever is to be tried again in some minutes, as if these had passed; not before Thinkific's lists show what
        became of the last try.
        """
        soon = to_text(datetime.now(UTC) + timedelta(seconds=LIST_LAG_SECONDS))
        resting = Attr("lease_owner").not_exists() & Attr("not_before").gt(soon)
        for wish in self.school.store.wishes.longest_due(_MOST_AT_ONCE):
            if self.school.table.succeeds(Update(keys.wish(wish.student_id)).set(not_before=soon).when(resting)):
                self.school.queues.enqueue_student(wish.student_id, bulk=wish.bulk, delay_seconds=LIST_LAG_SECONDS)

    def _depth(self, url: str) -> int:
        answer = self.school.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_DEPTHS))
        return sum(int(number) for number in answer["Attributes"].values())


def await_calmly(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """As ``await_that``, for what takes minutes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(_LOOK_EVERY_SECONDS)


def all_rows(api: httpx.Client, path: str) -> list[dict[str, Any]]:
    body = answered(api.get(path, params={"per_page": 100}))
    rows: list[dict[str, Any]] = body["data"]
    while body["links"]["next"] is not None:
        body = answered(api.get(body["links"]["next"]))
        rows += body["data"]
    return rows


def state_of(simulator: httpx.Client) -> dict[str, Any]:
    """All that Thinkific has."""
    return answered(simulator.get("/_simulator/state"))
