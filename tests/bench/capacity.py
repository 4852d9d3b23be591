"""What calls consume of DynamoDB and SQS, taken where botocore sends and receives.

Writes: as the emulator reports them (each item's size in whole KB, twice in a transaction, and the indexes). Reads: by
the sizes of the rows in the answers, because the emulator reports a flat unit for each request; in units of 4 KB, half
of it for eventually consistent ones (DynamoDB developer guide, "DynamoDB read and write operations").
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.emulated import Emulated

_READ_BYTES = 4096
# Of a row that is only counted: its keys, in the index and in the table.
_COUNTED_ROW_BYTES = 150
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}
_REQUEST = "bench_request"

Json = Mapping[str, Any]


@dataclass(slots=True)
class Consumed:
    """``trips``: requests to DynamoDB; ``units``: request units of on-demand tables; ``messages``: sent to SQS."""

    trips: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    rows: int = 0
    messages: int = 0


class Meter:
    """Counts from its making on."""

    def __init__(self, school: Emulated) -> None:
        self._consumed = Consumed()
        dynamodb, sqs = school.dynamodb.meta.events, school.sqs.meta.events
        dynamodb.register("before-parameter-build.dynamodb", self._ask)
        dynamodb.register("after-call.dynamodb", self._note)
        sqs.register("before-send.sqs.SendMessage", self._note_message)

    def take(self) -> Consumed:
        """What was consumed since it was last asked."""
        taken, self._consumed = self._consumed, Consumed()
        return taken

    def _ask(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.name in _WRITES:
            params["ReturnConsumedCapacity"] = "TOTAL"
        context[_REQUEST] = params

    def _note(self, parsed: Json, model: Any, context: Json, **_: Any) -> None:
        consumed = self._consumed
        consumed.trips += 1
        if "Error" in parsed:
            return
        if model.name in _WRITES:
            told = parsed["ConsumedCapacity"]
            consumed.write_units += sum(each["CapacityUnits"] for each in (told if isinstance(told, list) else [told]))
        else:
            units, rows = read_units(model.name, context[_REQUEST], parsed)
            consumed.read_units += units
            consumed.rows += rows

    def _note_message(self, **_: Any) -> None:
        self._consumed.messages += 1


def read_units(operation: str, request: Json, answer: Json) -> tuple[float, int]:
    """Request units, and rows that were read."""
    if operation == "GetItem":
        found = "Item" in answer
        return _units(item_bytes(answer["Item"]) if found else 0, request), int(found)
    if operation == "BatchGetItem":
        ((name, wanted),) = request["RequestItems"].items()
        items = answer["Responses"].get(name, [])
        # Whoever is not there is paid for like the smallest that is.
        absent = len(wanted["Keys"]) - len(items)
        units = sum(_units(item_bytes(item), wanted) for item in items) + absent * _units(0, wanted)
        return units, len(items)
    if operation == "Query":
        items = answer.get("Items", [])
        size = sum(map(item_bytes, items)) if items else answer["ScannedCount"] * _COUNTED_ROW_BYTES
        return _units(size, request), answer["ScannedCount"]
    raise ValueError(f"What {operation} consumes is not known here.")


def _units(size: int, request: Json) -> float:
    whole = max(1, math.ceil(size / _READ_BYTES))
    return whole if request.get("ConsistentRead") else whole / 2


def item_bytes(item: Json) -> int:
    """Of an item in DynamoDB's notation, names included (developer guide, "DynamoDB item sizes and formats")."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Json) -> int:
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return len(content.encode() if isinstance(content, str) else content)
    if kind == "N":
        return _number_bytes(content)
    if kind in ("SS", "BS"):
        return sum(len(each) for each in content)
    if kind == "NS":
        return sum(map(_number_bytes, content))
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_bytes(each) for each in content)
    return 1  # BOOL, NULL


def _number_bytes(digits: str) -> int:
    """A byte for two digits, and one more."""
    return len(digits.lstrip("-")) // 2 + 1
