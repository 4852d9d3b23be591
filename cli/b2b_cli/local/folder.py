"""The folder that a local stack keeps its data in: for its owner alone, and for one stack at a time."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from b2b_cli.emulator.saving import Saved
from b2b_cli.errors import CommandError
from b2b_cli.local.processes import is_alive

_ELSEWHERE = "Choose another folder with --data."
# More than what a full disk still takes.
_PROBE_BYTES = 65536
# As long as a killed stack's emulator may save.
_LAST_RUN_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05


class Folder:
    """Use within ``locked``, but for the paths."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path / "emulator"
        self.note = path / "local.json"
        self.token = path / "admin-token"
        # Says that there is data, so that unreadable data is not taken for none.
        self._marker = path / "has-data"

    def prepare(self) -> None:
        """Make it where it is missing. Raises CommandError where nothing can be kept in it."""
        if self.path.exists() and not self.path.is_dir():
            raise CommandError(f"{self.path} is a file, and the data needs a folder. {_ELSEWHERE}")
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            self._probe()
        except OSError as error:
            raise CommandError(f"{self.path} cannot hold the data: {error.strerror}. {_ELSEWHERE}") from error
        if self.has_data:
            # An earlier release left it open to everybody on the machine.
            with suppress(PermissionError):
                self.path.chmod(0o700)

    def _probe(self) -> None:
        probe = self.state / ".probe"
        try:
            with probe.open("wb") as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)

    @contextmanager
    def locked(self, say: Callable[[str], None]) -> Iterator[int]:
        """Yields the lock's descriptor: who inherits it holds the lock too. Raises CommandError when another has it."""
        with self._open_lock() as lock:
            self._take(lock, say)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield lock.fileno()

    def _open_lock(self) -> TextIO:
        path = self.path / "lock"
        try:
            return path.open("a+", encoding="ascii", errors="replace")
        except OSError as error:
            raise CommandError(
                f"{path} cannot be opened: {error.strerror}. Move it away, or {_lower(_ELSEWHERE)}"
            ) from None

    def _take(self, lock: TextIO, say: Callable[[str], None]) -> None:
        """Of a stack that was killed, the emulator holds the lock until it has saved."""
        deadline = time.monotonic() + _LAST_RUN_SECONDS
        has_told = False
        while not _is_locked(lock, self.path):
            owner = _owner(lock)
            if owner is not None or time.monotonic() > deadline:
                by = f" (process {owner})" if owner else ""
                raise CommandError(
                    f"Another local stack{by} is running with the data in {self.path}. Stop it, or {_lower(_ELSEWHERE)}"
                )
            if not has_told:
                say("The last run is still saving its data; waiting for it ...")
                has_told = True
            time.sleep(_LOOK_EVERY_SECONDS)

    def log(self, name: str) -> Path:
        return self.path / f"{name}.log"

    @property
    def has_data(self) -> bool:
        return self._marker.exists()

    def mark(self) -> None:
        """From now on there is data in it."""
        self._marker.touch()

    @property
    def saved_at(self) -> str | None:
        """Of what is on the disk, in ISO 8601."""
        saved = Saved.read(self.state)
        return saved.at if saved else None

    def loss(self) -> str | None:
        """What the last run did not come to save, in a sentence or two; None where it ended in good order."""
        saved = Saved.read(self.state)
        return None if saved is None or saved.is_all else f"The last run was cut off. {lost_since(saved.at)}"


def lost_since(saved_at: str | None) -> str:
    """What is gone when nothing is saved after a moment, which is in ISO 8601, or None for a run that saved nothing."""
    if saved_at is None:
        return "Anything written until then is lost."
    moment = datetime.fromisoformat(saved_at).astimezone()
    return f"Anything written after {moment:%H:%M:%S on %d %B %Y} is lost."


def write_private(path: Path, text: str) -> None:
    """For its owner's eyes only, and never half written."""
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _is_locked(lock: TextIO, path: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise CommandError(f"{path} cannot be locked: {error.strerror}. {_ELSEWHERE}") from error
    return True


def _owner(lock: TextIO) -> int | None:
    """The process that wrote its id there, if it lives."""
    lock.seek(0)
    text = lock.read().strip()
    return int(text) if text.isdecimal() and is_alive(int(text)) else None


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
