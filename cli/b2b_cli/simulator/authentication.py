"""Who may call: the site's API key with its subdomain, or the key as a bearer token; GraphQL by its own token only."""

from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest

# 32 characters, as Thinkific's API keys have.
DEFAULT_API_KEY = "simulator-key-for-local-use-only"
DEFAULT_SUBDOMAIN = "school"
DEFAULT_ACCESS_TOKEN = "simulator-access-token-for-graphql-on-this-machine-only"  # noqa: S105 - opens nothing else


@dataclass(frozen=True, slots=True)
class Credentials:
    api_key: str = DEFAULT_API_KEY
    subdomain: str = DEFAULT_SUBDOMAIN
    access_token: str = DEFAULT_ACCESS_TOKEN

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether the headers (names in lower case, as ASGI has them) carry these credentials."""
        given = dict(headers)
        scheme, _, token = given.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            return compare_digest(token.strip(), self.api_key.encode())
        return compare_digest(given.get(b"x-auth-api-key", b""), self.api_key.encode()) and compare_digest(
            given.get(b"x-auth-subdomain", b""), self.subdomain.encode()
        )

    def open_graphql(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether the headers carry the API Access Token, as a bearer token: the API key is refused."""
        scheme, _, token = dict(headers).get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and compare_digest(token.strip(), self.access_token.encode())
