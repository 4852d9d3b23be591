"""The clients of Thinkific, with the school's key and the budget that all workers share.

Apart from the rest, so that no other function pays for the HTTP client.
"""

import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from b2b.config import ConfigError, ThinkificConfig, load_thinkific_config
from b2b.domain.work.budget import Budget
from b2b.domain.work.upstream import SitePaused
from b2b.gateways.thinkific import FixedKey, SchoolKey, Thinkific, http_client
from b2b.metrics import count
from b2b.observability import logger
from b2b.storage.work.budget import BudgetItem
from b2b.wiring.secrets import SecretKey, SecretToken

if TYPE_CHECKING:
    from b2b.gateways.thinkific.graphql import SchoolToken, ThinkificGraphQL
    from b2b.storage.table import Table

_NO_KEY_SET = (
    "thinkific_api_key is not set: the environment has neither THINKIFIC_API_KEY nor THINKIFIC_API_KEY_SECRET_ID."
)


class Upstream:
    """What Thinkific offers. Each client is made when it is first asked for."""

    def __init__(self, environment: Mapping[str, str], table: "Table") -> None:
        self._environment = environment
        self._table = table

    @cached_property
    def thinkific(self) -> Thinkific:
        """Raises ConfigError."""
        http = http_client(self._config.thinkific_url, subdomain=self._config.thinkific_subdomain)
        return Thinkific(http, self.budget, self._key)

    @cached_property
    def graphql(self) -> "ThinkificGraphQL":
        from b2b.gateways.thinkific.graphql import FixedToken, ThinkificGraphQL, graphql_client

        config = self._config
        token: SchoolToken = FixedToken(config.thinkific_graphql_token)
        if config.thinkific_graphql_token is None and config.thinkific_graphql_token_secret_id is not None:
            token = SecretToken(config.thinkific_graphql_token_secret_id)
        return ThinkificGraphQL(graphql_client(), config.thinkific_graphql_url, token)

    @cached_property
    def budget(self) -> Budget:
        rate = self._config.thinkific_rate_per_minute
        return Budget(BudgetItem(self._table), rate=rate, now=time.time, on_pause=_tell_pause)

    @property
    def pause_reason(self) -> str | None:
        """Why no call to Thinkific is made at the moment, if so."""
        return self.budget.pause_reason

    @property
    def missing_key(self) -> str | None:
        """Why there is no key, if there is none. Raises ThinkificDown when nobody can say at the moment."""
        try:
            self._key.read()
        except SitePaused as paused:
            return str(paused)
        return None

    def close(self) -> None:
        """Ends the connections that were opened, for whoever has more to do afterwards."""
        for opened in (self.__dict__.get("thinkific"), self.__dict__.get("graphql")):
            if opened is not None:
                opened.close()

    @cached_property
    def _config(self) -> ThinkificConfig:
        return load_thinkific_config(self._environment)

    @cached_property
    def _key(self) -> SchoolKey:
        if self._config.thinkific_api_key is not None:
            return FixedKey(self._config.thinkific_api_key)
        if self._config.thinkific_api_key_secret_id is None:
            raise ConfigError(_NO_KEY_SET)
        return SecretKey(self._config.thinkific_api_key_secret_id)


def _tell_pause(reason: str) -> None:
    """Once a minute while it lasts: an alarm is on the figure."""
    logger("b2b").error("the site is paused", extra={"reason": reason})
    count("b2b", SitePaused=1)
