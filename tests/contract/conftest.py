from collections.abc import Iterator

import httpx
import pytest
from tests.local_stack import LocalStack, await_that


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One local stack for all contract tests: each uses people and products of its own."""
    running = LocalStack(tmp_path_factory.mktemp("contract") / "data")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def catalogue(stack: LocalStack) -> None:
    """The simulator's demo catalogue, known to the API."""
    with stack.api() as api:
        operation = api.post("/products/sync").raise_for_status().json()["operation"]

        def is_done() -> bool:
            status = api.get(f"/operations/{operation['id']}").raise_for_status().json()["data"]["status"]
            return bool(status == "succeeded")

        await_that(is_done, what="The catalogue sync")


@pytest.fixture
def api(stack: LocalStack, catalogue: None) -> Iterator[httpx.Client]:
    with stack.api() as client:
        yield client
