"""A process of the local stack that dies is started again, and the stack goes on."""

import os
import signal
import stat
from pathlib import Path

import httpx
import pytest
from tests.integration.stacks import (
    MARK,
    answered,
    await_active,
    course_ids,
    enroll_new,
    listening,
    note_of,
    processes_of,
)
from tests.local_stack import LocalStack, await_that

from b2b_cli.local.processes import is_alive

# What the contract gives the stack to start another worker, and name it.
# 5 s are promised for a machine that has nothing else to do; here another test runs beside this one.
WORKER_SECONDS = 12.0


def await_another_worker(stack: LocalStack, killed: int) -> int:
    def another() -> int:
        pid: int = note_of(stack)["worker_pid"]
        return pid if pid != killed and is_alive(pid) else 0

    pid: int = await_that(another, seconds=WORKER_SECONDS, what="Another worker")
    return pid


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGABRT, signal.SIGHUP]
)
def test_a_worker_that_ends_is_replaced_and_named_within_five_seconds(stack: LocalStack, end: signal.Signals) -> None:
    worker = note_of(stack)["worker_pid"]
    os.kill(worker, end)
    # Told kindly, it may come to the end of its work first.
    await_that(lambda: not is_alive(worker), seconds=30, what="Its end")
    await_another_worker(stack, worker)


def test_a_worker_that_is_killed_again_and_again_is_never_missing_for_longer(stack: LocalStack) -> None:
    pid: int = note_of(stack)["worker_pid"]
    for _ in range(6):
        os.kill(pid, signal.SIGKILL)
        pid = await_another_worker(stack, pid)
    with stack.api() as api:
        answered(api.post("/users/upsert", json={"email": "killed@example.com"}))
        await_active(api, [enroll_new(api, "after@example.com", "killed@example.com", course_ids(api)[:1])])


def test_only_what_changes_changes_in_the_note(stack: LocalStack) -> None:
    before = note_of(stack)
    os.kill(before["worker_pid"], signal.SIGKILL)
    pid = await_another_worker(stack, before["worker_pid"])
    assert note_of(stack) == before | {"worker_pid": pid}
    assert stat.S_IMODE((stack.data / "local.json").stat().st_mode) == 0o600


def test_an_api_that_is_killed_is_started_again_at_its_address(stack: LocalStack) -> None:
    os.kill(listener_of(stack.note["base_url"]), signal.SIGKILL)
    await_that(lambda: "The API was ended by SIGKILL; starting another." in stack.said(), what="Word of it")
    with stack.api() as api:
        await_that(lambda: is_answered(api, "/users"), seconds=60, what="An answer")


def test_a_simulator_that_is_killed_is_started_again_with_its_data(stack: LocalStack) -> None:
    with stack.simulator() as simulator:
        before = answered(simulator.get("/_simulator/state"))["users"]
        os.kill(listener_of(stack.note["thinkific_url"]), signal.SIGKILL)
        await_that(lambda: "The simulator was ended by SIGKILL" in stack.said(), what="Word of it")
        await_that(lambda: is_answered(simulator, "/_simulator/health"), seconds=60, what="An answer")
        assert answered(simulator.get("/_simulator/state"))["users"] == before


def is_answered(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.HTTPError:
        return False


def listener_of(url: str) -> int:
    """The process that was started to listen there: the first of those that do, which starts the others."""
    address = f"0100007F:{httpx.URL(url).port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (socket,) = {f"socket:[{row[9]}]" for row in rows if row[1] == address and row[3] == "0A"}
    return min(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _holds(entry, socket))


def _holds(process: Path, socket: str) -> bool:
    try:
        return any(str(file.readlink()) == socket for file in (process / "fd").iterdir())
    except OSError:
        return False


# From a browser

EVIL = "https://evil.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_no_web_page_resets_the_simulator(stack: LocalStack, headers: dict[str, str]) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with stack.simulator() as simulator:
        before = answered(simulator.get("/_simulator/overview"))["totals"]
        assert simulator.post("/_simulator/reset", content="a=1", headers=form | headers).status_code == 403
        assert answered(simulator.get("/_simulator/overview"))["totals"] == before


def test_the_simulators_own_page_works(stack: LocalStack) -> None:
    with stack.simulator() as simulator:
        own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
        assert simulator.get("/", headers={"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}).status_code == 200
        assert simulator.get("/_simulator/overview", headers=own).status_code == 200
        origin = {"Origin": str(simulator.base_url).rstrip("/"), **own}
        assert simulator.delete("/_simulator/faults", headers=origin).status_code == 200


# For its owner alone


def test_nobody_else_may_read_what_is_in_the_folder(stack: LocalStack) -> None:
    paths = [stack.data, *stack.data.rglob("*")]
    assert {"local.json", "admin-token", "emulator.log", "thinkific.sqlite", "dynamodb.json"} <= {
        path.name for path in paths
    }
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


def test_all_of_it_listens_on_this_machine_only(stack: LocalStack) -> None:
    environment = Path(f"/proc/{stack.note['pid']}/environ").read_text().split("\0")
    (mark,) = (entry.partition("=")[2] for entry in environment if entry.startswith(f"{MARK}="))
    addresses = {address for pid in processes_of(mark) for address in listening(pid)}
    assert len(addresses) == 3, "the API, the emulator and the simulator"
    assert {address.partition(":")[0] for address in addresses} == {"127.0.0.1"}
