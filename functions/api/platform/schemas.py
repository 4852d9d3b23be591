"""Tokens and settings on the wire."""

from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from b2b.domain import timestamps
from b2b.domain.dates import zone_named
from b2b.domain.identity.tokens import SCOPES, Token, sorted_scopes
from b2b.http.api.requests.fields import (
    TEXT,
    Boolean,
    Date,
    Days,
    Moment,
    RequestBody,
    SeatLimit,
    Text,
    entries,
    refusal,
)


def _scope(value: object) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if name in SCOPES:
        return name
    raise refusal(f"must be one of {', '.join(SCOPES)}")


_SCOPE = {"type": "string", "enum": [*SCOPES]}
_MOST_SCOPES = 100  # repeated ones count once
# By their places in the list.
_Scopes = Annotated[
    dict[str, Annotated[str, BeforeValidator(_scope)]],
    BeforeValidator(partial(entries, most=_MOST_SCOPES)),
    WithJsonSchema({"type": "array", "items": _SCOPE, "maxItems": _MOST_SCOPES}),
]


class CreateToken(RequestBody):
    name: Text
    scopes: _Scopes | None = None
    expires_at: Annotated[Date, WithJsonSchema({"type": "string", "format": "date-time"})] | None = None

    @property
    def wanted_scopes(self) -> tuple[str, ...]:
        return SCOPES if self.scopes is None else tuple(self.scopes.values())


def _timezone(value: object) -> str:
    try:
        return zone_named(value.strip() if isinstance(value, str) else "").key
    except ValueError:
        raise refusal('must be a time zone such as "UTC" or "Europe/Berlin"') from None


class ChangeSettings(RequestBody):
    """What is not mentioned stays as it is."""

    default_max_seats: SeatLimit = None
    default_enrollment_days: Days = 0
    delete_students_with_user: Boolean = False
    delete_students_in_thinkific: Boolean = False
    delete_users_in_thinkific: Boolean = False
    timezone: Annotated[str, BeforeValidator(_timezone), WithJsonSchema(TEXT)] = "UTC"

    def values(self) -> dict[str, object]:
        return self.model_dump(include=self.model_fields_set)


class HealthResource(BaseModel):
    status: str


class SettingsResource(BaseModel):
    default_max_seats: int | None
    default_enrollment_days: int
    delete_students_with_user: bool
    delete_students_in_thinkific: bool
    delete_users_in_thinkific: bool
    timezone: str


class TokenResource(BaseModel):
    id: int
    name: str
    scopes: list[Annotated[str, WithJsonSchema(_SCOPE)]]
    last_four: str
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment | None


class TokenWithSecretResource(TokenResource):
    """``token`` None: a replayed answer, which is kept without it."""

    token: str | None


def present(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted_scopes(token.scopes),
        "last_four": token.last_four,
        "created_at": timestamps.to_text(token.created_at),
        "last_used_at": timestamps.optional_text(token.last_used_at),
        "expires_at": timestamps.optional_text(token.expires_at),
    }
