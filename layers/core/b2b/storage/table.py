"""Access to the table: reads, conditional writes, transactions. The only module that knows botocore's errors.

Reads of the table itself are strongly consistent. A write that lost a race raises ConditionFailed (the state it
relied on has changed) or WriteConflict (another transaction was at the same items); both mean: read again, decide
again, write again.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from b2b.domain.errors import ConditionFailed, WriteConflict
from b2b.storage import keys
from b2b.storage.actions import Action
from b2b.storage.items import Item, marshal, marshal_key, unmarshal
from b2b.storage.keys import Key, SortRange

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

Result = TypeVar("Result")

# DynamoDB's own limits (Service, account, and table quotas).
MAX_TRANSACTION = 100
_MAX_BATCH_GET = 100
_MAX_LIMIT = 2**31 - 1
_PARALLEL_QUERIES = 8
_WRITE_TRIES = 7

_CONTENTION = {
    "TransactionConflictException",
    "TransactionInProgressException",
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
}
_CONTENTION_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class SortCondition(NamedTuple):
    """A condition on ``#sort`` and its values."""

    condition: str
    values: dict[str, str]


def within(sort: SortRange) -> SortCondition:
    return SortCondition("#sort BETWEEN :first AND :last", {":first": sort.first, ":last": sort.last})


def behind(sort_key: str, *, descending: bool = False) -> SortCondition:
    return SortCondition(f"#sort {'<' if descending else '>'} :last", {":last": sort_key})


def up_to(sort_key: str) -> SortCondition:
    return SortCondition("#sort <= :last", {":last": sort_key})


def _again(write: Callable[[], Result]) -> Result:
    for attempt in range(_WRITE_TRIES - 1):
        try:
            return write()
        except ConditionFailed:
            raise
        except WriteConflict:
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, no secret
    return write()


