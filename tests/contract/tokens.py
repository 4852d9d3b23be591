"""Tokens of a test's own."""

from typing import Any

import httpx
from tests.contract.people import Json, data_of, unique

SCOPES = (
    "users:read",
    "users:write",
    "students:read",
    "students:write",
    "products:read",
    "products:write",
    "tokens:write",
    "settings:write",
)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def create_token(api: httpx.Client, **fields: Any) -> Json:
    return data_of(api.post("/tokens", json={"name": unique("token")} | fields), status=201)


class Tokens:
    """One token for each set of scopes, made when it is first needed. Answers headers."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self._made: dict[tuple[str, ...], str] = {}

    def with_only(self, *scopes: str) -> dict[str, str]:
        if scopes not in self._made:
            self._made[scopes] = create_token(self._api, scopes=scopes)["token"]
        return bearer(self._made[scopes])

    def with_all_but(self, scope: str) -> dict[str, str]:
        return self.with_only(*(other for other in SCOPES if other != scope))
