"""Proofs of what holds when things fail. They take minutes: they run only when this folder is named (`make faults`)."""

import faulthandler
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from tests.emulated import Emulated, new_school, running_emulator
from tests.faults.figures import Figures
from tests.unit.aws import aws, table
from tests.unit.conftest import clock, open_app, runner
from tests.unit.services.conftest import boss, open_world, world

from b2b_cli.local.emulator import Emulator

__all__ = ["aws", "boss", "clock", "open_app", "open_world", "runner", "table", "world"]

_HANGS_AFTER_SECONDS = 1800
_HANGS_AFTER_SECONDS_OF_A_WHOLE_SWEEP = 3600
_FIGURES = pytest.StashKey[Figures]()


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "sweep the 100,000 enrollments to the last one, which takes ten minutes more"
    parser.addoption("--whole-sweep", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = Figures()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash[_FIGURES].lines():
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _patience(pytestconfig: pytest.Config) -> None:
    """A test here may take longer than any other may: pytest's own alarm is set anew."""
    is_whole = pytestconfig.getoption("--whole-sweep", default=False)
    seconds = _HANGS_AFTER_SECONDS_OF_A_WHOLE_SWEEP if is_whole else _HANGS_AFTER_SECONDS
    faulthandler.dump_traceback_later(seconds, file=pytestconfig.stash[fault_handler_stderr_fd_key], exit=True)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    return pytestconfig.stash[_FIGURES]


@pytest.fixture
def draw() -> random.Random:
    """Chance, another in every run; a failed test shows the seed."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"FAULTS_SEED={seed} repeats the draws")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def school(emulator: Emulator) -> Emulated:
    """A table and queues that no other test sees."""
    return new_school(emulator)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a local stack."""
    return tmp_path / "data"
