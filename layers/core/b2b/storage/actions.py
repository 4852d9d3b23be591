"""Writes in the making: what to put, update, delete or check, and under which condition. ``Table`` carries them out."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Self

from boto3.dynamodb.conditions import Attr, ConditionBase, ConditionExpressionBuilder

from b2b.storage import keys, schema
from b2b.storage.items import is_nothing, marshal, marshal_key, marshal_value
from b2b.storage.keys import Key

EXISTS = Attr(keys.PARTITION).exists()
ABSENT = Attr(keys.PARTITION).not_exists()


@dataclass(frozen=True, slots=True)
class Action:
    """One member of a transaction, or a write of its own. ``kind`` is DynamoDB's name for it."""

    kind: str
    arguments: dict[str, Any]

    @property
    def key(self) -> Key:
        item = self.arguments.get("Key") or self.arguments["Item"]
        return Key(item[keys.PARTITION]["S"], item[keys.SORT]["S"])


def put(key: Key, item: Mapping[str, Any], *, when: ConditionBase | None = None) -> Action:
    """``item`` is all there is to store, and so of today's form."""
    stored = {**item, keys.PARTITION: key.pk, keys.SORT: key.sk, schema.ATTRIBUTE: schema.VERSION}
    return _action("Put", {"Item": marshal(stored)}, when)


def delete(key: Key, *, when: ConditionBase | None = None) -> Action:
    return _action("Delete", {"Key": marshal_key(key)}, when)


def check(key: Key, when: ConditionBase) -> Action:
    return _action("ConditionCheck", {"Key": marshal_key(key)}, when)


class Update:
    """One UpdateItem in the making: ``Update(key).set(name="x").add(seats_used=1).when(Attr("pk").exists())``.

    ``may_create``: the condition may hold where there is no item yet. The item then says that it is of today's form.
    """

    def __init__(self, key: Key, *, may_create: bool = False) -> None:
        self._key = key
        self._may_create = may_create
        self._clauses: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def set(self, **values: Any) -> Self:
        """None removes the attribute."""
        for name, value in values.items():
            if is_nothing(value):
                self.remove(name)
            else:
                self._clause("SET", f"{self._name(name)} = {self._value(value)}")
        return self

    def set_if_absent(self, **values: Any) -> Self:
        for name, value in values.items():
            placeholder = self._name(name)
            self._clause("SET", f"{placeholder} = if_not_exists({placeholder}, {self._value(value)})")
        return self

    def add(self, **deltas: int | AbstractSet[int]) -> Self:
        """Counts from 0 where there is no attribute; a set takes in the given members."""
        for name, delta in deltas.items():
            self._clause("ADD", f"{self._name(name)} {self._value(delta)}")
        return self

    def discard(self, **members: AbstractSet[int]) -> Self:
        """Takes members out of a set."""
        for name, values in members.items():
            self._clause("DELETE", f"{self._name(name)} {self._value(values)}")
        return self

    def remove(self, *names: str) -> Self:
        for name in names:
            self._clause("REMOVE", self._name(name))
        return self

    def when(self, condition: ConditionBase) -> Action:
        return self._build(condition)

    def always(self) -> Action:
        return self._build(None)

    def _build(self, condition: ConditionBase | None) -> Action:
        if condition is None or self._may_create:
            self.set_if_absent(**{schema.ATTRIBUTE: schema.VERSION})
        expression = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in self._clauses.items())
        return _action(
            "Update",
            {
                "Key": marshal_key(self._key),
                "UpdateExpression": expression,
                "ExpressionAttributeNames": dict(self._names),
                "ExpressionAttributeValues": dict(self._values),
            },
            condition,
        )

    def _clause(self, verb: str, text: str) -> None:
        self._clauses.setdefault(verb, []).append(text)

    def _name(self, name: str) -> str:
        placeholder = f"#u{len(self._names)}"
        self._names[placeholder] = name
        return placeholder

    def _value(self, value: Any) -> str:
        placeholder = f":u{len(self._values)}"
        self._values[placeholder] = marshal_value(value)
        return placeholder


def _action(kind: str, arguments: dict[str, Any], condition: ConditionBase | None) -> Action:
    if condition is not None:
        built = ConditionExpressionBuilder().build_expression(condition)
        arguments["ConditionExpression"] = built.condition_expression
        names = built.attribute_name_placeholders
        values = {name: marshal_value(value) for name, value in built.attribute_value_placeholders.items()}
        arguments["ExpressionAttributeNames"] = arguments.get("ExpressionAttributeNames", {}) | names
        arguments["ExpressionAttributeValues"] = arguments.get("ExpressionAttributeValues", {}) | values
    # DynamoDB refuses an empty map of values.
    if not arguments.get("ExpressionAttributeValues", True):
        del arguments["ExpressionAttributeValues"]
    return Action(kind, arguments)
