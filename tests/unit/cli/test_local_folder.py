"""What the local stack's folder tells those who come later."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from b2b_cli.connection import connect
from b2b_cli.emulator.saving import Saved
from b2b_cli.errors import CommandError
from b2b_cli.local.demo import Example
from b2b_cli.local.folder import Folder, lost_since, write_private

NOTE: dict[str, Any] = {"pid": os.getpid(), "environment": {}, "queues": {}}


DAMAGED = [
    b"",
    b"{",
    b'{"pid": 1, "environ',
    b"\x00\x00\x00",
    b"\xff\xfe",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    json.dumps(NOTE | {"pid": "many"}).encode(),
    json.dumps(NOTE | {"pid": None}).encode(),
    json.dumps(NOTE | {"environment": ["TABLE_NAME"]}).encode(),
    json.dumps(NOTE | {"queues": 5}).encode(),
    json.dumps({"pid": 1, "environment": {}}).encode(),
]


@pytest.mark.parametrize("content", DAMAGED, ids=map(str, range(len(DAMAGED))))  # this process's id is in some
def test_a_damaged_note_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "local.json").write_bytes(content)
    with pytest.raises(CommandError) as caught:
        connect(tmp_path, None)
    assert str(caught.value) == (
        f"{tmp_path / 'local.json'} cannot be read. Starting `b2b local` again writes it anew."
    )


def test_a_note_that_is_a_folder_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "local.json").mkdir()
    with pytest.raises(CommandError, match=r"local.json cannot be read: Is a directory\."):
        connect(tmp_path, None)


@pytest.mark.parametrize("data", ["nowhere", "a-file/data"])
def test_where_no_stack_runs_the_way_to_start_one_is_told(tmp_path: Path, data: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(CommandError, match=r"No local stack runs with the data in .*: start it with `b2b local`"):
        connect(tmp_path / data, None)


def test_the_note_of_a_stack_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / "local.json").write_text(json.dumps(NOTE | {"pid": ended.pid}))
    with pytest.raises(CommandError, match="was ended without a word: start it with `b2b local`"):
        connect(tmp_path, None)


UNREADABLE = [b"", b"{", b"[]", b"null", b"\xff"]


@pytest.mark.parametrize("content", [*UNREADABLE, b'{"user_id": 1}', b'{"user": 1, "course": 2}'])
def test_a_damaged_example_is_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "example.json"
    path.write_bytes(content)
    assert Example.load(path) is None
    assert Example.load(tmp_path / "nowhere.json") is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"at": 1}', b'{"is_all": false, "x": 1}']
)
def test_word_of_the_last_save_that_nobody_can_read_alarms_nobody(tmp_path: Path, content: bytes) -> None:
    folder = Folder(tmp_path)
    folder.state.mkdir()
    (folder.state / "saved.json").write_bytes(content)
    assert folder.loss() is None


def test_the_loss_is_told_from_the_last_save_on(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.state.mkdir()
    assert folder.loss() is None
    Saved("2026-11-28T04:26:22.609+00:00", is_all=True).write(folder.state)
    assert folder.loss() is None
    Saved("2026-11-28T04:26:22.609+00:00", is_all=False).write(folder.state)
    assert folder.loss() == f"The last run was cut off. {lost_since('2026-11-28T04:26:22.609+00:00')}"
    Saved(None, is_all=False).write(folder.state)
    assert folder.loss() == "The last run was cut off. Anything written until then is lost."


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_is_its_owners_from_the_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "admin-token"
    path.touch(mode=0o644)
    write_private(path, "secret")
    assert (mode(path), path.read_text()) == (0o600, "secret")


def test_a_folder_that_an_earlier_release_left_open_is_closed(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.prepare()
    folder.mark()
    folder.path.chmod(0o755)
    folder.prepare()
    assert mode(folder.path) == 0o700


def test_a_persons_own_folder_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Folder(tmp_path).prepare()
    assert mode(tmp_path) == 0o755


def test_a_lock_of_a_process_that_is_gone_is_taken(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999")
    with Folder(tmp_path).locked(lambda _: None):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("content", ["", "a letter", "-1", "0x10", "9" * 40, "\u0661"])
def test_a_lock_with_anything_in_it_is_taken(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock").write_text(content, encoding="utf-8")
    with Folder(tmp_path).locked(lambda _: None):
        pass


def test_a_lock_that_is_held_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with (
        folder.locked(lambda _: None),
        pytest.raises(CommandError, match=rf"Another local stack \(process {os.getpid()}\) is running"),
        Folder(tmp_path).locked(lambda _: None),
    ):
        pass
