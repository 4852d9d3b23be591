"""What is in the way of a start is said in one line, and leaves nothing behind."""

import os
import socket
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.stacks import MARK, await_end_of
from tests.local_stack import LocalStack, await_that

ELSEWHERE = "hoose another folder with --data."


def failed_start(data: Path, *options: str, port: int = 0, environment: dict[str, str] | None = None) -> str:
    """The one line that a stack that cannot start says on standard error."""
    mark = uuid.uuid4().hex
    ended = subprocess.run(
        [sys.executable, "-m", "b2b_cli", "local", "--no-demo", "--port", str(port), "--data", str(data), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {}), MARK: mark},
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert not (data / "local.json").is_file()
    await_end_of(mark)
    (line,) = ended.stderr.splitlines()
    assert line.startswith("b2b: ")
    return line.removeprefix("b2b: ")


# The folder


def a_file(data: Path) -> None:
    data.write_text("a letter")


def below_a_file(data: Path) -> None:
    data.parent.rmdir()
    data.parent.write_text("a letter")


def a_link_to_itself(data: Path) -> None:
    data.symlink_to(data)


def a_link_to_nowhere(data: Path) -> None:
    data.symlink_to("/proc/nowhere")


def on_a_full_disk(data: Path) -> None:
    (data / "emulator").mkdir(parents=True)
    (data / "emulator/.probe").symlink_to("/dev/full")


def with_a_folder_called(name: str) -> Callable[[Path], None]:
    def make(data: Path) -> None:
        (data / name / "inside").mkdir(parents=True)

    return make


def with_a_file_called_emulator(data: Path) -> None:
    data.mkdir()
    (data / "emulator").write_text("a letter")


