"""The main job, shown at the first start: catalogue, a client with seats, students, ``pending`` turning ``active``.

It makes what the examples of the API's document name (``b2b_cli.openapi.records``), so that each can be tried.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from b2b.wiring.api import ApiServices
from b2b_cli.openapi.records import CLIENT as CLIENT_EMAIL
from b2b_cli.openapi.records import OPERATION_ID, OTHER_CLIENT

_STUDENTS = (("Ada", "Lovelace"), ("Grace", "Hopper"), ("Alan", "Turing"))
_SECONDS = 60.0
_LOOK_EVERY = 0.3


@dataclass(frozen=True, slots=True)
class Example:
    """A client with seats in a course, kept beside the data so that later starts can show the same commands."""

    user_id: int
    course_id: int

    @classmethod
    def load(cls, path: Path) -> "Example | None":
        """None where there is none, or nobody can read it: no more than the commands depends on it."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def curl_commands(self, base_url: str, token: str) -> list[str]:
        """Enroll somebody, see it turn active, see the client's seats. Each can be pasted as it is."""
        student = {
            "first_name": "Mary",
            "last_name": "Jackson",
            "email": "mary.jackson@acme.example",
            "user_email": CLIENT_EMAIL,
            "enrollments": [self.course_id],
        }
        authorization = f"-H 'Authorization: Bearer {token}'"
        json_type = "-H 'Content-Type: application/json'"
        return [
            f"curl -s {base_url}/students {authorization} {json_type} -d '{json.dumps(student)}'",
            f"curl -s '{base_url}/students?per_page=100' {authorization}",
            f"curl -s {base_url}/users/{self.user_id} {authorization}",
        ]


class Demo:
    """Does with the API what an integration would. ``say`` prints a line.

    ``services``: of the same school, for what no call can make.
    """

    def __init__(self, base_url: str, token: str, services: ApiServices, say: Callable[[str], None]) -> None:
        self._services = services
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx.Client(base_url=base_url, headers=headers, timeout=10, trust_env=False)
        self._say = say

    def run(self) -> "Example":
        """What it made, for a person to go on with."""
        course, bundle, operation_id = self._sync_catalogue()
        user = self._post("/users/upsert", {"email": CLIENT_EMAIL, "name": "Acme Corp", "max_seats": 50})
        self._say(f"  POST /users/upsert        {user['name']}, {user['max_seats']} seats (id {user['id']})")
        for product, seats in ((course, 25), (bundle, 10)):
            grant = {"thinkific_id": product["productable_id"], "active": True, "add_seats": seats}
            self._post(f"/users/seat/{user['id']}", grant | {"enrollment_days": 365})
            self._say(f'  POST /users/seat/{user["id"]}        {seats} seats in "{product["name"]}" for 365 days')
        ids = [self._enroll(first, last, course, bundle) for first, last in _STUDENTS]
        self._await_active(ids)
        self._make_examples(operation_id)
        return Example(user_id=int(user["id"]), course_id=int(course["productable_id"]))

    def _make_examples(self, operation_id: str) -> None:
        """A user and a token to be deleted, and an operation under the document's id, which the API would not give."""
        self._post("/users/upsert", {"email": OTHER_CLIENT, "name": "Globex"})
        self._post("/tokens", {"name": "Zapier"})
        operation, _ = self._services.operations.get(operation_id)
        store = self._services.records.store
        store.transact([store.operations.add_operation(replace(operation, id=OPERATION_ID))])

    def _sync_catalogue(self) -> tuple[dict[str, Any], dict[str, Any], str]:
        """A course, a bundle, and the id of the operation that brought them."""
        operation = self._api.post("/products/sync").raise_for_status().json()["operation"]
        deadline = time.monotonic() + _SECONDS
        while operation["status"] not in ("succeeded", "failed", "partial") and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
            operation = self._get(f"/operations/{operation['id']}")
        self._say(f"  POST /products/sync       {operation['done']} products from Thinkific: {operation['status']}")
        products = self._api.get("/products", params={"per_page": 100}).raise_for_status().json()["data"]
        return (
            next(product for product in products if product["productable_type"] == "Course"),
            next(product for product in products if product["productable_type"] == "Bundle"),
            operation["id"],
        )

    def _enroll(self, first: str, last: str, course: dict[str, Any], bundle: dict[str, Any]) -> int:
        enrollments = (
            [course["productable_id"]]
            if first != "Ada"
            else [
                course["productable_id"],
                {"id": bundle["productable_id"], "productable_type": "Bundle"},
            ]
        )
        student = self._post(
            "/students",
            {
                "first_name": first,
                "last_name": last,
                "email": f"{first}.{last}@acme.example".lower(),
                "user_email": CLIENT_EMAIL,
                "enrollments": enrollments,
            },
        )
        self._say(f"  POST /students            {first} {last}: {_statuses(student)}")
        return int(student["id"])

    def _await_active(self, ids: list[int]) -> None:
        started = time.monotonic()
        while time.monotonic() - started < _SECONDS:
            students = [self._get(f"/students/{student_id}") for student_id in ids]
            waiting = [student for student in students if "pending" in _statuses(student)]
            if not waiting:
                break
            time.sleep(_LOOK_EVERY)
        seconds = time.monotonic() - started
        for student in students:
            self._say(f"  GET  /students/{student['id']:<10} {student['first_name']}: {_statuses(student)}")
        self._say(f"  Thinkific has followed, {seconds:.1f} s later.")

    def _get(self, path: str) -> dict[str, Any]:
        data: dict[str, Any] = self._api.get(path).raise_for_status().json()["data"]
        return data

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = self._api.post(path, json=body).raise_for_status().json()["data"]
        return data


def _statuses(student: dict[str, Any]) -> str:
    return ", ".join(f"{enrollment['name']} {enrollment['status']}" for enrollment in student["enrollments"])
