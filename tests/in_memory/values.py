"""Attribute values in DynamoDB's notation, such as ``{"N": "5"}``: how they compare, and how much room they take."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

Value = dict[str, Any]
Item = dict[str, Value]

_ORDERED = {"S", "N", "B"}


class UnknownToMemory(Exception):
    """The product has begun to send DynamoDB something that this client does not know, and that it must not guess."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"tests/in_memory does not know {what}: teach it and compare it with the emulator "
            "(tests/integration/test_in_memory_dynamodb.py), or run the test there."
        )


def kind_of(value: Value) -> str:
    return next(iter(value))


def plain(value: Value) -> tuple[str, Any]:
    """What is equal exactly where DynamoDB calls the values equal: ``5`` and ``5.0`` are, two orders of a set are."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, Decimal(content)
    if kind == "NS":
        return kind, frozenset(map(Decimal, content))
    if kind in ("SS", "BS"):
        return kind, frozenset(content)
    if kind == "L":
        return kind, [plain(each) for each in content]
    if kind == "M":
        return kind, {name: plain(each) for name, each in content.items()}
    return kind, content


def order(one: Value, other: Value) -> int | None:
    """Below, at or above 0 as ``one`` is to ``other``; None where DynamoDB knows no order between them."""
    (kind, first), (other_kind, second) = plain(one), plain(other)
    if kind != other_kind or kind not in _ORDERED:
        return None
    return int(first > second) - int(first < second)


def copied(item: Item) -> Item:
    """What no change of ``item`` reaches, with its numbers as DynamoDB spells them."""
    return {name: _copied(value) for name, value in item.items()}


def _copied(value: Value) -> Value:
    ((kind, content),) = value.items()
    if kind == "N":
        return value.copy() if content.isdigit() else number(Decimal(content))
    if kind == "NS":
        return {kind: [number(Decimal(each))["N"] for each in content]}
    if kind in ("SS", "BS"):
        return {kind: list(content)}
    if kind == "L":
        return {kind: [_copied(each) for each in content]}
    return {kind: copied(content)} if kind == "M" else value.copy()


def number(value: Decimal) -> Value:
    """As DynamoDB spells it: without an exponent, and without zeros at the end of a fraction."""
    if value == value.to_integral_value():
        return {"N": str(value.quantize(Decimal(1)))}
    return {"N": format(value.normalize(), "f")}


def size(item: Item) -> int:
    """Bytes, as DynamoDB counts them towards 400 KB of an item and 1 MB of a page; of a number, a little more."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Value) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind in ("N", "B"):
        return len(content)
    if kind in ("SS", "NS", "BS"):
        return sum(len(each) for each in content)
    if kind == "L":
        return 3 + sum(1 + _size(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size(each) for name, each in content.items())
    return 1


def united(one: Value, other: Value) -> Value:
    """Two sets of one kind."""
    return _as_set(kind_of(one), [*_members(one), *_members(other)])


def without(one: Value, other: Value) -> Value | None:
    """What is left of a set; None: nothing, and DynamoDB has no empty sets."""
    gone = {plain({"N": each}) if kind_of(other) == "NS" else each for each in _members(other)}
    kept = [each for each in _members(one) if (plain({"N": each}) if kind_of(one) == "NS" else each) not in gone]
    return _as_set(kind_of(one), kept) if kept else None


def _members(value: Value) -> list[Any]:
    ((_, content),) = value.items()
    return list(content)


def _as_set(kind: str, members: Iterable[Any]) -> Value:
    if kind == "NS":
        return {kind: [str(each) for each in sorted({Decimal(member) for member in members})]}
    return {kind: sorted(set(members))}
