import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.emulated import Emulated, new_school, running_emulator
from tests.integration.stacks import MARK, Interrupted, await_end_of, interrupt, sync_catalogue
from tests.local_stack import LocalStack

from b2b_cli.local.emulator import Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def school(emulator: Emulator) -> Emulated:
    """A table and queues that no other test sees."""
    return new_school(emulator)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack with the catalogue, several API processes and hasty schedules; each test brings its own people."""
    data = tmp_path_factory.mktemp("stack") / "data"
    running = LocalStack(data, "--workers", "4", "--sweep-every", "0.5", environment={MARK: "shared"})
    try:
        sync_catalogue(running)
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.said()
    await_end_of("shared")


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """A local stack that was stopped in the middle of its work."""
    return interrupt(tmp_path_factory.mktemp("interrupted") / "data")


@pytest.fixture
def data(interrupted: Interrupted, tmp_path: Path) -> Path:
    """A copy of what the interrupted stack left."""
    return shutil.copytree(interrupted.data, tmp_path / "data")
