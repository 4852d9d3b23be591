from typing import Any

import pytest
from tests.unit.simulator.school import School

from b2b_cli.simulator import SwitchError, Switches

DEFAULTS = {
    "existing_enrollment": "upsert",
    "expiry": "instant",
    "put_null_clears_expiry": False,
    "put_status": 204,
    "group_single": "wrapped",
    "group_add_existing": 201,
    "group_add_partial": "atomic",
    "group_dup_name": "reject",
    "bundle_async_threshold": 5,
    "async_delay": 5,
    "bundle_growth_delay": 86_400,
    "bundle_overlap": "overwrite",
    "bundle_rows": "per_course",
    "bundle_put_missing": 422,
    "rate_limit": 120,
    "rate_window": "sliding",
    "concurrency_limit": 10,
    "ratelimit_reset": "ms",
    "retry_after": "absent",
    "429_body": "json",
    "list_order": "ascending",
    "email_case": "lowercase",
    "external_source_on_create": "ignored",
    "longest_name": "off",
    "false_filters": "ignored",
    "deleted_user_enrollments": "removed",
    "hidden_enrollments": "listed",
    "graphql_product": "given",
    "graphql_missing": "null",
    "graphql_rate_limit": 2000,
    "graphql_max_cost": 1000,
    "graphql_reset_at": "time",
}


def test_defaults() -> None:
    assert Switches().as_json() == DEFAULTS


def test_every_switch_says_what_it_stands_for() -> None:
    assert all(field.description for field in Switches.model_fields.values())
    for name in DEFAULTS:
        assert f"  {name}=" in Switches.described()


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ("put_status=200", "put_status", 200),
        ("put_null_clears_expiry=true", "put_null_clears_expiry", True),
        ("rate_limit=off", "rate_limit", "off"),
        ("rate_limit=1000", "rate_limit", 1000),
        ("async_delay=0.5", "async_delay", 0.5),
        ("429_body=html", "429_body", "html"),
    ],
)
def test_settings_of_the_command_line(setting: str, name: str, value: Any) -> None:
    assert Switches.parse([setting]).as_json() == DEFAULTS | {name: value}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("put_status", "'put_status' is not of the form name=value"),
        ("put_state=200", "there is no switch 'put_state'; there are 429_body, async_delay, "),
        ("put_status=205", "switch put_status cannot be 205; it is 204 or 200"),
        ("rate_limit=0", "switch rate_limit cannot be 0; it is a whole number or off"),
        ("rate_limit=never", "switch rate_limit cannot be never; it is a whole number or off"),
        ("async_delay=-1", "switch async_delay cannot be -1; it is a number of seconds"),
        ("bundle_async_threshold=1.5", "switch bundle_async_threshold cannot be 1.5; it is a whole number"),
        ("put_null_clears_expiry=perhaps", "it is true or false"),
        ("429_body=xml", "switch 429_body cannot be xml; it is json, html or empty"),
    ],
)
def test_settings_that_cannot_be(setting: str, reason: str) -> None:
    with pytest.raises(SwitchError) as raised:
        Switches.parse([setting])
    assert reason in str(raised.value)


def test_switches_are_changed_while_it_runs(school: School) -> None:
    started_with = DEFAULTS | {"rate_limit": "off"}
    assert school.control("GET", "/switches") == started_with
    changed = school.control("PUT", "/switches", json={"put_status": 200, "429_body": "empty"})
    assert changed == started_with | {"put_status": 200, "429_body": "empty"}
    response = school.request("PUT", "/_simulator/switches", json={"put_status": 1})
    assert (response.status_code, response.json()) == (
        422,
        {"error": "switch put_status cannot be 1; it is 204 or 200"},
    )
    assert school.control("DELETE", "/switches") == started_with
