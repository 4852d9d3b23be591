import pytest

from b2b.config import ConfigError, load_config, load_thinkific_config

FULL = {
    "TABLE_NAME": "b2b",
    "SYNC_QUEUE_URL": "https://sqs.example/sync",
    "SYNC_BULK_QUEUE_URL": "https://sqs.example/sync-bulk",
    "OPERATIONS_QUEUE_URL": "https://sqs.example/operations",
    "PATH": "/bin",
}


def test_what_the_template_sets_is_enough() -> None:
    config = load_config(FULL)
    assert (config.table_name, config.api_rate_per_minute) == ("b2b", 0)


@pytest.mark.parametrize("name", ["TABLE_NAME", "SYNC_QUEUE_URL", "SYNC_BULK_QUEUE_URL", "OPERATIONS_QUEUE_URL"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_variable_is_named(name: str, empty: bool) -> None:
    environment = FULL | {name: ""} if empty else {key: value for key, value in FULL.items() if key != name}
    with pytest.raises(ConfigError, match=name.lower()):
        load_config(environment)


@pytest.mark.parametrize("value", ["-1", "many", "1.5"])
def test_a_limit_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="api_rate_per_minute"):
        load_config(FULL | {"API_RATE_PER_MINUTE": value})


def test_thinkific_is_called_below_its_limit_unless_told_otherwise() -> None:
    config = load_thinkific_config({"THINKIFIC_SUBDOMAIN": "acme"})
    assert config.thinkific_url == "https://api.thinkific.com/api/public/v1"
    assert config.thinkific_rate_per_minute < 120


@pytest.mark.parametrize("environment", [{}, {"THINKIFIC_SUBDOMAIN": "acme", "THINKIFIC_RATE_PER_MINUTE": "0"}])
def test_thinkific_needs_a_subdomain_and_a_rate(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        load_thinkific_config(environment)
