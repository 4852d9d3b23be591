"""The records that the document's examples show: one client, one learner, two products.

They are those of the local stack's demonstration, so that whoever tries the examples there gets answers.
"""

from typing import Any

Json = dict[str, Any]

_EARLIER, _LATER = "2026-06-01T09:30:00.000000Z", "2026-06-02T14:05:12.345678Z"
_RECORDED: Json = {"created_at": _EARLIER, "updated_at": _LATER}

CLIENT = "training@acme.example"
# The demonstration makes one of these to be deleted, and a finished operation with this id.
OTHER_CLIENT, OTHER_USER_ID = "training@globex.example", 3
OPERATION_ID = "5f0c1d2e3a4b5c6d7e8f9a0b"

COURSE: Json = {
    "id": 2000001,
    "thinkific_id": 2000001,
    "productable_id": 3000001,
    "productable_type": "Course",
    "name": "Workplace Safety Essentials",
    "status": "published",
    "slug": "workplace-safety-essentials",
    "course_ids": [],
    "source": "rest",
    **_RECORDED,
}
ADDED: Json = COURSE | {
    "id": 9_000_000_000_000_001,
    "thinkific_id": 9_000_000_000_000_001,
    "productable_id": 789,
    "name": "Leading Remote Teams",
    "slug": None,
    "source": "manual",
}
BUNDLE: Json = {
    "id": 2000009,
    "thinkific_id": 2000009,
    "productable_id": 4000001,
    "productable_type": "Bundle",
    "name": "Site Safety Pack",
    "status": "published",
    "slug": "site-safety-pack",
    "course_ids": [3000001, 3000002, 3000004],
    "source": "rest",
    **_RECORDED,
}


def seats(max_seats: int | None, used: int) -> Json:
    return {
        "max_seats": max_seats,
        "seats_used": used,
        "seats_available": None if max_seats is None else max(0, max_seats - used),
        "over_allocated": 0 if max_seats is None else max(0, used - max_seats),
    }


def grant(*, max_seats: int | None, used: int = 0, active: bool = True) -> Json:
    return {
        "product_id": COURSE["id"],
        "thinkific_id": COURSE["productable_id"],
        "productable_type": COURSE["productable_type"],
        "name": COURSE["name"],
        "active": active,
        **seats(max_seats, used),
        "enrollment_days": 365,
        "reusable": False,
    }


def user(name: str = "Acme Corp", email: str = CLIENT, **fields: Any) -> Json:
    """Without students, grants and group unless ``fields`` has them."""
    made = {"id": 2, "name": name, "email": email, "role": "user", **seats(100, 0), "group": None, "products": []}
    return made | _RECORDED | fields


def enrollment(product: Json, *, status: str = "pending", percentage_completed: float | None = None) -> Json:
    return {
        "product_id": product["id"],
        "thinkific_id": product["productable_id"],
        "productable_type": product["productable_type"],
        "name": product["name"],
        "status": status,
        "error": None,
        "activated_at": _LATER,
        "expiry_date": "2027-06-02T14:05:12.345678Z",
        "percentage_completed": percentage_completed,
    }


def student(**fields: Any) -> Json:
    """Under one user, in nothing, not known to Thinkific unless ``fields`` says so."""
    made = {
        "id": 1,
        "thinkific_id": None,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada.lovelace@acme.example",
        "sync_error": None,
        "users": [{"id": 2, "name": "Acme Corp", "email": CLIENT}],
        "enrollments": [],
    }
    return made | _RECORDED | fields


def operation(type_: str, *, status: str = "pending", **fields: Any) -> Json:
    started = {
        "id": OPERATION_ID,
        "type": type_,
        "status": status,
        "total": 0,
        "done": 0,
        "failed": 0,
        "failures": [],
    }
    return started | _RECORDED | fields


TOKEN: Json = {
    "id": 2,
    "name": "Zapier",
    "scopes": ["users:read", "students:read", "students:write"],
    "last_four": "k3Xq",
    "created_at": _EARLIER,
    "last_used_at": None,
    "expires_at": "2036-01-01T00:00:00.000000Z",
}
SETTINGS: Json = {
    "default_max_seats": None,
    "default_enrollment_days": 365,
    "delete_students_with_user": False,
    "delete_students_in_thinkific": False,
    "delete_users_in_thinkific": False,
    "timezone": "Europe/Berlin",
}


def page(path: str, *rows: Json) -> Json:
    """The first and only page of a list."""
    url = f"https://api.example.com{path}"
    only = f"{url}?page=1&per_page=15"
    return {
        "data": [*rows],
        "links": {"first": only, "last": only, "prev": None, "next": None},
        "meta": {
            "current_page": 1,
            "from": 1,
            "last_page": 1,
            "path": url,
            "per_page": 15,
            "to": len(rows),
            "total": len(rows),
            "next_cursor": None,
        },
    }
