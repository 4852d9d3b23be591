"""Tokens and settings on the wire."""

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator

from b2b.domain import timestamps
from b2b.domain.tokens import SCOPES, Token, sorted_scopes
from b2b.http.fields import Boolean, Days, Moment, Seats, Text, one_of, refusal


def _scope(value: object) -> str:
    if isinstance(value, str) and value in SCOPES:
        return value
    raise refusal(f"must be one of {', '.join(SCOPES)}")


def _moment(value: object) -> datetime:
    """ISO 8601; a bare date is its midnight, a time without offset is UTC."""
    try:
        moment = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal("must be an ISO 8601 date") from None


_SCOPE = one_of({"type": "string", "enum": [*SCOPES]})
_ISO_8601 = one_of({"type": "string", "format": "date-time"}, {"type": "string", "format": "date"})


class CreateToken(BaseModel):
    name: Text
    scopes: list[Annotated[str, BeforeValidator(_scope), _SCOPE]] | None = None
    expires_at: Annotated[datetime, BeforeValidator(_moment), _ISO_8601] | None = None


def _timezone(value: object) -> str:
    name = value.strip() if isinstance(value, str) else ""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal('must be a time zone such as "UTC" or "Europe/Berlin"') from None
    return name


class ChangeSettings(BaseModel):
    """What is not mentioned stays as it is."""

    default_max_seats: Seats | None = None
    default_enrollment_days: Days = 0
    delete_students_with_user: Boolean = False
    delete_students_in_thinkific: Boolean = False
    delete_users_in_thinkific: Boolean = False
    timezone: Annotated[str, BeforeValidator(_timezone)] = "UTC"

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
    scopes: list[Annotated[str, _SCOPE]]
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
