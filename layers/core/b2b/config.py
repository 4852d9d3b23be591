"""What the environment tells a function, by concern. Read once, by ``wiring``; what is missing stops it at its start.

Read by hand: pydantic would be a sixth of the time that the functions of the schedules take to start.
"""

from collections.abc import Mapping
from dataclasses import dataclass


class ConfigError(ValueError):
    """Names the variable, in lower case, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableConfig:
    table_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesConfig:
    sync_queue_url: str
    sync_bulk_queue_url: str
    operations_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """``api_rate_per_minute``: requests of one token; 0 leaves limits to the gateway."""

    api_rate_per_minute: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkificConfig:
    """Of the functions that call Thinkific.

    The key comes from ``THINKIFIC_API_KEY`` or, deployed, from the Secrets Manager secret
    ``THINKIFIC_API_KEY_SECRET_ID``; GraphQL's API Access Token, which a school need not have, likewise from
    ``THINKIFIC_GRAPHQL_TOKEN`` or ``THINKIFIC_GRAPHQL_TOKEN_SECRET_ID``.
    ``thinkific_rate_per_minute``: calls in any 60 seconds (Thinkific allows 120).
    """

    thinkific_url: str = "https://api.thinkific.com/api/public/v1"
    thinkific_subdomain: str
    thinkific_api_key: str | None = None
    thinkific_api_key_secret_id: str | None = None
    thinkific_rate_per_minute: int = 100
    thinkific_graphql_url: str = "https://api.thinkific.com/stable/graphql"
    thinkific_graphql_token: str | None = None
    thinkific_graphql_token_secret_id: str | None = None


# Each raises ConfigError.


def load_table_config(environment: Mapping[str, str]) -> TableConfig:
    return TableConfig(table_name=_text(environment, "table_name"))


def load_queues_config(environment: Mapping[str, str]) -> QueuesConfig:
    return QueuesConfig(
        sync_queue_url=_text(environment, "sync_queue_url"),
        sync_bulk_queue_url=_text(environment, "sync_bulk_queue_url"),
        operations_queue_url=_text(environment, "operations_queue_url"),
    )


def load_api_config(environment: Mapping[str, str]) -> ApiConfig:
    return ApiConfig(api_rate_per_minute=_number(environment, "api_rate_per_minute", 0, least=0))


def load_thinkific_config(environment: Mapping[str, str]) -> ThinkificConfig:
    default = ThinkificConfig(thinkific_subdomain="")
    return ThinkificConfig(
        thinkific_url=_given(environment, "thinkific_url") or default.thinkific_url,
        thinkific_subdomain=_text(environment, "thinkific_subdomain"),
        thinkific_api_key=_given(environment, "thinkific_api_key"),
        thinkific_api_key_secret_id=_given(environment, "thinkific_api_key_secret_id"),
        thinkific_rate_per_minute=_number(
            environment, "thinkific_rate_per_minute", default.thinkific_rate_per_minute, least=1
        ),
        thinkific_graphql_url=_given(environment, "thinkific_graphql_url") or default.thinkific_graphql_url,
        thinkific_graphql_token=_given(environment, "thinkific_graphql_token"),
        thinkific_graphql_token_secret_id=_given(environment, "thinkific_graphql_token_secret_id"),
    )


def _given(environment: Mapping[str, str], name: str) -> str | None:
    """Empty variables count as absent."""
    return environment.get(name.upper()) or None


def _text(environment: Mapping[str, str], name: str) -> str:
    value = _given(environment, name)
    if value is None:
        raise ConfigError(f"{name} is not set: the environment has no {name.upper()}.")
    return value


def _number(environment: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    value = _given(environment, name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and int(value) >= least):
        raise ConfigError(f"{name} must be a whole number from {least}, not {value!r}.")
    return int(value)
