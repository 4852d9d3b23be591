from typing import Any

import pytest

from b2b.config import (
    ConfigError,
    load_api_config,
    load_queues_config,
    load_table_config,
    load_thinkific_config,
)

FULL = {
    "TABLE_NAME": "b2b",
    "SYNC_QUEUE_URL": "https://sqs.example/sync",
    "SYNC_BULK_QUEUE_URL": "https://sqs.example/sync-bulk",
    "OPERATIONS_QUEUE_URL": "https://sqs.example/operations",
    "PATH": "/bin",
}


def test_what_the_template_sets_is_enough() -> None:
    assert load_table_config(FULL).table_name == "b2b"
    assert load_queues_config(FULL).sync_bulk_queue_url == "https://sqs.example/sync-bulk"
    assert load_api_config(FULL).api_rate_per_minute == 0


@pytest.mark.parametrize("name", ["TABLE_NAME", "SYNC_QUEUE_URL", "SYNC_BULK_QUEUE_URL", "OPERATIONS_QUEUE_URL"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_variable_is_named(name: str, empty: bool) -> None:
    environment = FULL | {name: ""} if empty else {key: value for key, value in FULL.items() if key != name}
    load: Any = load_table_config if name == "TABLE_NAME" else load_queues_config
    with pytest.raises(ConfigError, match=name.lower()):
        load(environment)


@pytest.mark.parametrize("value", ["-1", "many", "1.5"])
def test_a_limit_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="api_rate_per_minute"):
        load_api_config(FULL | {"API_RATE_PER_MINUTE": value})


def test_thinkific_is_called_below_its_limit_unless_told_otherwise() -> None:
    config = load_thinkific_config({"THINKIFIC_SUBDOMAIN": "acme"})
    assert config.thinkific_url == "https://api.thinkific.com/api/public/v1"
    assert config.thinkific_rate_per_minute < 120


@pytest.mark.parametrize("environment", [{}, {"THINKIFIC_SUBDOMAIN": "acme", "THINKIFIC_RATE_PER_MINUTE": "0"}])
def test_thinkific_needs_a_subdomain_and_a_rate(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        load_thinkific_config(environment)
