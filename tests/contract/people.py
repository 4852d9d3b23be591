"""Users and students of a test's own, and what is done with them."""

from typing import Any
from uuid import uuid4

import httpx
from tests.local_stack import await_that

Json = dict[str, Any]


def unique(word: str) -> str:
    return f"{word}-{uuid4().hex[:12]}"


def an_email(word: str = "someone") -> str:
    return f"{unique(word)}@example.com"


def user_fields(**fields: Any) -> Json:
    """A body of ``POST /users``."""
    return {"name": unique("Client"), "email": an_email("client"), "password": unique("password")} | fields


def student_fields(**fields: Any) -> Json:
    """A body of ``POST /students``."""
    return {"first_name": unique("Ada"), "last_name": unique("Lovelace"), "email": an_email("student")} | fields


def create_user(api: httpx.Client, **fields: Any) -> Json:
    return data_of(api.post("/users", json=user_fields(**fields)), status=201)


def create_student(api: httpx.Client, **fields: Any) -> Json:
    return data_of(api.post("/students", json=student_fields(**fields)), status=201)


def read_user(api: httpx.Client, user: Json) -> Json:
    return data_of(api.get(f"/users/{user['id']}"))


def read_student(api: httpx.Client, student: Json) -> Json:
    return data_of(api.get(f"/students/{student['id']}"))


def grant_fields(product: Json, **fields: Any) -> Json:
    """A body of ``POST /users/access/{id}``; without ``max_seats`` and with ``add_seats`` one of ``/users/seat``."""
    return {"thinkific_id": product["productable_id"], "active": True, "max_seats": None, "enrollment_days": 0} | fields


def set_access(api: httpx.Client, user: Json, product: Json, **fields: Any) -> Json:
    """The user with the grant set."""
    return data_of(api.post(f"/users/access/{user['id']}", json=grant_fields(product, **fields)))


def add_seats(api: httpx.Client, user: Json, product: Json, number: int, **fields: Any) -> Json:
    """The user with the seats added."""
    return data_of(api.post(f"/users/seat/{user['id']}", json=grant_fields(product, add_seats=number, **fields)))


def enroll(api: httpx.Client, student: Json, user: Json, *products: Json, **fields: Any) -> Json:
    """The student, enrolled by the user."""
    body = {
        "email": student["email"],
        "user_email": user["email"],
        "enrollments": [product["productable_id"] for product in products],
    }
    return data_of(api.post("/students/enroll", json=body | fields))


def grant_in(user: Json, product: Json) -> Json:
    return _only(found for found in user["products"] if found["product_id"] == product["id"])


def enrollment_in(student: Json, product: Json) -> Json:
    return _only(found for found in student["enrollments"] if found["product_id"] == product["id"])


def statuses(student: Json) -> set[str]:
    return {enrollment["status"] for enrollment in student["enrollments"]}


def await_settled(api: httpx.Client, student: Json, *, seconds: float = 30.0) -> Json:
    """The student once no enrollment is pending."""

    def settled() -> Json | None:
        seen = read_student(api, student)
        return None if "pending" in statuses(seen) else seen

    found: Json = await_that(settled, seconds=seconds, what="Thinkific's following")
    return found


def data_of(response: httpx.Response, *, status: int = 200) -> Json:
    """The one resource of an answer."""
    assert response.status_code == status, response.text
    data: Json = response.json()["data"]
    return data


def rows_of(response: httpx.Response) -> list[Json]:
    """The resources of a list."""
    assert response.status_code == 200, response.text
    rows: list[Json] = response.json()["data"]
    return rows


def newest_rows(api: httpx.Client, path: str) -> list[Json]:
    """The last page of a list."""
    return rows_of(api.get(api.get(path, params={"per_page": 100}).raise_for_status().json()["links"]["last"]))


def errors_of(response: httpx.Response) -> set[str]:
    """The fields that a 422 names."""
    assert response.status_code == 422, response.text
    return set(response.json()["errors"])


def _only(found: Any) -> Json:
    items: list[Json] = [*found]
    assert len(items) == 1, items
    return items[0]
