"""Items in DynamoDB's notation, and back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from b2b.storage import keys
from b2b.storage.keys import Key

Item = dict[str, Any]


class _Deserializer(TypeDeserializer):
    """Numbers as int where they are whole, else float, and bytes as they are; boto3 gives Decimal and Binary."""

    def _deserialize_b(self, value: bytes) -> bytes:
        return value

    def _deserialize_n(self, value: str) -> int | float:
        return int(value) if value.lstrip("-").isdigit() else float(value)


_serializer = TypeSerializer()
_deserializer = _Deserializer()


def marshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB's notation. What is None or an empty set is left out."""
    return {name: marshal_value(value) for name, value in item.items() if not is_nothing(value)}


def unmarshal(item: Mapping[str, Any]) -> Item:
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def marshal_value(value: Any) -> Any:
    if isinstance(value, float):
        value = Decimal(str(value))
    elif isinstance(value, frozenset):
        value = set(value)
    return _serializer.serialize(value)


def is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, set | frozenset) and not value)


def marshal_key(key: Key) -> dict[str, Any]:
    return {keys.PARTITION: {"S": key.pk}, keys.SORT: {"S": key.sk}}
