"""DynamoDB in this process: a client with boto3's methods, as far as the product and its tests call them.

It takes what DynamoDB takes and refuses what it refuses: conditions, transactions of all or nothing, indexes with
their projections, pages, limits, placeholders that nothing uses. What it does not know it refuses aloud.
tests/integration/test_in_memory_dynamodb.py holds it to the emulator, call by call.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

from botocore.exceptions import ClientError
from tests.in_memory import expressions
from tests.in_memory.expressions import Change, Compiled, Condition, Invalid, Scope, WrongOperand
from tests.in_memory.tables import Rows, Table
from tests.in_memory.values import Item, UnknownToMemory, copied, size

Call = dict[str, Any]
Watcher = Callable[[str, Call], None]

_MOST_PAGE_BYTES = 1024 * 1024
_MOST_IN_TRANSACTION = 100
_MOST_IN_BATCH = 100

_EXPRESSION = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
_CONDITIONAL = {"TableName", "ConditionExpression", *_EXPRESSION}
_MEMBERS = {
    "Put": {"Item", *_CONDITIONAL},
    "Update": {"Key", "UpdateExpression", *_CONDITIONAL},
    "Delete": {"Key", *_CONDITIONAL},
    "ConditionCheck": {"Key", *_CONDITIONAL},
}
_PARAMETERS = {
    "GetItem": {"TableName", "Key", "ConsistentRead"},
    "BatchGetItem": {"RequestItems"},
    "Query": {"TableName", "IndexName", "KeyConditionExpression", "ProjectionExpression", "Select", "Limit"}
    | {"ConsistentRead", "ScanIndexForward", "ExclusiveStartKey", *_EXPRESSION},
    "PutItem": {*_MEMBERS["Put"], "ReturnValues"},
    "UpdateItem": {*_MEMBERS["Update"], "ReturnValues"},
    "DeleteItem": {*_MEMBERS["Delete"], "ReturnValues"},
    "TransactWriteItems": {"TransactItems"},
}
_KEY_CONDITION = re.compile(r"(#\w+) = (:\w+)(?: AND (.+))?")


class _ConditionFailed(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Write:
    """``after`` None: the item goes."""

    table: Table
    key: Item
    before: Item | None
    after: Item | None

    def carry_out(self) -> None:
        if self.after is not None:
            self.table.put(self.after)
        else:
            self.table.remove(self.key)


class DynamoDB:
    """Safe to share between threads: one call after the other is carried out."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._lock = threading.RLock()
        self._watchers: list[Watcher] = []

    @contextmanager
    def watched(self, watcher: Watcher) -> Iterator[None]:
        """``watcher`` is told of each call before it is carried out. What it raises, the caller gets instead."""
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    def create_table(self, **definition: Any) -> None:
        self._tables[definition["TableName"]] = Table(definition)

    def delete_table(self, **call: Any) -> None:
        del self._tables[call["TableName"]]

    # Reads

    def get_item(self, **call: Any) -> Call:
        with self._calling("GetItem", call):
            found = self._table(call).get(call["Key"])
            return {} if found is None else {"Item": copied(found)}

    def batch_get_item(self, **call: Any) -> Call:
        with self._calling("BatchGetItem", call):
            answers = {name: self._found(name, request["Keys"]) for name, request in call["RequestItems"].items()}
            return {"Responses": answers, "UnprocessedKeys": {}}

    def _found(self, table_name: str, keys: Sequence[Item]) -> list[Item]:
        if not 1 <= len(keys) <= _MOST_IN_BATCH or any(keys.count(key) > 1 for key in keys):
            raise Invalid("Too many items requested for the BatchGetItem call, or one of them twice")
        table = self._table({"TableName": table_name})
        found = (table.get(key) for key in keys)
        return [copied(item) for item in found if item is not None]

    def query(self, **call: Any) -> Call:
        with self._calling("Query", call):
            rows = self._rows(call)
            _check_placeholders(call)
            page, last = _page(rows, self._selected(rows, call), call.get("Limit"))
            answer: Call = {"Count": len(page), "ScannedCount": len(page)}
            if call.get("Select") != "COUNT":
                answer["Items"] = [copied(item) for item in _projection(page, call)]
            if last is not None:
                answer["LastEvaluatedKey"] = copied(rows.key(last))
            return answer

    def _rows(self, call: Call) -> Rows:
        table = self._table(call)
        if "IndexName" not in call:
            return table.rows
        if call.get("ConsistentRead"):
            raise Invalid("Consistent reads are not supported on global secondary indexes")
        if call["IndexName"] not in table.indexes:
            raise Invalid(f"The table does not have the specified index: {call['IndexName']}")
        return table.indexes[call["IndexName"]]

    def _selected(self, rows: Rows, call: Call) -> Iterator[Item]:
        if call.get("Limit", 1) < 1:
            raise Invalid("Value at 'Limit' failed to satisfy constraint: Member must be greater than or equal to 1")
        found = _KEY_CONDITION.fullmatch(call["KeyConditionExpression"])
        if found is None:
            raise UnknownToMemory(f"the key condition {call['KeyConditionExpression']}")
        name, value, rest = found.groups()
        names, values = call["ExpressionAttributeNames"], call["ExpressionAttributeValues"]
        if names[name] != rows.schema.partition:
            raise Invalid(f"Query condition missed key schema element: {rows.schema.partition}")
        holds: Condition = expressions.condition(rest).result if rest else lambda _: True
        holds(Scope({}, names, values))  # bounds in the wrong order are refused whatever rows there are
        in_order = rows.in_order(
            values[value]["S"],
            descending=not call.get("ScanIndexForward", True),
            after=call.get("ExclusiveStartKey"),
        )
        return (item for item in in_order if holds(Scope(item, names, values)))

    # Writes

    def put_item(self, **call: Any) -> Call:
        return self._write("PutItem", "Put", call)

    def update_item(self, **call: Any) -> Call:
        return self._write("UpdateItem", "Update", call)

    def delete_item(self, **call: Any) -> Call:
        return self._write("DeleteItem", "Delete", call)

    def _write(self, operation: str, kind: str, call: Call) -> Call:
        with self._calling(operation, call):
            planned = self._planned(kind, call)
            planned.carry_out()
            returned = _returned(planned, call)
            return {"Attributes": copied(returned)} if returned else {}

    def transact_write_items(self, **call: Any) -> Call:
        with self._calling("TransactWriteItems", call):
            members = [next(iter(member.items())) for member in call["TransactItems"]]
            if not 1 <= len(members) <= _MOST_IN_TRANSACTION:
                raise Invalid("A transaction has 1 to 100 members")
            places = [(member["TableName"], repr(_key(self._table(member), kind, member))) for kind, member in members]
            if len(set(places)) < len(places):
                raise Invalid("Transaction request cannot include multiple operations on one item")
            writes = [self._planned_or_why_not(kind, member) for kind, member in members]
            reasons = ["None" if isinstance(write, _Write) else write for write in writes]
            if set(reasons) != {"None"}:
                _refuse_transaction(reasons)
            for (kind, _), write in zip(members, writes, strict=True):
                if kind != "ConditionCheck" and isinstance(write, _Write):
                    write.carry_out()
            return {}

    def _planned_or_why_not(self, kind: str, member: Call) -> _Write | str:
        if unknown := member.keys() - _MEMBERS[kind]:
            raise UnknownToMemory(f"{sorted(unknown)} in a transaction")
        try:
            return self._planned(kind, member)
        except _ConditionFailed:
            return "ConditionalCheckFailed"
        except WrongOperand:
            return "ValidationError"

    def _planned(self, kind: str, call: Call) -> _Write:
        """What a write does; nothing is changed yet. Raises _ConditionFailed."""
        table = self._table(call)
        key = _key(table, kind, call)
        before = table.get(key)
        _check_placeholders(call)
        names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})
        scope = Scope(before or {}, names, values)
        if "ConditionExpression" in call and not expressions.condition(call["ConditionExpression"]).result(scope):
            raise _ConditionFailed
        after = {"Put": _put, "Update": _updated}.get(kind, lambda *_: None)(call, key, scope)
        if after is not None:
            table.check(after)
        return _Write(table, key, before, after)

    # Every call

    @contextmanager
    def _calling(self, operation: str, call: Call) -> Iterator[None]:
        if unknown := call.keys() - _PARAMETERS[operation]:
            raise UnknownToMemory(f"{sorted(unknown)} of {operation}")
        for watcher in self._watchers:
            watcher(operation, call)
        with self._lock:
            try:
                yield
            except _ConditionFailed:
                _refuse(operation, "ConditionalCheckFailedException", "The conditional request failed")
            except Invalid as invalid:
                _refuse(operation, "ValidationException", str(invalid))

    def _table(self, call: Call) -> Table:
        if call["TableName"] not in self._tables:
            _refuse("", "ResourceNotFoundException", "Requested resource not found")
        return self._tables[call["TableName"]]


