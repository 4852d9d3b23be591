"""The calls of the API, for what is true of all of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """``scope`` None: any token will do. ``required``: the fields without which the body is refused."""

    method: str
    path: str
    scope: str | None
    required: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def has_id(self) -> bool:
        return "{id}" in self.path

    def at(self, identifier: object) -> str:
        """The path with the id in its place."""
        return self.path.format(id=identifier)


_GRANT = ("thinkific_id", "active", "enrollment_days")

CALLS = (
    Call("GET", "/users", "users:read"),
    Call("GET", "/users/{id}", "users:read"),
    Call("POST", "/users", "users:write", ("name", "email", "password")),
    Call("POST", "/users/upsert", "users:write", ("email",)),
    Call("POST", "/users/search", "users:read", ("email",)),
    Call("POST", "/users/access/{id}", "users:write", (*_GRANT, "max_seats")),
    Call("POST", "/users/seat/{id}", "users:write", (*_GRANT, "add_seats")),
    Call("POST", "/users/group/{id}", "users:write", ("name",)),
    Call("POST", "/users/enrollments/{id}", "users:write", ("product", "type")),
    Call("PUT", "/users/{id}", "users:write"),
    Call("DELETE", "/users/{id}", "users:write"),
    Call("GET", "/students", "students:read"),
    Call("GET", "/students/{id}", "students:read"),
    Call("POST", "/students", "students:write", ("first_name", "last_name", "email")),
    Call("POST", "/students/enroll", "students:write", ("email", "user_email", "enrollments")),
    Call("POST", "/students/associate", "students:write", ("email", "user_email")),
    Call("POST", "/students/dissociate", "students:write", ("email", "user_email")),
    Call("POST", "/students/disassociate", "students:write", ("email", "user_email")),
    Call("PUT", "/students/{id}", "students:write", ("first_name", "last_name", "email")),
    Call("DELETE", "/students/{id}", "students:write"),
    Call("GET", "/products", "products:read"),
    Call("GET", "/products/{id}", "products:read"),
    Call("GET", "/products/search", "products:read", ("term",)),
    Call("POST", "/products", "products:write", ("productable_id", "productable_type", "name")),
    Call("POST", "/products/sync", "products:write"),
    Call("GET", "/operations/{id}", None),
    Call("GET", "/tokens", "tokens:write"),
    Call("POST", "/tokens", "tokens:write", ("name",)),
    Call("DELETE", "/tokens/{id}", "tokens:write"),
    Call("GET", "/settings", None),
    Call("PUT", "/settings", "settings:write"),
)
SCOPED = tuple(call for call in CALLS if call.scope)
WITH_ID = tuple(call for call in CALLS if call.has_id)
WITH_BODY = tuple(call for call in CALLS if call.method in ("POST", "PUT"))
WITH_REQUIRED_FIELDS = tuple(call for call in CALLS if call.required)
PATHS = tuple(dict.fromkeys(call.path for call in CALLS))


def methods_of(path: str) -> set[str]:
    return {call.method for call in CALLS if call.path == path}
