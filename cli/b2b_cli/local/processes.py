"""Child processes of the local stack: started, watched, ended by their id."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from b2b_cli.errors import CommandError

LOOPBACK = "127.0.0.1"
_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_port_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port left by a server that has just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


class Child:
    """A process that writes to a log file and does not outlive this one."""

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                # A Ctrl-C in the terminal is for the parent, which ends its children in the right order.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread only
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Raises CommandError with the end of the log when the process ends or does not get ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running:
                raise CommandError(f"The {self.name} stopped at once. {self._last_words()}")
            if time.monotonic() > deadline:
                raise CommandError(f"The {self.name} was not ready after {seconds:.0f} s. {self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """At once, without a last word."""
        self._process.kill()
        self._process.wait()

    def stop(self, *, seconds: float) -> None:
        """SIGTERM, and SIGKILL after ``seconds``; children of its own do not outlive it."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        # It leads a session, so that its group is what it started, and nothing else.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = f"Its last line: {lines[-1][:300]}" if lines else "It wrote nothing."
        return f"{last} (all of it: {self.log})"


def _die_with_parent() -> None:
    """Linux ends the child when the parent is gone, even if that was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