@pytest.mark.parametrize(
    ("awkward", "words"),
    [
        (a_file, "data is a file, and the data needs a folder."),
        (below_a_file, "data cannot hold the data: Not a directory."),
        (a_link_to_itself, "data cannot hold the data: "),
        (a_link_to_nowhere, "data cannot hold the data: "),
        (on_a_full_disk, "data cannot hold the data: No space left on device."),
        (with_a_file_called_emulator, "data cannot hold the data: File exists."),
        (with_a_folder_called("lock"), "data/lock cannot be opened: Is a directory."),
        (with_a_folder_called("local.json"), "data/local.json cannot be used: Is a directory."),
        (with_a_folder_called("emulator.log"), "data/emulator.log cannot be used: Is a directory."),
        (with_a_folder_called("worker.log"), "data/worker.log cannot be used: Is a directory."),
        (with_a_folder_called("admin-token"), "data/admin-token cannot be used: Is a directory."),
        (with_a_folder_called("local.partial"), "data/local.partial cannot be used: Is a directory."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_folder_that_cannot_hold_the_data(tmp_path: Path, awkward: Callable[[Path], None], words: str) -> None:
    data = tmp_path / "folder" / "data"
    data.parent.mkdir()
    awkward(data)
    said = failed_start(data)
    assert words in said
    assert said.endswith(ELSEWHERE)


def test_a_file_in_the_folders_place_is_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    a_file(data)
    failed_start(data)
    assert data.read_text() == "a letter"


# What an earlier run left


def state(content: bytes | None, *, name: str = "dynamodb") -> Callable[[Path], Path]:
    def leave(data: Path) -> Path:
        path = data / f"emulator/{name}.json"
        path.parent.mkdir(parents=True)
        (data / "has-data").touch()
        if content is not None:
            path.write_bytes(content)
        return path

    return leave


def thinkific(write: Callable[[Path], None]) -> Callable[[Path], Path]:
    def leave(data: Path) -> Path:
        data.mkdir()
        write(data / "thinkific.sqlite")
        return data / "thinkific.sqlite"

    return leave


def no_database(path: Path) -> None:
    path.write_bytes(b"a letter" * 200)


def another_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 999")
    connection.close()


@pytest.mark.parametrize(
    ("leave", "words"),
    [
        (state(b'{"__ministack_format__": 2, "payl'), "dynamodb.json is damaged."),
        (
            state(b'{"__ministack_format__": 99, "payload": {}}', name="sqs"),
            "written by a newer release of the emulator.",
        ),
        (state(b'{"__ministack_format__": 2, "payload": {}}'), "has no table any more."),
        (state(b'{"__ministack_format__": 2, "payload": {"tables": 5}}'), "has no table any more."),
        (state(None), "has no table any more."),
        (thinkific(no_database), "file is not a database"),
        (thinkific(another_schema), "made by another release of the simulator (schema 999)"),
    ],
)
def test_data_that_cannot_be_read(tmp_path: Path, leave: Callable[[Path], Path], words: str) -> None:
    """It is left as it is: a start with an empty table would seem to work, and lose everything at its stop."""
    path = leave(tmp_path / "data")
    left = path.read_bytes() if path.exists() else None
    said = failed_start(tmp_path / "data")
    assert words in said
    assert " away to start with " in said.replace("move the file away", "Move it away")
    assert (path.read_bytes() if path.exists() else None) == left


# Who else is there


@contextmanager
def listening() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_used_port(tmp_path: Path) -> None:
    with listening() as port:
        said = failed_start(tmp_path / "data", port=port)
    assert said == f"Port {port} is in use: stop what listens there, or choose another with --port."


def test_a_second_stack_on_the_same_data(stack: LocalStack) -> None:
    """Its ``local.json`` stays, so that the first one is still to be found."""
    note = (stack.data / "local.json").read_bytes()
    ended = subprocess.run(
        [sys.executable, "-m", "b2b_cli", "local", "--port", "0", "--data", str(stack.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, MARK: "second"},
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        f"b2b: Another local stack (process {stack.note['pid']}) is running with the data in {stack.data}. "
        "Stop it, or choose another folder with --data.\n"
    )
    await_end_of("second")
    assert (stack.data / "local.json").read_bytes() == note
    with stack.api() as api:
        assert api.get("/users").status_code == 200


def test_of_two_starts_at_once_one_runs(tmp_path: Path) -> None:
    data, mark = tmp_path / "data", uuid.uuid4().hex
    command = [sys.executable, "-m", "b2b_cli", "local", "--no-demo", "--port", "0", "--data", str(data)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command, text=True, env={**os.environ, MARK: mark}, **pipes) for _ in range(2)]  # type: ignore[call-overload] # its options as a dict
    try:
        await_that(lambda: any(one.poll() is not None for one in both), what="The end of one of them")
        (loser,) = (one for one in both if one.poll() is not None)
        (winner,) = (one for one in both if one is not loser)
        assert "Another local stack" in loser.stderr.read()
        assert loser.returncode == 1
        await_that((data / "local.json").exists, seconds=60, what="The start of the other")
        winner.terminate()
        assert winner.wait(60) == 0
    finally:
        for one in both:
            one.kill()
            one.communicate()
    await_end_of(mark)


# What it is told


def test_a_missing_emulator(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    said = failed_start(tmp_path / "data", environment={"B2B_MINISTACK": str(missing / "ministack")})
    assert said == f"The emulator is not installed at {missing / 'python'}: run `make setup`."


def test_an_address_that_is_none(tmp_path: Path) -> None:
    credentials = {"THINKIFIC_API_KEY": "k", "THINKIFIC_SUBDOMAIN": "acme"}
    said = failed_start(tmp_path / "data", "--thinkific-url", "127.0.0.1:8080", environment=credentials)
    assert said == "--thinkific-url must be a http or https address, not '127.0.0.1:8080'."


def test_an_address_without_credentials(tmp_path: Path) -> None:
    environment = {"THINKIFIC_API_KEY": "k", "THINKIFIC_SUBDOMAIN": ""}
    said = failed_start(tmp_path / "data", "--thinkific-url", "http://127.0.0.1:9", environment=environment)
    assert said == "--thinkific-url needs THINKIFIC_SUBDOMAIN in the environment."
