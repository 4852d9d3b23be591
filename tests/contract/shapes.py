"""The resources as section 2 writes them down: every key, and the type of its value."""

import re
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def time(value: Any) -> bool:
    """ISO 8601 UTC with microseconds and ``Z``."""
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def count(value: Any) -> bool:
    return integer(value) and value >= 0


def identifier(value: Any) -> bool:
    return integer(value) and value > 0


def number(value: Any) -> bool:
    return integer(value) or isinstance(value, float)


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


class OrNull:
    def __init__(self, shape: Any) -> None:
        self.shape = shape


class OneOf:
    def __init__(self, *values: str) -> None:
        self.values = values


_SEATS = {
    "max_seats": OrNull(count),
    "seats_used": count,
    "seats_available": OrNull(count),
    "over_allocated": count,
}
_PRODUCTABLE = OneOf("Course", "Bundle")
_RECORDED = {"created_at": time, "updated_at": time}

GRANT = {
    "product_id": identifier,
    "thinkific_id": identifier,
    "productable_type": _PRODUCTABLE,
    "name": text,
    "active": flag,
    **_SEATS,
    "enrollment_days": count,
    "reusable": flag,
}
USER = {
    "id": identifier,
    "name": text,
    "email": text,
    "role": OneOf("admin", "user"),
    **_SEATS,
    "group": OrNull({"id": OrNull(identifier), "name": text}),
    "products": [GRANT],
    **_RECORDED,
}
ENROLLMENT = {
    "product_id": identifier,
    "thinkific_id": identifier,
    "productable_type": _PRODUCTABLE,
    "name": text,
    "status": OneOf("pending", "active", "expired", "failed"),
    "error": OrNull(text),
    "activated_at": time,
    "expiry_date": OrNull(time),
    "percentage_completed": OrNull(number),
}
STUDENT = {
    "id": identifier,
    "thinkific_id": OrNull(identifier),
    "first_name": text,
    "last_name": text,
    "email": text,
    "sync_error": OrNull(text),
    "users": [{"id": identifier, "name": text, "email": text}],
    "enrollments": [ENROLLMENT],
    **_RECORDED,
}
PRODUCT = {
    "id": identifier,
    "thinkific_id": identifier,
    "productable_id": identifier,
    "productable_type": _PRODUCTABLE,
    "name": text,
    "status": text,
    "slug": OrNull(text),
    "course_ids": [identifier],
    "source": OneOf("rest", "graphql", "manual"),
    **_RECORDED,
}
OPERATION = {
    "id": text,
    "type": text,
    "status": OneOf("pending", "running", "succeeded", "failed", "partial"),
    "total": count,
    "done": count,
    "failed": count,
    "failures": [{"student_id": identifier, "email": text, "error": text}],
    **_RECORDED,
}
TOKEN = {
    "id": identifier,
    "name": text,
    "scopes": [text],
    "last_four": text,
    "created_at": time,
    "last_used_at": OrNull(time),
    "expires_at": OrNull(time),
}
NEW_TOKEN = {**TOKEN, "token": text}


def assert_shape(value: Any, shape: Any, where: str = "data") -> None:
    """Exactly these keys with values of these types, at every depth."""
    match shape:
        case OrNull():
            if value is not None:
                assert_shape(value, shape.shape, where)
        case OneOf():
            assert value in shape.values, f"{where}: {value!r}"
        case dict():
            assert isinstance(value, dict), f"{where}: {value!r}"
            assert value.keys() == shape.keys(), f"{where}: {sorted(value.keys() ^ shape.keys())} too many or missing"
            for key, inner in shape.items():
                assert_shape(value[key], inner, f"{where}.{key}")
        case [inner]:
            assert isinstance(value, list), f"{where}: {value!r}"
            for position, item in enumerate(value):
                assert_shape(item, inner, f"{where}.{position}")
        case check:
            assert check(value), f"{where}: {value!r}"