def _page(rows: Rows, selected: Iterable[Item], limit: int | None) -> tuple[list[Item], Item | None]:
    """At most ``limit`` items and 1 MB, and the last of them where the page ended for that reason."""
    page: list[Item] = []
    room = _MOST_PAGE_BYTES
    for item in map(rows.carried, islice(selected, limit)):
        room -= size(item)
        if page and room < 0:
            return page, page[-1]
        page.append(item)
    return page, page[-1] if page and len(page) == limit else None


def _projection(page: list[Item], call: Call) -> list[Item]:
    if "ProjectionExpression" not in call:
        return page
    paths = expressions.projection(call["ProjectionExpression"]).result
    names = {path.attribute(call["ExpressionAttributeNames"]) for path in paths}
    return [{name: value for name, value in item.items() if name in names} for item in page]


def _key(table: Table, kind: str, call: Call) -> Item:
    if kind != "Put":
        key: Item = call["Key"]
        return key
    found = table.schema.of(call["Item"])
    if found is None:
        raise Invalid("One or more parameter values were invalid: Missing a key of the table in the item")
    return found


def _put(call: Call, _key: Item, _scope: Scope) -> Item:
    return copied(call["Item"])


def _updated(call: Call, key: Item, scope: Scope) -> Item:
    after = scope.item | key
    changes = {change.path.attribute(scope.names): change for change in _changes(call)}
    if len(changes) < len(_changes(call)):
        raise Invalid("Two document paths overlap with each other")
    for name, change in changes.items():
        if name in key:
            raise Invalid(f"Cannot update attribute {name}. This attribute is part of the key")
        value = change.result(scope)
        if value is None:
            after.pop(name, None)
        else:
            after[name] = value
    return copied(after)


