import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
from tests.contract.operations import sync_catalogue
from tests.contract.school import School
from tests.e2e.deployment import Deployment
from tests.e2e.project import ROOT
from tests.e2e.runtime import LAYERS
from tests.e2e.runtime_interface import RuntimeInterface, Valve
from tests.rights import FUNCTIONS

from b2b_cli.local.template import Template

# A run of a schedule may begin nothing in its last ten seconds.
_BESIDE_A_START = dict.fromkeys(FUNCTIONS, 0) | {schedule.name: 11 for schedule in Template().schedules()}
# Less than all tries of a call that is not answered (wiring/aws.py): else it is these that end the function's run.
_LONGEST_SECONDS = 15

Start = Callable[..., AbstractContextManager[RuntimeInterface]]


@pytest.fixture(scope="module")
def api(deployment: Deployment) -> Iterator[httpx.Client]:
    """An integration with the admin's token, after the catalogue was read."""
    with deployment.api() as client:
        sync_catalogue(client)
        yield client


@pytest.fixture(scope="module")
def school(deployment: Deployment) -> Iterator[School]:
    with deployment.simulator() as client:
        yield School(client)


@pytest.fixture(scope="module")
def valve(deployment: Deployment) -> Iterator[Valve]:
    """What the functions of ``start`` take for AWS."""
    opened = Valve(deployment.emulator.url)
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def start(deployment: Deployment, valve: Valve, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Within, the function with that logical id runs by itself, with other variables where some are given."""
    directory = tmp_path_factory.mktemp("functions")
    seconds = _seconds_for_a_start(deployment)

    @contextmanager
    def running(name: str, **variables: str) -> Iterator[RuntimeInterface]:
        environment = deployment.variables(name) | deployment.emulator.environment() | {"AWS_ENDPOINT_URL": valve.url}
        function = RuntimeInterface(
            deployment.runtime.write_bootstrap(),
            FUNCTIONS[name]["Handler"],
            timeout=min(seconds + _BESIDE_A_START[name], _LONGEST_SECONDS),
            log=directory / f"{name}.log",
            environment=environment | {"AWS_LAMBDA_FUNCTION_NAME": deployment.physical_ids[name]} | variables,
        )
        try:
            yield function
        finally:
            function.stop()

    return running


def _seconds_for_a_start(deployment: Deployment) -> int:
    """In place of the template's time-outs. After a time-out a start counts too, and a busy machine takes its time."""
    folders = (*LAYERS, "functions")
    path = os.pathsep.join(str(deployment.runtime.built / folder) for folder in folders)
    environment = deployment.variables("UsersFunction") | deployment.emulator.environment() | {"PYTHONPATH": path}
    started = time.monotonic()
    subprocess.run([str(deployment.runtime.python), "-c", "import api.users.handler"], env=environment, check=True)
    return max(3, math.ceil(4 * (time.monotonic() - started)))


def read_event(name: str) -> Any:
    """One of ``events/``."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