class Table:
    """The table ``name`` behind ``client``. Safe to share between threads, as the client is."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client: Any = client
        self._name = name

    def get(self, key: Key) -> Item | None:
        answer = self._client.get_item(TableName=self._name, Key=marshal_key(key), ConsistentRead=True)
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def get_many(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        """The items there are, by key, in one round trip for each 100 keys."""
        pending = [marshal_key(key) for key in dict.fromkeys(wanted)]
        found: dict[Key, Item] = {}
        attempt = 0
        while pending:
            batch, pending = pending[:_MAX_BATCH_GET], pending[_MAX_BATCH_GET:]
            request = {self._name: {"Keys": batch, "ConsistentRead": True}}
            answer = self._client.batch_get_item(RequestItems=request)
            for raw in answer["Responses"].get(self._name, []):
                item = unmarshal(raw)
                found[Key(item[keys.PARTITION], item[keys.SORT])] = item
            unprocessed = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            if unprocessed:
                # DynamoDB asks for a pause before the rest of a throttled batch is tried again.
                attempt += 1
                if attempt > 8:
                    raise WriteConflict("The table is too busy.")
                time.sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))  # noqa: S311 - jitter, no secret
                pending = [*unprocessed, *pending]
        return found

    def query(self, partition: str, sort: SortRange) -> list[Item]:
        """The rows of a partition within ``sort``, by sort key."""
        arguments = self._query_arguments(keys.PARTITION, keys.SORT, partition, within(sort))
        return list(self._pages(arguments | {"ConsistentRead": True}))

    def query_some(self, partition: str, sort: SortRange, limit: int) -> list[Item]:
        """The first ``limit`` rows of a partition within ``sort``."""
        arguments = self._query_arguments(keys.PARTITION, keys.SORT, partition, within(sort))
        pages = self._pages(arguments | {"ConsistentRead": True, "Limit": limit})
        return list(islice(pages, limit))

    def sort_keys(self, partition: str, sort: SortRange) -> Iterator[str]:
        """Of the rows of a partition within ``sort``, in order: less to send than the rows."""
        arguments = self._query_arguments(keys.PARTITION, keys.SORT, partition, within(sort))
        pages = self._pages(arguments | {"ConsistentRead": True, "ProjectionExpression": "#sort"})
        return (str(row[keys.SORT]) for row in pages)

    def count(self, partition: str, sort: SortRange) -> int:
        """How many rows of a partition are within ``sort``; counted there, 1 MB of them a round trip."""
        arguments = self._query_arguments(keys.PARTITION, keys.SORT, partition, within(sort))
        return self._count(arguments | {"ConsistentRead": True})

    def count_list(self, index_partition: str) -> int:
        """How many rows the list index has (eventually consistent)."""
        return self._count(self._list_arguments(index_partition))

    def query_each(self, partitions: Sequence[str], sort: SortRange) -> list[list[Item]]:
        """``query`` of several partitions, side by side; the answers in the order asked."""
        if len(partitions) < 2:
            return [self.query(partition, sort) for partition in partitions]
        return list(self._threads.map(lambda partition: self.query(partition, sort), partitions))

    def list_page(
        self, index_partition: str, *, limit: int, after: str | None = None, descending: bool = False
    ) -> list[Item]:
        """At most ``limit`` rows of the list index behind the sort key ``after`` (eventually consistent).

        A row carries its keys, and a product itself.
        """
        sort = behind(after, descending=descending) if after is not None else None
        arguments = self._list_arguments(index_partition, sort) | {"ScanIndexForward": not descending}
        items: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            answer = self._client.query(**arguments, **start, Limit=limit - len(items))
            items += [unmarshal(raw) for raw in answer["Items"]]
            if "LastEvaluatedKey" not in answer or len(items) >= limit:
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def list_all(self, index_partition: str) -> list[Item]:
        """All rows of the list index, in its order."""
        return list(self._pages(self._list_arguments(index_partition)))

    def skip_in_list(self, index_partition: str, count: int, *, descending: bool = False) -> str | None:
        """The sort key of row number ``count`` of the list index; None when no row comes behind it.

        DynamoDB has no offset: the rows are counted there, 1 MB of them (several thousand) a round trip.
        """
        arguments = self._list_arguments(index_partition) | {"Select": "COUNT", "ScanIndexForward": not descending}
        while True:
            answer = self._client.query(**arguments, Limit=min(count, _MAX_LIMIT))
            count -= answer["Count"]
            last = answer.get("LastEvaluatedKey")
            if last is None:
                return None
            if count <= 0:
                return str(unmarshal(last)[keys.LIST_SORT])
            arguments["ExclusiveStartKey"] = last

    def due(self, shard: str, until: str, *, limit: int) -> list[Item]:
        """Rows of a shard of the due index whose time has come, oldest first (eventually consistent)."""
        arguments = self._query_arguments(keys.DUE_PARTITION, keys.DUE_AT, shard, up_to(until))
        arguments["IndexName"] = keys.DUE_INDEX
        return list(islice(self._pages(arguments | {"Limit": limit}), limit))

    def count_due(self, shard: str) -> int:
        """How many rows a shard of the due index has, whatever their time (eventually consistent)."""
        arguments = self._query_arguments(keys.DUE_PARTITION, keys.DUE_AT, shard, None)
        return self._count(arguments | {"IndexName": keys.DUE_INDEX})

    def write(self, action: Action, *, returning: str = "NONE") -> Item:
        """One write. ``returning`` is DynamoDB's ReturnValues.

        A write that meets a transaction on its item is refused without having happened, and simply tried again.
        """
        return _again(lambda: self._write(action, returning))

    def write_together(self, actions: Sequence[Action]) -> None:
        """As ``write``, all of them or none."""
        _again(lambda: self.transact(actions))

    def _write(self, action: Action, returning: str) -> Item:
        call: Callable[..., Any] = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }[action.kind]
        try:
            answer = call(TableName=self._name, ReturnValues=returning, **action.arguments)
        except ClientError as error:
            raise self._translated(error, [action]) from error
        return unmarshal(answer.get("Attributes", {}))

    def succeeds(self, action: Action) -> bool:
        """One conditional write: whether its condition held."""
        try:
            self.write(action)
        except ConditionFailed:
            return False
        return True

    def transact(self, actions: Sequence[Action]) -> None:
        """All of the writes or none, 1 to 100 of them.

        boto3 sends each try of one call with the same ClientRequestToken, so that a repeat after a lost
        answer is not carried out twice.
        """
        if not 1 <= len(actions) <= MAX_TRANSACTION:
            raise ValueError(f"A transaction has 1 to {MAX_TRANSACTION} actions, not {len(actions)}.")
        members = [{action.kind: {"TableName": self._name, **action.arguments}} for action in actions]
        try:
            self._client.transact_write_items(TransactItems=members)
        except ClientError as error:
            raise self._translated(error, actions) from error

    def _translated(self, error: ClientError, actions: Sequence[Action]) -> Exception:
        failed = _failed_conditions(error)
        if failed:
            place = ", ".join(
                f"{actions[position].kind} {keys.described(actions[position].key)}" for position in failed
            )
            return ConditionFailed(failed, place=place, state=lambda: self.get_many(each.key for each in actions))
        return WriteConflict() if _is_contention(error) else error

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_PARALLEL_QUERIES, thread_name_prefix="query")

    def _list_arguments(self, index_partition: str, sort: SortCondition | None = None) -> dict[str, Any]:
        arguments = self._query_arguments(keys.LIST_PARTITION, keys.LIST_SORT, index_partition, sort)
        return arguments | {"IndexName": keys.LIST_INDEX}

    def _query_arguments(
        self, partition_name: str, sort_name: str, partition: str, sort: SortCondition | None
    ) -> dict[str, Any]:
        condition = "#partition = :partition"
        names = {"#partition": partition_name}
        values = {":partition": partition}
        if sort is not None:
            condition += f" AND {sort.condition}"
            names["#sort"] = sort_name
            values |= sort.values
        return {
            "TableName": self._name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": marshal(values),
        }

    def _pages(self, arguments: dict[str, Any]) -> Iterator[Item]:
        for answer in self._answers(arguments):
            yield from (unmarshal(raw) for raw in answer["Items"])

    def _count(self, arguments: dict[str, Any]) -> int:
        return sum(answer["Count"] for answer in self._answers(arguments | {"Select": "COUNT"}))

    def _answers(self, arguments: dict[str, Any]) -> Iterator[Any]:
        start: dict[str, Any] = {}
        while True:
            answer = self._client.query(**arguments, **start)
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _failed_conditions(error: ClientError) -> list[int]:
    """The positions of the actions whose condition did not hold."""
    if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
        return [0]
    return [position for position, code in enumerate(_cancellation_codes(error)) if code == "ConditionalCheckFailed"]


def _is_contention(error: ClientError) -> bool:
    if error.response["Error"]["Code"] in _CONTENTION:
        return True
    return any(code in _CONTENTION_REASONS for code in _cancellation_codes(error))


def _cancellation_codes(error: ClientError) -> list[Any]:
    """Of a cancelled transaction, one for each action; else none."""
    reasons: list[Any] = list(error.response.get("CancellationReasons", []))
    return [reason.get("Code") for reason in reasons]
