"""Each function under AWS's Runtime Interface Emulator, on the deployed table: that it starts with nothing but what was
built, and that a time-out or a crash costs the call it befell and no later one.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.e2e.conftest import Start, read_event
from tests.e2e.deployment import Deployment
from tests.e2e.runtime import LAYERS
from tests.e2e.runtime_interface import Valve
from tests.rights import FUNCTIONS

from b2b.domain.identity import tokens
from b2b_cli.local.template import DEFAULT_PATH, Template

HANDLERS = {name: function["Handler"] for name, function in FUNCTIONS.items()}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_function_outlives_a_time_out_and_a_crash(start: Start, valve: Valve, name: str) -> None:
    with start(name) as function:
        assert is_answered(function.invoke(event_for(name)))
        (first,) = function.runtime_processes()

        with valve.closed():
            assert function.invoke(event_for(name)) == f"Task timed out after {function.timeout}.00 seconds"
            assert valve.held.is_set()
        assert is_answered(function.invoke(event_for(name)))
        (second,) = function.runtime_processes()
        assert second != first

        with valve.closed(), killed_when(valve.held, second):
            assert function.invoke(event_for(name))["errorType"] == "Runtime.ExitError"
        assert is_answered(function.invoke(event_for(name)))


@pytest.mark.parametrize("name", HANDLERS)
def test_a_function_without_its_table_says_so_when_it_starts(start: Start, name: str) -> None:
    with start(name, TABLE_NAME="") as function:
        answer = function.invoke(event_for(name))
        assert "table_name" in answer["errorMessage"], answer


# A fork is to its random numbers what a snapshot is.
_RESTORED_TWICE = """
import os, random
from awslambdaric.lambda_runtime_hooks_runner import run_after_restore
from b2b.wiring.api import api_services
api_services()
for _ in range(2):
    if os.fork() == 0:
        run_after_restore()
        print(random.random(), flush=True)
        os._exit(0)
    os.wait()
"""


def test_functions_restored_from_one_snapshot_wait_for_different_random_times(deployment: Deployment) -> None:
    layers = os.pathsep.join(str(deployment.runtime.built / layer) for layer in LAYERS)
    environment = deployment.variables("UsersFunction") | deployment.emulator.environment()
    environment |= {"PYTHONPATH": layers, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    command = [str(deployment.runtime.python), "-c", _RESTORED_TWICE]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    first, second = said.split()
    assert first != second


@contextmanager
def killed_when(event: threading.Event, pid: int) -> Iterator[None]:
    def kill() -> None:
        if event.wait(_HELD_SECONDS):
            os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        thread.join()


_HELD_SECONDS = 30.0


def event_for(name: str) -> Any:
    """One whose answer needs the table."""
    kind, package, _ = HANDLERS[name].split(".", 2)
    if kind == "workers":
        return read_event(f"sqs-{package.replace('_', '-')}")
    if kind == "schedules":
        return read_event("scheduler-repair")
    event = read_event("apigateway-v2-get-user")
    path = next(route.path for route in Template().routes() if route.handler == HANDLERS[name])
    path = "/api/settings" if path == DEFAULT_PATH else path
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    # Well-formed, and nobody's: another in each call, so that it is looked up.
    event["headers"]["authorization"] = f"Bearer {tokens.new_secret()}"
    return event


def is_answered(answer: Any) -> bool:
    """A function of the API has refused the token, a worker done what there was to do."""
    assert isinstance(answer, dict), answer
    assert "errorType" not in answer, answer
    return bool(answer.get("statusCode", 401) == 401)
