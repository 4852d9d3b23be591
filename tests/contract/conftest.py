import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.contract.operations import sync_catalogue
from tests.contract.people import create_user, rows_of
from tests.contract.school import School
from tests.contract.tokens import Tokens
from tests.documented import Documented
from tests.e2e.deployment import Deployment
from tests.local_stack import LocalStack

from b2b_cli.openapi.document import DOCUMENT


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack | Deployment]:
    """One stack for all contract tests: each uses people and products of its own."""
    if request.config.getoption("--deployed"):
        yield request.getfixturevalue("deployment")
        return
    # What runs every minute in AWS is not waited for so long here.
    running = LocalStack(tmp_path_factory.mktemp("contract") / "data", "--sweep-every", "2")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def school(stack: LocalStack | Deployment) -> Iterator[School]:
    """The simulated Thinkific, as fast as the stack: the limits of a real site are not what is tested here."""
    with stack.simulator() as client:
        opened = School(client)
        opened.switch(rate_limit="off")
        yield opened


@pytest.fixture(scope="session")
def untouched(stack: LocalStack | Deployment) -> dict[str, Any]:
    """The lists before anything was written, by path."""
    with stack.api() as api:
        return {path: api.get(path).raise_for_status().json() for path in ("/students", "/products")}


@pytest.fixture(scope="session")
def catalogue(stack: LocalStack | Deployment, school: School, untouched: dict[str, Any]) -> None:
    """The simulator's demo catalogue, known to the API."""
    with stack.api() as api:
        sync_catalogue(api)


@pytest.fixture(scope="session")
def api(stack: LocalStack | Deployment, catalogue: None) -> Iterator[httpx.Client]:
    """An integration with the admin's token, which may do everything."""
    with stack.api() as client:
        yield _held_to_the_document(client)


@pytest.fixture(scope="session")
def anonymous(stack: LocalStack | Deployment) -> Iterator[httpx.Client]:
    """Someone without a token."""
    with stack.anonymous() as client:
        yield _held_to_the_document(client)


@pytest.fixture(scope="session")
def tokens(api: httpx.Client) -> Tokens:
    return Tokens(api)


@pytest.fixture(scope="session")
def courses(api: httpx.Client) -> list[dict[str, Any]]:
    """Products that are courses; no test changes them."""
    return _products(api, "Course")


@pytest.fixture(scope="session")
def bundle(api: httpx.Client) -> dict[str, Any]:
    """A bundle that is small enough for Thinkific to build at once; no test changes it."""
    return min(_products(api, "Bundle"), key=lambda product: len(product["course_ids"]))


@pytest.fixture(scope="session")
def large_bundle(api: httpx.Client) -> dict[str, Any]:
    """A bundle that Thinkific answers with 202; no test changes it."""
    return max(_products(api, "Bundle"), key=lambda product: len(product["course_ids"]))


@pytest.fixture(scope="session")
def unchanged_user(api: httpx.Client) -> dict[str, Any]:
    """A user for calls that only read or are refused."""
    return create_user(api)


@pytest.fixture
def user(api: httpx.Client) -> dict[str, Any]:
    """A user without grants or students, who may have any number of them."""
    return create_user(api)


def _held_to_the_document(client: httpx.Client) -> httpx.Client:
    """Whose every answer has to be one that the API's document has for the call."""
    documented = Documented(json.loads(DOCUMENT.read_text(encoding="utf-8")))

    def check(answer: httpx.Response) -> None:
        answer.read()
        documented.check(answer)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    client.event_hooks["response"].append(check)
    return client


def _products(api: httpx.Client, productable_type: str) -> list[dict[str, Any]]:
    """What the demo catalogue sells; other tests add what is not in it."""
    rows = rows_of(api.get("/products", params={"per_page": 100}))
    sold = [row for row in rows if row["status"] == "published" and row["source"] == "rest"]
    return [row for row in sold if row["productable_type"] == productable_type]
