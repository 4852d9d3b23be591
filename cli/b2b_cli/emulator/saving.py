"""Saves the emulator's state while it changes, and at the end.

ministack by itself writes when it is told to stop, and of its failures says nothing but a line in its log.
"""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

from b2b_cli.emulator.reports import Report, Reporter

# Between two saves at least; and so many times as long as a save takes, which is 5 % of one processor at most.
_LEAST_PAUSE_SECONDS = 2.0
_PAUSE_PER_SAVE = 20
_UNKNOWN_ERROR = 255
_HIGHEST_DESCRIPTOR = 65536

_log = logging.getLogger("b2b.local.emulator")

Written = TypeVar("Written")


class States(Protocol):
    """What there is to save."""

    def texts(self) -> Iterable[tuple[str, str]]:
        """Names of files and their contents."""
        ...

    def at_rest(self) -> AbstractContextManager[None]:
        """Within, nothing is half changed."""
        ...


@dataclass(frozen=True, slots=True)
class Saved:
    """Beside the state: the moment that it is of, None before the first save; and whether nothing was changed since.

    ``at`` is ISO 8601.
    """

    at: str | None
    is_all: bool

    @classmethod
    def read(cls, folder: Path) -> "Saved | None":
        """None where no run has saved or changed anything, or nobody can read what it left."""
        try:
            return cls(**json.loads(_note(folder).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        write_durably(_note(folder), json.dumps(asdict(self)))


def _note(folder: Path) -> Path:
    return folder / "saved.json"


def write_durably(path: Path, text: str) -> None:
    """The file is the old one or the new one, whatever ends the process or the machine."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


class Saver:
    """Writes ``states`` to ``folder``. ``keep`` are descriptors that must stay open for as long as it writes."""

    def __init__(self, folder: Path, states: States, reporter: Reporter, *, keep: Iterable[int] = ()) -> None:
        self._folder = folder
        self._states = states
        self._reporter = reporter
        self._keep = frozenset(keep)
        self._saved = Saved.read(folder) or Saved(None, is_all=True)
        self._is_changed = False

    def note_change(self) -> None:
        """After every change. The first one of a run leaves word that the state on the disk is not all any more."""
        self._is_changed = True
        if self._saved.is_all:
            self._saved = Saved(self._saved.at, is_all=False)
            self._trying(self._saved.write, self._folder)

    async def keep_saving(self) -> None:
        """Until cancelled."""
        pause = _LEAST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            if self._is_changed:
                started = time.monotonic()
                await self._save_beside()
                pause = max(_LEAST_PAUSE_SECONDS, _PAUSE_PER_SAVE * (time.monotonic() - started))

    def save_last(self) -> bool:
        """When nothing changes any more. False where it did not work, which is reported."""
        if not self._is_changed and self._saved.is_all:
            return True
        at = _now()
        is_saved = self._trying(self._save, Saved(at, is_all=True))
        if is_saved:
            self._reporter.report(Report(saved_at=at))
        return is_saved

    async def _save_beside(self) -> None:
        """In a copy of this process, which the system makes in milliseconds; this one goes on answering."""
        self._is_changed, at = False, _now()
        error = _UNKNOWN_ERROR
        try:
            with self._states.at_rest():
                pid = os.fork()
            if pid == 0:
                self._save_and_exit(Saved(at, is_all=False))
            _, status = await asyncio.to_thread(os.waitpid, pid, 0)
            error = os.waitstatus_to_exitcode(status)
        except OSError as failure:  # no memory for another process
            error = failure.errno or _UNKNOWN_ERROR
        finally:
            self._is_changed = self._is_changed or error != 0
        if error == 0:
            self._saved = Saved(at, is_all=False)
        self._reporter.report(Report(problem=_described(error)) if error else Report(saved_at=at))

    def _save_and_exit(self, saved: Saved) -> NoReturn:
        """The copy's whole life. Its exit code is the error's number."""
        error = _UNKNOWN_ERROR
        try:
            self._part_from_original()
            self._save(saved)
            error = 0
        except OSError as failure:
            error = failure.errno or _UNKNOWN_ERROR
        except Exception:
            _log.exception("the state could not be saved")
        finally:
            os._exit(error)

    def _part_from_original(self) -> None:
        """What the two would otherwise share: the pipe that tells of signals, and connections to clients."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for descriptor in _open_descriptors() - self._keep:
            with suppress(OSError):
                os.close(descriptor)
        os.nice(10)

    def _save(self, saved: Saved) -> None:
        for name, text in self._states.texts():
            write_durably(self._folder / name, text)
        saved.write(self._folder)
        _sync_folder(self._folder)

    def _trying(self, write: Callable[[Written], None], what: Written) -> bool:
        try:
            write(what)
        except OSError as error:
            self._reporter.report(Report(problem=_described(error.errno or _UNKNOWN_ERROR)))
            return False
        return True


def _described(error: int) -> str:
    return os.strerror(error) if 0 < error < _UNKNOWN_ERROR else "see emulator.log"


def _open_descriptors() -> set[int]:
    """Above the three standard ones."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return {int(name) for name in os.listdir(folder)} - {0, 1, 2}  # noqa: PTH208 - names, not paths
    return set(range(3, _HIGHEST_DESCRIPTOR))


def _sync_folder(folder: Path) -> None:
    """So that the new names survive a power cut as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
