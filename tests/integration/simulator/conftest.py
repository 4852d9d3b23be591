from collections.abc import Iterator

import pytest
from tests.integration.simulator.server import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    database = tmp_path_factory.mktemp("simulator") / "school.db"
    with running(database, "--demo-catalogue", "--switch", "rate_limit=off") as server:
        yield server
