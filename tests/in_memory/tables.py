"""The tables of the DynamoDB in memory: items by key, and again by the keys of each index."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.in_memory.expressions import Invalid, WrongOperand
from tests.in_memory.values import Item, UnknownToMemory, kind_of, size

Position = tuple[str, ...]

# DynamoDB's own limits (Service, account, and table quotas).
_MOST_ITEM_BYTES = 400 * 1024
_MOST_KEY_BYTES = {"HASH": 2048, "RANGE": 1024}


@dataclass(frozen=True, slots=True)
class KeySchema:
    """``projected``: the attributes that an index carries beside the keys; None = all."""

    attributes: tuple[str, ...]
    projected: frozenset[str] | None = None

    @property
    def partition(self) -> str:
        return self.attributes[0]

    def of(self, item: Item) -> Item | None:
        """The item's key; None: the index has no such item."""
        key = {name: item[name] for name in self.attributes if name in item}
        return key if len(key) == len(self.attributes) else None


@dataclass(slots=True)
class Rows:
    """A table's items, or an index's, by partition and order."""

    schema: KeySchema
    table_schema: KeySchema
    partitions: dict[str, dict[Position, Item]] = field(default_factory=dict)

    def put(self, item: Item) -> None:
        if self.schema.of(item) is not None:
            self.partitions.setdefault(item[self.schema.partition]["S"], {})[self.position(item)] = item

    def remove(self, item: Item) -> None:
        if self.schema.of(item) is not None:
            del self.partitions[item[self.schema.partition]["S"]][self.position(item)]

    def position(self, item: Item) -> Position:
        """Rows of an index that sort alike are told apart by the table's key."""
        names = dict.fromkeys((*self.schema.attributes[1:], *self.table_schema.attributes))
        return tuple(item[name]["S"] for name in names)

    def key(self, item: Item) -> Item:
        return {name: item[name] for name in (*self.table_schema.attributes, *self.schema.attributes)}

    def carried(self, item: Item) -> Item:
        if self.schema.projected is None:
            return item
        names = {*self.schema.projected, *self.key(item)}
        return {name: value for name, value in item.items() if name in names}

    def in_order(self, partition: str, *, descending: bool, after: Item | None) -> Iterator[Item]:
        rows = self.partitions.get(partition, {})
        start = None if after is None else self.position(after)
        for position in sorted(rows, reverse=descending):
            if start is None or (position < start if descending else position > start):
                yield rows[position]


class Table:
    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.name = definition["TableName"]
        kinds = {each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]}
        if set(kinds.values()) != {"S"}:
            raise UnknownToMemory("keys that are not strings")
        self.schema = KeySchema(_key_names(definition))
        self.rows = Rows(self.schema, self.schema)
        self.indexes = {
            index["IndexName"]: Rows(KeySchema(_key_names(index), _projected(index["Projection"])), self.schema)
            for index in definition.get("GlobalSecondaryIndexes", [])
        }

    def get(self, key: Item) -> Item | None:
        """Raises Invalid for what is no key of the table."""
        if key.keys() != set(self.schema.attributes):
            raise Invalid("The provided key element does not match the schema")
        self._check_key(self.schema, key)
        return self.rows.partitions.get(key[self.schema.partition]["S"], {}).get(self.rows.position(key))

    def check(self, item: Item) -> None:
        """Raises Invalid for an item that DynamoDB would not take."""
        if self.schema.of(item) is None:
            raise Invalid("One or more parameter values were invalid: Missing a key of the table in the item")
        for rows in (self.rows, *self.indexes.values()):
            self._check_key(rows.schema, item)
        if size(item) > _MOST_ITEM_BYTES:
            raise Invalid("Item size has exceeded the maximum allowed size")

    def put(self, item: Item) -> None:
        self.remove(item)
        for rows in (self.rows, *self.indexes.values()):
            rows.put(item)

    def remove(self, key: Item) -> None:
        there = self.rows.partitions.get(key[self.schema.partition]["S"], {}).get(self.rows.position(key))
        for rows in (self.rows, *self.indexes.values()) if there is not None else ():
            rows.remove(there or {})

    def _check_key(self, schema: KeySchema, item: Item) -> None:
        for name, role in zip(schema.attributes, ("HASH", "RANGE"), strict=False):
            if name not in item:
                continue
            if kind_of(item[name]) != "S":
                raise WrongOperand(f"One or more parameter values were invalid: Type mismatch for key {name}")
            if not 0 < len(item[name]["S"].encode()) <= _MOST_KEY_BYTES[role]:
                raise Invalid(f"One or more parameter values were invalid: The length of the key {name}")


def _key_names(definition: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each["AttributeName"] for each in definition["KeySchema"])


def _projected(projection: Mapping[str, Any]) -> frozenset[str] | None:
    return None if projection["ProjectionType"] == "ALL" else frozenset(projection.get("NonKeyAttributes", []))
