"""Schemas in the plain forms that generators of clients know, whatever pydantic wrote."""

import re
from collections.abc import Mapping
from typing import Any

from b2b.domain.identity.tokens import SCOPES

Json = dict[str, Any]

_REF = "#/components/schemas/"
_FORMATS = {"integer": "int64", "number": "double"}

# Lists of words that several schemas share. Named, they become one type in a client, and not one for each place.
ENUMS: Mapping[str, list[str]] = {"Scope": [*SCOPES], "Sort": ["id", "-id"]}


def plain(value: Any) -> Any:
    """The same, wherever in it a schema stands."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    changed = _nullable({name: plain(inner) for name, inner in value.items()})
    kind = _one_type(changed)
    if kind in _FORMATS:
        changed.setdefault("format", _FORMATS[kind])
    name = next((name for name, words in ENUMS.items() if changed.get("enum") == words), None)
    return _referring(changed, name) if name else changed


def enum_schemas() -> Json:
    """What the references lead to."""
    return {name: {"type": "string", "enum": words} for name, words in ENUMS.items()}


def name_values(schemas: Json) -> None:
    """Gives each value of an enumeration a name that no other's has: a Go client's constants are all in one place."""
    for name, schema in schemas.items():
        if "enum" in schema:
            schema["x-enum-varnames"] = [_constant(name, word) for word in schema["enum"]]


def _constant(schema: str, word: str) -> str:
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", schema)
    return f"{prefix}_{word.replace(':', '_').replace('-', 'descending_')}".upper()


def _nullable(schema: Json) -> Json:
    """``anyOf`` of a type and null as one type that may be null. A reference stays one of two."""
    either = schema.get("anyOf")
    if not isinstance(either, list) or len(either) != 2 or {"type": "null"} not in either:
        return schema
    (other,) = [one for one in either if one != {"type": "null"}]
    if not isinstance(other.get("type"), str):
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**other, **rest, "type": [other["type"], "null"]}


def _one_type(schema: Json) -> str:
    """Without null; "" where it is no schema of one type."""
    kind = schema.get("type")
    kinds = [one for one in (kind if isinstance(kind, list) else [kind]) if one != "null"]
    return kinds[0] if len(kinds) == 1 and isinstance(kinds[0], str) else ""


def _referring(schema: Json, name: str) -> Json:
    rest = {key: value for key, value in schema.items() if key not in ("type", "enum")}
    return {"$ref": _REF + name} | rest
