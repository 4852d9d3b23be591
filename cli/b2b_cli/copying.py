"""A whole table read and written as it is: items in DynamoDB's notation, many calls at once."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from botocore.exceptions import ClientError

from b2b.storage import keys
from b2b.storage.keys import Key
from b2b_cli.errors import CommandError
from b2b_cli.merging import WireItem

# As many calls are under way at once; a segment is read page by page.
CALLS_AT_ONCE = 16
SEGMENTS = 8

# DynamoDB's limit of one BatchWriteItem.
_BATCH = 25
_TRIES = 10
_LONGEST_PAUSE_SECONDS = 10.0
_BUSY = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}

Sleep = Callable[[float], None]


class WholeTable:
    """``name`` may be an ARN. What DynamoDB is too busy for is tried again; raises CommandError when it stays so."""

    def __init__(self, client: Any, name: str, pool: Executor, sleep: Sleep = time.sleep) -> None:
        self.name = name
        self._client = client
        self._pool = pool
        self._sleep = sleep

    def pages(self, **arguments: Any) -> Iterator[list[WireItem]]:
        """Every item once, in no order. ``arguments``: Scan's, which may leave out some."""
        under_way = {self._pool.submit(self.read, segment, **arguments): segment for segment in range(SEGMENTS)}
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                segment, page = under_way.pop(future), future.result()
                if "LastEvaluatedKey" in page:
                    start = page["LastEvaluatedKey"]
                    following = self._pool.submit(self.read, segment, ExclusiveStartKey=start, **arguments)
                    under_way[following] = segment
                yield page["Items"]

    def writes(self) -> "Writes":
        return Writes(self._pool, self._write)

    def read(self, segment: int, **arguments: Any) -> Any:
        """A page of one of the ``SEGMENTS`` parts of the table, as Scan answers it."""
        attempt = 0
        while True:
            try:
                return self._client.scan(
                    TableName=self.name, Segment=segment, TotalSegments=SEGMENTS, ConsistentRead=True, **arguments
                )
            except ClientError as error:
                _raise_unless_busy(error)
            attempt += 1
            self._pause(attempt)

    def _write(self, requests: list[Any]) -> int:
        """How many there were, all of them written."""
        left, attempt = requests, 0
        while True:
            before = len(left)
            left = self._try_to_write(left)
            if not left:
                return len(requests)
            attempt = attempt + 1 if len(left) == before else 1
            self._pause(attempt)

    def _try_to_write(self, requests: list[Any]) -> list[Any]:
        """Those left."""
        try:
            answer = self._client.batch_write_item(RequestItems={self.name: requests})
        except ClientError as error:
            _raise_unless_busy(error)
            return requests
        left: list[Any] = answer.get("UnprocessedItems", {}).get(self.name, [])
        return left

    def _pause(self, attempt: int) -> None:
        if attempt >= _TRIES:
            raise CommandError(f"DynamoDB is too busy with {self.name}, and has been for a while.")
        longest = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**attempt)
        self._sleep(random.uniform(0, longest))  # noqa: S311 - jitter, no secret


class Writes:
    """Puts and deletes, done in any order; no key twice before ``finish``. ``done`` counts them."""

    def __init__(self, pool: Executor, write: Callable[[list[Any]], int]) -> None:
        self._pool = pool
        self._write = write
        self._next: list[Any] = []
        self._under_way: set[Future[int]] = set()
        self.done = 0

    def put(self, item: WireItem) -> None:
        self._add({"PutRequest": {"Item": item}})

    def delete(self, key: Key) -> None:
        self._add({"DeleteRequest": {"Key": {keys.PARTITION: {"S": key.pk}, keys.SORT: {"S": key.sk}}}})

    def finish(self) -> None:
        """When this returns, all that was asked for is written."""
        self._send()
        self._await(at_most=0)

    def _add(self, request: Any) -> None:
        self._next.append(request)
        if len(self._next) == _BATCH:
            self._send()
            self._await(at_most=CALLS_AT_ONCE)

    def _send(self) -> None:
        if self._next:
            self._under_way.add(self._pool.submit(self._write, self._next))
            self._next = []

    def _await(self, *, at_most: int) -> None:
        """Until no more than so many calls are under way."""
        while len(self._under_way) > at_most:
            done, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            self.done += sum(future.result() for future in done)


def _raise_unless_busy(error: ClientError) -> None:
    if error.response["Error"]["Code"] not in _BUSY:
        raise error
