"""Children of the local stack that end are started again."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.local_stack import await_that

from b2b_cli.local.processes import Child, Supervised

FOR_EVER = "exec sleep 600"


def supervised(tmp_path: Path, script: str, said: list[str], loses: str = "") -> Supervised:
    log = tmp_path / "child.log"
    return Supervised(lambda: Child("child", ["/bin/sh", "-c", script], log=log), said.append, loses=loses)


def await_another(child: Supervised) -> float:
    """Seconds from its end until there is another."""
    await_that(lambda: not child.current.is_running, what="Its end")
    ended = time.monotonic()
    await_that(child.look_after, what="Another")
    return time.monotonic() - ended


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (signal.SIGKILL, "was ended by SIGKILL"),
        (signal.SIGTERM, "was ended by SIGTERM"),
        (signal.SIGSEGV, "was ended by SIGSEGV"),
        (signal.SIGHUP, "was ended by SIGHUP"),
    ],
)
def test_a_child_that_is_ended_is_started_again_at_once(tmp_path: Path, end: signal.Signals, how: str) -> None:
    said: list[str] = []
    child = supervised(tmp_path, FOR_EVER, said)
    try:
        before = child.current.pid
        assert not child.look_after()
        os.kill(before, end)
        assert await_another(child) < 1
        assert child.current.pid != before
        assert child.current.is_running
        assert said == [f"The child {how}; starting another."]
    finally:
        child.current.kill()


def test_what_ends_with_it_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    child = supervised(tmp_path, "exit 3", said, "Its switches are as at the start.")
    await_another(child)
    child.current.kill()
    assert said == ["The child ended by itself (exit code 3); starting another. Its switches are as at the start."]


def test_a_child_that_ends_each_time_is_tried_less_and_less_often_and_told_of_five_times(tmp_path: Path) -> None:
    said: list[str] = []
    child = supervised(tmp_path, "exit 1", said)
    pauses = [await_another(child) for _ in range(6)]
    child.current.kill()
    for pause, least in zip(pauses, (0, 0.5, 1, 2, 4, 4), strict=True):
        # Never so long that a worker is missing for 5 s.
        assert least <= pause < 5
    assert [line.endswith("; starting another.") for line in said] == [True] * 4 + [False]
    assert said[-1] == f"The child ends each time it is started; trying again every 4 s. See {tmp_path / 'child.log'}."


@pytest.mark.parametrize("stop", [lambda child: child.kill(), lambda child: child.stop(seconds=0.1)])
def test_what_a_child_has_started_ends_with_it(tmp_path: Path, stop: Callable[[Child], None]) -> None:
    pids = tmp_path / "pids"
    script = f"trap '' TERM; sleep 600 & echo $! > {pids}; wait; wait; sleep 600"
    child = Child("child", ["/bin/sh", "-c", script], log=tmp_path / "child.log")
    grandchild = int(await_that(lambda: pids.exists() and pids.read_text().strip(), what="Its child"))
    stop(child)
    await_that(lambda: not _runs(grandchild), what="Its end")


def _runs(pid: int) -> bool:
    """Nobody may have asked yet how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_in_a_hurry_nobody_waits_for_a_child(tmp_path: Path) -> None:
    child = Child("child", ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"], log=tmp_path / "child.log")
    started = time.monotonic()
    child.stop(seconds=60, in_a_hurry=lambda: True)
    assert time.monotonic() - started < 10
    assert not child.is_running
