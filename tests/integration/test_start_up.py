"""What is in the way of a start is said in one line, and leaves nothing behind."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from tests.integration.stacks import MARK, await_end_of
from tests.local_stack import LocalStack


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
    assert not (data / "local.json").exists()
    await_end_of(mark)
    (line,) = ended.stderr.splitlines()
    assert line.startswith("b2b: ")
    return line.removeprefix("b2b: ")


def test_a_used_port(stack: LocalStack, tmp_path: Path) -> None:
    port = int(stack.note["base_url"].removesuffix("/api").rpartition(":")[2])
    said = failed_start(tmp_path / "data", port=port)
    assert said == f"Port {port} is in use: stop what listens there, or choose another with --port."


def test_a_second_stack_on_the_same_data(stack: LocalStack) -> None:
    note = (stack.data / "local.json").read_bytes()
    mark = {MARK: "second"}
    ended = subprocess.run(
        [sys.executable, "-m", "b2b_cli", "local", "--port", "0", "--data", str(stack.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **mark},
    )
    assert ended.returncode == 1
    assert ended.stderr == f"b2b: Another local stack is running with the data in {stack.data}.\n"
    await_end_of("second")
    # The first one goes on, and is still to be found.
    assert (stack.data / "local.json").read_bytes() == note
    with stack.api() as api:
        assert api.get("/users").status_code == 200


def test_a_missing_emulator(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "ministack"
    said = failed_start(tmp_path / "data", environment={"B2B_MINISTACK": str(missing)})
    assert said == f"The emulator is not installed at {missing}: run `make setup`."


def test_data_that_is_a_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("a letter")
    assert failed_start(data) == f"{data} cannot hold the data: Not a directory."
    assert data.read_text() == "a letter"


@pytest.mark.parametrize("content", [None, '{"__ministack_format__": 2, "payl'])
def test_data_that_cannot_be_read(data: Path, content: str | None) -> None:
    """It is left as it is: a start with an empty table would seem to work, and lose everything at its stop."""
    (state,) = (data / "emulator").glob("dynamodb*")
    state.unlink()
    if content is not None:
        state.write_text(content)
    said = failed_start(data)
    assert said == f"The data in {data} cannot be read any more. Move it away to start with nothing."
    if content is not None:
        assert state.read_text() == content


def test_an_address_that_is_none(tmp_path: Path) -> None:
    credentials = {"THINKIFIC_API_KEY": "k", "THINKIFIC_SUBDOMAIN": "acme"}
    said = failed_start(tmp_path / "data", "--thinkific-url", "127.0.0.1:8080", environment=credentials)
    assert said == "--thinkific-url must be a http or https address, not '127.0.0.1:8080'."


def test_an_address_without_credentials(tmp_path: Path) -> None:
    environment = {"THINKIFIC_API_KEY": "k", "THINKIFIC_SUBDOMAIN": ""}
    said = failed_start(tmp_path / "data", "--thinkific-url", "http://127.0.0.1:9", environment=environment)
    assert said == "--thinkific-url needs THINKIFIC_SUBDOMAIN in the environment."
