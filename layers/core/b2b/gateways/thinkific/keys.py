"""The Admin API key: what it looks like, and where the client gets it from."""

import re
from typing import Protocol

# An API key is 32 characters long, so what is longer may be an access token.
KEY_LENGTH = 32
# What a header can carry, and no spaces.
_KEY = re.compile(r"[!-~]+")


def is_key(text: str) -> bool:
    """Whether it may be one at all; only Thinkific knows whether it is."""
    return _KEY.fullmatch(text) is not None


def credentials(key: str) -> dict[str, str]:
    """The headers that carry it. A long key is sent as an access token too."""
    headers = {"X-Auth-API-Key": key}
    if len(key) > KEY_LENGTH:
        headers["Authorization"] = f"Bearer {key}"
    return headers


class SchoolKey(Protocol):
    """The Admin API key, which a person may replace at any time."""

    def read(self) -> str:
        """As it is now. Raises SitePaused with the reason when there is none, ThinkificDown when nobody can say."""
        ...

    def is_replaced(self, refused: str) -> bool:
        """Whether it is another one than that by now; the next ``read`` looks anew in any case."""
        ...


class FixedKey:
    """A key for as long as the process runs."""

    def __init__(self, key: str) -> None:
        self._key = key

    def read(self) -> str:
        return self._key

    def is_replaced(self, refused: str) -> bool:
        return refused != self._key
