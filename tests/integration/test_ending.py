"""However the local stack is ended, all of it ends, and nothing is said that is not true."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.stacks import MARK, answered, await_end_of
from tests.local_stack import LocalStack, await_that

from b2b_cli.emulator.saving import Saved
from b2b_cli.local.processes import is_alive

ROOT = Path(__file__).parents[2]
OPTIONS = ("--workers", "1")


@contextmanager
def started(data: Path, *, by_make: bool = False) -> Iterator[tuple[LocalStack, str]]:
    """A stack, and what marks its processes. Whatever the test does, none is left in the end."""
    mark = uuid.uuid4().hex
    # A group of processes of its own, as a terminal gives to what runs in it.
    command = ["setsid", "make", "run", f"DATA={data}", "PORT=0", "ARGS=--no-demo --workers 1"] if by_make else None
    stack = LocalStack(data, *([] if command else OPTIONS), environment={MARK: mark}, command=command)
    try:
        yield stack, mark
    finally:
        if stack.process.poll() is None:
            stack.process.kill()
            stack.process.wait()
        await_end_of(mark, seconds=60)


def write(stack: LocalStack) -> None:
    with stack.api() as api:
        answered(api.post("/users/upsert", json={"email": "kept@example.com"}))


def holds_it(data: Path) -> bool:
    return "kept@example.com" in (data / "emulator/dynamodb.json").read_text(encoding="utf-8")


def send(*numbers: signal.Signals) -> Callable[[LocalStack], None]:
    """To the process that was started, which is make where it is make. What a terminal sends, it sends to both."""

    def to(stack: LocalStack) -> None:
        for number in numbers:
            stack.process.send_signal(number)

    to.__name__ = "-".join(number.name for number in numbers)
    return to


def send_as_a_terminal(number: signal.Signals) -> Callable[[LocalStack], None]:
    def to(stack: LocalStack) -> None:
        os.killpg(stack.process.pid, number)

    to.__name__ = f"{number.name}-to-all"
    return to


def kill_stack(stack: LocalStack) -> None:
    os.kill(stack.note["pid"], signal.SIGKILL)


STOPPED = "Stopped; the data is in "


@pytest.mark.parametrize(
    ("by_make", "end", "code", "words"),
    [
        (False, send(signal.SIGTERM), 0, STOPPED),
        (False, send(signal.SIGINT), 0, STOPPED),
        (False, send(signal.SIGHUP), 0, STOPPED),
        (False, send(signal.SIGINT, signal.SIGINT), 0, STOPPED),
        (False, send(signal.SIGTERM, signal.SIGHUP, signal.SIGINT), 0, STOPPED),
        (False, kill_stack, -signal.SIGKILL, ""),
        (True, send(signal.SIGTERM), -signal.SIGTERM, STOPPED),
        (True, send_as_a_terminal(signal.SIGHUP), -signal.SIGHUP, STOPPED),
        (True, send_as_a_terminal(signal.SIGINT), -signal.SIGINT, STOPPED),
        (True, send(signal.SIGKILL), -signal.SIGKILL, STOPPED),
        (True, kill_stack, 2, ""),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_end_ends_all_processes_and_keeps_the_data(
    tmp_path: Path, by_make: bool, end: Callable[[LocalStack], None], code: int, words: str
) -> None:
    data = tmp_path / "data"
    with started(data, by_make=by_make) as (stack, mark):
        write(stack)
        end(stack)
        # Which of the two make tells depends on whether it saw the signal before its child had ended.
        assert stack.process.wait(60) in ({code, 0} if by_make else {code}), stack.said()
        await_end_of(mark, seconds=60)
    assert words in stack.said()
    assert "Traceback" not in stack.said()
    assert holds_it(data)
    assert not (data / "local.json").exists()
    left = Saved.read(data / "emulator")
    assert left is not None
    assert left.is_all


def test_a_closed_terminal_ends_it_though_nobody_hears_what_it_says(tmp_path: Path) -> None:
    """A terminal's programs get SIGHUP, and from then on every write to it fails."""
    data, mark = tmp_path / "data", uuid.uuid4().hex
    master, terminal = os.openpty()
    command = [sys.executable, "-m", "b2b_cli", "local", "--no-demo", "--port", "0", "--data", str(data), *OPTIONS]
    process = subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env={**os.environ, MARK: mark},
    )
    try:
        os.close(terminal)
        await_that((data / "local.json").exists, seconds=60, what="The start")
        os.close(master)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
        await_end_of(mark)
    finally:
        process.kill()
        process.wait()
        await_end_of(mark, seconds=60)
    left = Saved.read(data / "emulator")
    assert left is not None
    assert left.is_all


