"""Clients that are generated from the API's document alone, and run against a local stack of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.contract.operations import sync_catalogue
from tests.contract.people import Json, data_of
from tests.local_stack import LocalStack


@dataclass(frozen=True, slots=True)
class School:
    """A running API, as somebody who has its address and a token knows it. ``document``: the file read from it."""

    origin: str
    token: str
    document: Path
    stack: LocalStack

    def environment(self, run: str) -> dict[str, str]:
        """What each client's program reads. ``run`` tells its records from those of the others."""
        return {"B2B_ORIGIN": self.origin, "B2B_TOKEN": self.token, "B2B_RUN": run}


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    folder = tmp_path_factory.mktemp("clients")
    stack = LocalStack(folder / "data", "--sweep-every", "1")
    try:
        with stack.api() as api:
            sync_catalogue(api)
            document = folder / "openapi.json"
            document.write_bytes(api.get("/openapi.json").raise_for_status().content)
        origin = stack.note["base_url"].removesuffix("/api")
        yield School(origin, stack.note["admin_token"], document, stack)
    finally:
        stack.stop()


def assert_done(school: School, run: str) -> None:
    """The main job, as it must have left the school: a client that did nothing, or other things, is found out."""
    with school.stack.api() as api:
        user = data_of(api.post("/users/search", json={"email": client_email(run)}))
        students = [student for student in _all_students(api) if student["email"].endswith(f"@{run}.example.com")]
    assert user["name"] == f"Client of {run}"
    assert (user["max_seats"], user["seats_used"]) == (20, 4)
    assert [(grant["max_seats"], grant["enrollment_days"]) for grant in user["products"]] == [(15, 90)]
    assert sorted(student["first_name"] for student in students) == ["Ada", "Alan", "Grace", "Mary"]
    for student in students:
        assert [found["email"] for found in student["users"]] == [user["email"]]
        assert [(found["status"], found["error"]) for found in student["enrollments"]] == [("expired", None)]


def client_email(run: str) -> str:
    return f"client@{run}.example.com"


def _all_students(api: httpx.Client) -> Iterator[Json]:
    body = api.get("/students", params={"per_page": 100}).raise_for_status().json()
    yield from body["data"]
    while body["links"]["next"]:
        body = api.get(body["links"]["next"]).raise_for_status().json()
        yield from body["data"]
