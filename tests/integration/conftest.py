from collections.abc import Iterator

import pytest
from tests.emulated import Emulated, new_school, running_emulator

from b2b_cli.local.emulator import Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def school(emulator: Emulator) -> Emulated:
    """A table and queues that no other test sees."""
    return new_school(emulator)
