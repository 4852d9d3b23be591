"""Who may call: the site's API key with its subdomain, or the key as a bearer token."""

from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest

# 32 characters, as Thinkific's API keys have.
DEFAULT_API_KEY = "simulator-key-for-local-use-only"
DEFAULT_SUBDOMAIN = "school"


@dataclass(frozen=True, slots=True)
class Credentials:
    api_key: str = DEFAULT_API_KEY
    subdomain: str = DEFAULT_SUBDOMAIN

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether the headers (names in lower case, as ASGI has them) carry these credentials."""
        given = dict(headers)
        scheme, _, token = given.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            return compare_digest(token.strip(), self.api_key.encode())
        return compare_digest(given.get(b"x-auth-api-key", b""), self.api_key.encode()) and compare_digest(
            given.get(b"x-auth-subdomain", b""), self.subdomain.encode()
        )
