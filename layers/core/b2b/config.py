"""What the environment tells a function. Read once, by ``wiring``; wrong or missing values stop it at its start."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Config(_Settings):
    """Of every function. ``api_rate_per_minute``: requests of one token; 0 leaves limits to the gateway."""

    table_name: Name
    sync_queue_url: Name
    sync_bulk_queue_url: Name
    operations_queue_url: Name
    api_rate_per_minute: Annotated[int, Field(ge=0)] = 0


class ThinkificConfig(_Settings):
    """Of the functions that call Thinkific.

    The key comes from ``THINKIFIC_API_KEY`` or, deployed, from the Secrets Manager secret
    ``THINKIFIC_API_KEY_SECRET_ID``. ``thinkific_rate_per_minute``: calls in any 60 seconds (Thinkific allows 120).
    """

    thinkific_url: Name = "https://api.thinkific.com/api/public/v1"
    thinkific_subdomain: Name
    thinkific_api_key: str | None = None
    thinkific_api_key_secret_id: str | None = None
    thinkific_rate_per_minute: Annotated[int, Field(ge=1)] = 100


def load_config(environment: Mapping[str, str]) -> Config:
    return Config.model_validate(_lowered(environment))


def load_thinkific_config(environment: Mapping[str, str]) -> ThinkificConfig:
    return ThinkificConfig.model_validate(_lowered(environment))


def _lowered(environment: Mapping[str, str]) -> dict[str, str]:
    """Empty variables count as absent."""
    return {name.lower(): value for name, value in environment.items() if value}
