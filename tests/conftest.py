"""Options of several suites, and what those share that run on the deployed template."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.deployment import Deployment


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--deployed",
        action="store_true",
        help="run the contract tests on the deployed template instead of the local stack (make e2e)",
    )
    parser.addoption(
        "--emulated",
        action="store_true",
        help="run the unit tests that use a table on the emulator's DynamoDB instead of the one in memory",
    )


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Deployment"]:
    """The one deployment of the run, made when the first test asks for it."""
    from tests.e2e.deployment import Deployment  # noqa: PLC0415 - costs whoever does not deploy a second

    running = Deployment(tmp_path_factory.mktemp("deployment"))
    yield running
    running.stop()
