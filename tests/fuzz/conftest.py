from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis.pytest.plugin
from tests.contract.operations import sync_catalogue
from tests.contract.people import create_student, create_user, data_of, enroll
from tests.fuzz.people import known
from tests.integration.recount import recount
from tests.integration.stacks import school_of
from tests.local_stack import LocalStack, await_that

_STATUSES: Counter[int] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(schemathesis.pytest.plugin, "schemathesis-of-fuzz")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack with a few records for the cases to meet. Afterwards all of it must have come to rest, with
    every counter right and nothing in the logs that nobody foresaw.
    """
    running = LocalStack(tmp_path_factory.mktemp("fuzz") / "data")
    try:
        with running.simulator() as simulator, running.api() as api:
            simulator.put("/_simulator/switches", json={"rate_limit": "off"}).raise_for_status()
            sync_catalogue(api)
            populate(api)
        yield running
        await_that(lambda: not _waiting(running), seconds=60, what="The end of all work")
        assert recount(school_of(running)) == []
        for name in ("api", "worker"):
            assert "Traceback" not in (running.data / f"{name}.log").read_text()
    finally:
        running.stop()


@pytest.fixture(scope="session")
def token(stack: LocalStack) -> str:
    """Not the admin's first one, so that a case may revoke tokens."""
    with stack.api() as api:
        made = data_of(api.post("/tokens", json={"name": "fuzz"}), status=201)
    known.protected_token = made["id"]
    return str(made["token"])


@pytest.fixture
def statuses() -> Counter[int]:
    """How often each status was answered; told at the end."""
    return _STATUSES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = ", ".join(f"{number} x {status}" for status, number in sorted(_STATUSES.items()))
    if told:
        terminalreporter.write_line(f"{_STATUSES.total()} made-up calls were answered as documented: {told}")


def populate(api: Any) -> None:
    products = api.get("/products", params={"per_page": 100}).json()["data"]
    users = [create_user(api) for _ in range(3)]
    for user in users:
        for _ in range(2):
            enroll(api, create_student(api), user, *products[:3])
    known.emails = [user["email"] for user in users]
    known.emails += [row["email"] for row in api.get("/students", params={"per_page": 100}).json()["data"]]
    known.products = [product["productable_id"] for product in products[:5]]


def _waiting(stack: LocalStack) -> bool:
    """Whether there are wishes or operations that are not fulfilled."""
    school = school_of(stack)
    partitions = [*(f"SYNC#{shard}" for shard in range(8)), "OPERATIONS"]
    return any(school.table.due(partition, "9999", limit=1) for partition in partitions)
