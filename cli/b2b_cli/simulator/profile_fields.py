"""/custom_profile_field_definitions, and the values that users have for them."""

from collections.abc import Mapping
from typing import Any

from b2b_cli.simulator.lists import Source, list_answer
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row, Store
from b2b_cli.simulator.wire import Answer, Call, body_id, is_blank

_ID = "custom_profile_field_definition_id"


def list_definitions(site: Site, call: Call) -> Answer:
    return list_answer(site, call, Source("*", "custom_profile_field_definitions"), definition_json)


def definition_json(definition: Row) -> dict[str, Any]:
    return {
        "id": definition["id"],
        "label": definition["label"],
        "field_type": definition["field_type"],
        "required": bool(definition["required"]),
    }


def problems(store: Store, body: Mapping[str, Any], *, creating: bool) -> dict[str, list[str]]:
    """Extra keys and empty values make a call fail, and so does a new user without a required field."""
    fields = body.get("custom_profile_fields") or []
    if not isinstance(fields, list) or not all(_is_valid(store, field) for field in fields):
        return {"custom_profile_fields": ["is invalid"]}
    if not creating or body.get("skip_custom_fields_validation") in (True, "true"):
        return {}
    given = {body_id(field[_ID]) for field in fields}
    required = store.rows("select id, label from custom_profile_field_definitions where required")
    missing = [f"{label} can't be blank" for definition_id, label in required if definition_id not in given]
    return {"custom_profile_fields": missing} if missing else {}


def merged(store: Store, known: list[dict[str, Any]], body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A user's fields after a valid body: what it gives replaces what was, the rest stays."""
    fields = {field[_ID]: field for field in known}
    for given in body["custom_profile_fields"]:
        definition_id = body_id(given[_ID])
        label = store.scalar("select label from custom_profile_field_definitions where id = ?", definition_id)
        fields[definition_id] = {
            "id": definition_id,
            "value": str(given["value"]),
            "label": label,
            _ID: definition_id,
        }
    return list(fields.values())


def _is_valid(store: Store, field: Any) -> bool:
    if not isinstance(field, dict) or field.keys() != {_ID, "value"} or is_blank(field["value"]):
        return False
    return store.get("custom_profile_field_definitions", body_id(field[_ID]) or 0) is not None
