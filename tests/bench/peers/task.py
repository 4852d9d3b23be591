"""What every peer does with ``POST /api/users/search``: the token's scope, one user found, what is logged.

Token and user are canned: no table is asked. The wire models are the product's own (``api.users.schemas``), so that all
validate the same body and present the same answer, and what differs is the framework.
"""

import json
from datetime import UTC, datetime
from typing import Any

from b2b.domain.catalogue.products import Product, ProductableType
from b2b.domain.identity.tokens import SCOPES, new_secret
from b2b.domain.identity.users import Grant, Role, User, UserView

SECRET = new_secret()
SCOPE = "users:read"
# A token that the process has seen: its id and scopes.
REMEMBERED = {SECRET: (1, frozenset(SCOPES))}

# The routes of the users' function, so that every router has as many to choose from.
SEARCH = ("POST", "/api/users/search")
ROUTES = (
    ("GET", "/api/users"),
    ("POST", "/api/users"),
    ("POST", "/api/users/upsert"),
    SEARCH,
    ("POST", "/api/users/access/{id}"),
    ("POST", "/api/users/seat/{id}"),
    ("POST", "/api/users/group/{id}"),
    ("POST", "/api/users/enrollments/{id}"),
    ("PUT", "/api/users/{id}"),
    ("DELETE", "/api/users/{id}"),
    ("GET", "/api/users/{id}"),
)

_MOMENT = datetime(2026, 3, 10, 12, tzinfo=UTC)
_PRODUCT = Product(
    id=1001,
    productable_id=7,
    productable_type=ProductableType.COURSE,
    name="Workplace Safety",
    status="published",
    slug="workplace-safety",
    created_at=_MOMENT,
    updated_at=_MOMENT,
)
_USER = User(
    id=42,
    name="Acme Corp",
    email="hr@acme.example",
    role=Role.USER,
    max_seats=50,
    seats_used=3,
    group=None,
    created_at=_MOMENT,
    updated_at=_MOMENT,
)
_GRANT = Grant(
    user_id=_USER.id,
    product_id=_PRODUCT.id,
    granted=True,
    active=True,
    max_seats=25,
    seats_used=3,
    enrollment_days=365,
    reusable=False,
)
_VIEW = UserView(_USER, ((_GRANT, _PRODUCT),))


class Refused(Exception):
    """With the status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def body(self) -> str:
        return json.dumps({"message": str(self)})


def authorize(authorization: str | None) -> int:
    """The token's id. Raises Refused."""
    scheme, _, secret = (authorization or "").partition(" ")
    found = REMEMBERED.get(secret.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        raise Refused(401, "Unauthenticated.")
    token_id, scopes = found
    if SCOPE not in scopes:
        raise Refused(403, "This action is unauthorized.")
    return token_id


def find_by_email(email: str) -> UserView:
    if email != _USER.email:
        raise Refused(404, f"There is no user with the e-mail {email}.")
    return _VIEW


def log_fields(request_id: str, status: int, seconds: float, token_id: int | None) -> dict[str, Any]:
    """As in the product's own line."""
    method, route = SEARCH
    return {
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "token_id": token_id,
    }
