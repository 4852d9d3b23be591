"""The Thinkific that a local stack works with: the simulator, or whose address the person gives."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from b2b_cli.errors import CommandError
from b2b_cli.local.processes import LOOPBACK
from b2b_cli.simulator.authentication import DEFAULT_ACCESS_TOKEN, DEFAULT_API_KEY, DEFAULT_SUBDOMAIN

_API_PATH = "/api/public/v1"
_GRAPHQL_PATH = "/stable/graphql"
_DEFAULT_RATE = "100"
# Variables that no file may hold, where they are a real school's.
_SECRET = ("THINKIFIC_API_KEY", "THINKIFIC_GRAPHQL_TOKEN")


@dataclass(frozen=True, slots=True)
class Upstream:
    """``port``: of the simulator, None for any other Thinkific. ``rate``: calls in any 60 seconds.

    ``graphql_token``: empty where the catalogue is not read through GraphQL.
    """

    url: str
    rate: str
    key: str
    subdomain: str
    graphql_url: str
    graphql_token: str
    port: int | None = None

    @property
    def page(self) -> str | None:
        """Of the simulator."""
        return None if self.port is None else f"http://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """By which the functions find it."""
        return {
            "THINKIFIC_URL": self.url,
            "THINKIFIC_API_KEY": self.key,
            "THINKIFIC_SUBDOMAIN": self.subdomain,
            "THINKIFIC_RATE_PER_MINUTE": self.rate,
            "THINKIFIC_GRAPHQL_URL": self.graphql_url,
            "THINKIFIC_GRAPHQL_TOKEN": self.graphql_token,
        }

    def without_secrets(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What of it a file may hold."""
        secret = () if self.port is not None else _SECRET
        return {name: value for name, value in environment.items() if name not in secret}


def thinkific_rate() -> str:
    """As the person's environment has it. Raises CommandError."""
    rate = os.environ.get("THINKIFIC_RATE_PER_MINUTE") or _DEFAULT_RATE
    if not (rate.isascii() and rate.isdecimal()) or int(rate) < 1:
        raise CommandError(f"THINKIFIC_RATE_PER_MINUTE must be a whole number from 1, not {rate!r}.")
    return rate


def simulated_thinkific(port: int, rate: str) -> Upstream:
    root = f"http://{LOOPBACK}:{port}"
    return Upstream(
        root + _API_PATH,
        rate,
        DEFAULT_API_KEY,
        DEFAULT_SUBDOMAIN,
        graphql_url=root + _GRAPHQL_PATH,
        graphql_token=DEFAULT_ACCESS_TOKEN,
        port=port,
    )


def foreign_thinkific(url: str, rate: str) -> Upstream:
    """With the credentials of the person's environment. Raises CommandError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CommandError(f"--thinkific-url must be a http or https address, not {url!r}.")
    for name in ("THINKIFIC_API_KEY", "THINKIFIC_SUBDOMAIN"):
        if not os.environ.get(name):
            raise CommandError(f"--thinkific-url needs {name} in the environment.")
    root = f"{parts.scheme}://{parts.netloc}"
    return Upstream(
        url.rstrip("/") if parts.path.strip("/") else root + _API_PATH,
        rate,
        os.environ["THINKIFIC_API_KEY"],
        os.environ["THINKIFIC_SUBDOMAIN"],
        graphql_url=os.environ.get("THINKIFIC_GRAPHQL_URL") or root + _GRAPHQL_PATH,
        graphql_token=os.environ.get("THINKIFIC_GRAPHQL_TOKEN", ""),
    )
