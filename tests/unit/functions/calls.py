"""Every call of the API, as the contract lists them (sections 3 to 6)."""

from dataclasses import dataclass
from typing import Any

EMAIL, OTHER = "ada@example.com", "boss@example.com"

_ACCESS: dict[str, Any] = {"thinkific_id": 7, "active": True, "enrollment_days": 0}
_PERSON: dict[str, Any] = {"first_name": "Ada", "last_name": "Lovelace", "email": EMAIL}
_ASSIGNMENT: dict[str, Any] = {"email": EMAIL, "user_email": OTHER}


@dataclass(frozen=True)
class Call:
    """``scope`` None: any token; ``public``: none at all. ``body``: a good one; ``required``: fields it must have."""

    method: str
    path: str
    scope: str | None = None
    body: dict[str, Any] | None = None
    required: tuple[str, ...] = ()
    public: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def has_id(self) -> bool:
        return "{id}" in self.path

    def at(self, identifier: object) -> str:
        return self.path.replace("{id}", str(identifier))


CALLS = (
    Call("GET", "/api/users", "users:read"),
    Call("GET", "/api/users/{id}", "users:read"),
    Call(
        "POST",
        "/api/users",
        "users:write",
        {"name": "Boss", "email": OTHER, "password": "12345678", "max_seats": 5},
        ("name", "email", "password"),
    ),
    Call(
        "PUT",
        "/api/users/{id}",
        "users:write",
        {"name": "Boss", "email": OTHER, "password": "12345678", "max_seats": 5},
    ),
    Call(
        "POST",
        "/api/users/upsert",
        "users:write",
        {"name": "Boss", "email": OTHER, "password": "12345678", "max_seats": 5},
        ("email",),
    ),
    Call("POST", "/api/users/search", "users:read", {"email": OTHER}, ("email",)),
    Call("DELETE", "/api/users/{id}", "users:write"),
    Call("POST", "/api/users/group/{id}", "users:write", {"name": "Acme", "sync": False}, ("name",)),
    Call(
        "POST",
        "/api/users/access/{id}",
        "users:write",
        _ACCESS | {"max_seats": 5, "productable_type": "Course", "reusable": False},
        ("thinkific_id", "active", "max_seats", "enrollment_days"),
    ),
    Call(
        "POST",
        "/api/users/seat/{id}",
        "users:write",
        _ACCESS | {"add_seats": 5},
        ("thinkific_id", "active", "add_seats", "enrollment_days"),
    ),
    Call(
        "POST",
        "/api/users/enrollments/{id}",
        "users:write",
        {"product": 7, "type": "days", "expiry_days": 5, "expiry_date": "Jun 30 2030"},
        ("product", "type"),
    ),
    Call("GET", "/api/students", "students:read"),
    Call("GET", "/api/students/{id}", "students:read"),
    Call(
        "POST",
        "/api/students",
        "students:write",
        _PERSON | {"user_email": OTHER, "enrollments": [7], "enforce_seats": False, "productable_type": "Course"},
        ("first_name", "last_name", "email"),
    ),
    Call("POST", "/api/students/associate", "students:write", _ASSIGNMENT, ("email", "user_email")),
    Call("POST", "/api/students/dissociate", "students:write", _ASSIGNMENT, ("email", "user_email")),
    Call("POST", "/api/students/disassociate", "students:write", _ASSIGNMENT, ("email", "user_email")),
    Call("PUT", "/api/students/{id}", "students:write", _PERSON, ("first_name", "last_name", "email")),
    Call("DELETE", "/api/students/{id}", "students:write"),
    Call(
        "POST",
        "/api/students/enroll",
        "students:write",
        _ASSIGNMENT | {"enrollments": [7]},
        ("email", "user_email", "enrollments"),
    ),
    Call("GET", "/api/products", "products:read"),
    Call(
        "POST",
        "/api/products",
        "products:write",
        {"productable_id": 770, "productable_type": "Course", "name": "Remote Teams"},
        ("productable_id", "productable_type", "name"),
    ),
    Call("GET", "/api/products/{id}", "products:read"),
    Call("GET", "/api/products/search", "products:read"),
    Call("POST", "/api/products/sync", "products:write", {}),
    Call("GET", "/api/tokens", "tokens:write"),
    Call(
        "POST",
        "/api/tokens",
        "tokens:write",
        {"name": "Zapier", "scopes": ["users:read"], "expires_at": "2099-01-01T00:00:00Z"},
        ("name",),
    ),
    Call("DELETE", "/api/tokens/{id}", "tokens:write"),
    Call("GET", "/api/settings"),
    Call(
        "PUT",
        "/api/settings",
        "settings:write",
        {
            "default_max_seats": 5,
            "default_enrollment_days": 5,
            "delete_students_with_user": False,
            "delete_students_in_thinkific": False,
            "delete_users_in_thinkific": False,
            "timezone": "UTC",
        },
    ),
    Call("GET", "/api/operations/{id}"),
    Call("GET", "/api/health", public=True),
    Call("GET", "/api/openapi.json", public=True),
)

PATHS = tuple(dict.fromkeys(call.path for call in CALLS))
PROTECTED = tuple(call for call in CALLS if not call.public)
SCOPED = tuple(call for call in CALLS if call.scope is not None)
WITH_ID = tuple(call for call in CALLS if call.has_id)
WITH_BODY = tuple(call for call in CALLS if call.body is not None)
WITH_REQUIRED = tuple(call for call in CALLS if call.required)
