import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.emulated import Emulated, new_school, running_emulator
from tests.integration.crowd import ROUNDS
from tests.integration.desk import Desk
from tests.integration.recount import recount, without_form
from tests.integration.stacks import MARK, Interrupted, await_end_of, interrupt, sync_catalogue
from tests.local_stack import LocalStack

from b2b_cli.local.emulator import Emulator

_ROUNDS_OF_EVERY_RUN = 3
_STUDENTS_OF_EVERY_RUN = 200
_MIGRATING_OF_EVERY_RUN = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    text = f"how often each race is run (default: {_ROUNDS_OF_EVERY_RUN}; {ROUNDS} for a proof)"
    parser.addoption("--rounds", type=int, default=_ROUNDS_OF_EVERY_RUN, metavar="N", help=text)
    text = f"how many students the killed mass expiry is for (default: {_STUDENTS_OF_EVERY_RUN}; 2000 for a proof)"
    parser.addoption("--students", type=int, default=_STUDENTS_OF_EVERY_RUN, metavar="N", help=text)
    text = f"how many students a school has that migrates (default: {_MIGRATING_OF_EVERY_RUN}; 10000 for a proof)"
    parser.addoption("--migrating", type=int, default=_MIGRATING_OF_EVERY_RUN, metavar="N", help=text)


@pytest.fixture(scope="session")
def rounds(pytestconfig: pytest.Config) -> range:
    # Unknown to pytest where it was started on a folder above this one.
    return range(pytestconfig.getoption("--rounds", default=_ROUNDS_OF_EVERY_RUN))


@pytest.fixture(scope="session")
def many_students(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--students", default=_STUDENTS_OF_EVERY_RUN))


@pytest.fixture(scope="session")
def migrating_students(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--migrating", default=_MIGRATING_OF_EVERY_RUN))


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def school(emulator: Emulator) -> Emulated:
    """A table and queues that no other test sees."""
    return new_school(emulator)


@pytest.fixture
def desk(school: Emulated) -> Iterator[Desk]:
    """The school's services; in the end every counter has to agree with the rows, and every row to say its form."""
    yield Desk(school)
    assert recount(school) == []
    assert without_form(school) == []


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack with the catalogue, several API processes and hasty schedules; each test brings its own people."""
    data = tmp_path_factory.mktemp("stack") / "data"
    mark = f"shared-{uuid.uuid4().hex}"  # each process that runs tests has a stack of its own
    running = LocalStack(data, "--workers", "4", "--sweep-every", "0.5", environment={MARK: mark})
    try:
        sync_catalogue(running)
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.said()
    await_end_of(mark)


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """A local stack that was stopped in the middle of its work."""
    return interrupt(tmp_path_factory.mktemp("interrupted") / "data")


@pytest.fixture
def data(interrupted: Interrupted, tmp_path: Path) -> Path:
    """A copy of what the interrupted stack left."""
    return shutil.copytree(interrupted.data, tmp_path / "data")