def test_a_reader_that_goes_away_does_not_end_it(tmp_path: Path) -> None:
    """As in `b2b local | head -1`."""
    data, mark = tmp_path / "data", uuid.uuid4().hex
    command = [sys.executable, "-m", "b2b_cli", "local", "--no-demo", "--port", "0", "--data", str(data), *OPTIONS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, MARK: mark})
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        await_that((data / "local.json").exists, seconds=60, what="The start")
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        await_end_of(mark, seconds=60)


# What is lost


@dataclass(frozen=True)
class Loss:
    """What a stack said when it ended, and what the next one said at its start."""

    code: int
    said: str
    said_next: str


def ended_by(data: Path, spoil: Callable[[LocalStack], None], mend: Callable[[Path], None]) -> Loss:
    with started(data) as (stack, _):
        write(stack)
        await_that(lambda: holds_it(data) if (data / "emulator/dynamodb.json").exists() else False, what="A save")
        spoil(stack)
        code, said = stack.process.wait(60), stack.said()
    mend(data)
    with started(data) as (following, _):
        with following.api() as api:
            users = answered(api.post("/users/search", json={"email": "kept@example.com"}))
        assert users["data"]["email"] == "kept@example.com"
        assert following.stop() == 0
    # Both write to the one file.
    return Loss(code, said, following.said().removeprefix(said))


def kill_emulator(stack: LocalStack) -> None:
    os.kill(emulator_of(stack), signal.SIGKILL)


def kill_emulator_amid_the_stop(stack: LocalStack) -> None:
    pid = emulator_of(stack)
    os.kill(pid, signal.SIGSTOP)  # so that it does not get to save
    stack.process.terminate()
    await_that(lambda: not is_alive(stack.note["worker_pid"]), what="The end of the worker")
    os.kill(pid, signal.SIGKILL)


def fill_the_disk_and_stop(stack: LocalStack) -> None:
    (stack.data / "emulator/dynamodb.partial").symlink_to("/dev/full")
    with stack.api() as api:
        answered(api.post("/users/upsert", json={"email": "lost@example.com"}))
    await_that(lambda: "cannot be saved" in stack.said(), what="Word of the full disk")
    stack.process.terminate()


def kill_everything(stack: LocalStack) -> None:
    with stack.api() as api:
        answered(api.post("/users/upsert", json={"email": "lost@example.com"}))
    os.kill(emulator_of(stack), signal.SIGKILL)
    kill_stack(stack)


def emulator_of(stack: LocalStack) -> int:
    """By the file that it alone holds open for the whole of its life, beside the stack: the lock."""
    lock = str(stack.data / "lock")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != stack.note["pid"] and lock in _open_files(entry):
            return int(entry.name)
    raise AssertionError("There is no emulator.")


def _open_files(process: Path) -> set[str]:
    try:
        return {str(file.readlink()) for file in (process / "fd").iterdir()}
    except OSError:
        return set()


def nothing(_data: Path) -> None:
    pass


def free_the_disk(data: Path) -> None:
    (data / "emulator/dynamodb.partial").unlink()


@pytest.mark.parametrize(
    ("spoil", "mend", "code", "words"),
    [
        (kill_emulator, nothing, 1, "b2b: The emulator was ended by SIGKILL. Anything written after "),
        (kill_emulator_amid_the_stop, nothing, 1, "The data could not be saved: the emulator was ended by SIGKILL."),
        (fill_the_disk_and_stop, free_the_disk, 1, "The data could not be saved: No space left on device."),
        (kill_everything, nothing, -signal.SIGKILL, ""),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_lost_is_said_at_the_end_and_at_the_next_start(
    tmp_path: Path, spoil: Callable[[LocalStack], None], mend: Callable[[Path], None], code: int, words: str
) -> None:
    loss = ended_by(tmp_path / "data", spoil, mend)
    assert loss.code == code
    assert words in loss.said
    assert STOPPED not in loss.said
    assert (" is lost. " in loss.said) == (code == 1)
    assert "The last run was cut off. Anything written after " in loss.said_next
    assert "Traceback" not in loss.said + loss.said_next