def _changes(call: Call) -> tuple[Change, ...]:
    return expressions.update(call["UpdateExpression"]).result


def _returned(write: _Write, call: Call) -> Item | None:
    """As ReturnValues asks."""
    asked = call.get("ReturnValues", "NONE")
    if asked == "NONE":
        return None
    if asked == "ALL_OLD":
        return write.before
    if asked == "ALL_NEW":
        return write.after
    if asked == "UPDATED_NEW":
        changed = {change.path.attribute(call["ExpressionAttributeNames"]) for change in _changes(call)}
        return {name: value for name, value in (write.after or {}).items() if name in changed}
    raise UnknownToMemory(f"ReturnValues={asked}")


_COMPILED: dict[str, Callable[[str], Compiled[Any]]] = {
    "ConditionExpression": expressions.condition,
    "KeyConditionExpression": expressions.condition,
    "ProjectionExpression": expressions.projection,
    "UpdateExpression": expressions.update,
}


def _check_placeholders(call: Call) -> None:
    given = {*call.get("ExpressionAttributeNames", {}), *call.get("ExpressionAttributeValues", {})}
    used = {each for name, compiled in _COMPILED.items() if name in call for each in compiled(call[name]).placeholders}
    if used != given or any(call.get(name) == {} for name in _EXPRESSION):
        raise Invalid(f"Placeholders that nothing uses, or that nothing says what they are: {sorted(used ^ given)}")


def _refuse(operation: str, code: str, message: str, **more: Any) -> NoReturn:
    answer: Any = {"Error": {"Code": code, "Message": message}, **more}
    raise ClientError(answer, operation) from None


def _refuse_transaction(reasons: list[str]) -> NoReturn:
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(reasons)}]"
    told = [{"Code": reason} for reason in reasons]
    _refuse("TransactWriteItems", "TransactionCanceledException", message, CancellationReasons=told)
