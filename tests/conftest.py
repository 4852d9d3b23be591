"""What suites share that run on the deployed template."""

from collections.abc import Iterator

import pytest
from tests.e2e.deployment import Deployment


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--deployed",
        action="store_true",
        help="run the contract tests on the deployed template instead of the local stack (make e2e)",
    )


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The one deployment of the run, made when the first test asks for it."""
    running = Deployment(tmp_path_factory.mktemp("deployment"))
    yield running
    running.stop()
