"""Child processes of the local stack: started, watched, started again, ended by their id."""

import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from b2b_cli.errors import CommandError
from b2b_cli.parenthood import PARENT_PID

LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.05

# Before the first, second ... start of a child that ends each time; what has lived longer starts afresh. None is so
# long that a worker that is killed is missing for 5 s.
_PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
_STEADY_SECONDS = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_trouble(port: int) -> int | None:
    """The error number of listening on it, None where that works."""
    with socket.socket() as probe:
        # As servers do: a port left by a server that has just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
        return None


def is_alive(pid: int) -> bool:
    """Whether there is a process of that id, whoever's."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


class Child:
    """A process that writes to a log file, and does not outlive this one if it heeds ``PARENT_PID``.

    ``inherits``: descriptors that it gets as they are.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        inherits: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self.started = time.monotonic()
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {}), PARENT_PID: str(os.getpid())},
                # A Ctrl-C in the terminal is for the parent, which ends its children in the right order.
                start_new_session=True,
                pass_fds=inherits,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; below 0 it is the number of the signal that ended it."""
        return self._process.poll()

    @property
    def how_it_ended(self) -> str:
        """As the rest of a sentence that begins with its name."""
        code = self.exit_code or 0
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended by itself (exit code {code})"

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Raises CommandError with the end of the log when the process ends or does not get ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running:
                raise CommandError(f"The {self.name} stopped at once. {self._last_words()}")
            if time.monotonic() > deadline:
                raise CommandError(f"The {self.name} was not ready after {seconds:.0f} s. {self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def stop(self, *, seconds: float, in_a_hurry: Callable[[], bool] = lambda: False) -> None:
        """SIGTERM, and SIGKILL after ``seconds`` or in a hurry; children of its own do not outlive it."""
        self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.is_running and time.monotonic() < deadline and not in_a_hurry():
            time.sleep(_POLL_SECONDS)
        self.kill()

    def kill(self) -> None:
        """At once, without a last word, and all that it has started."""
        # It leads a session, so that its group is what it started, and nothing else.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = f"Its last line: {lines[-1][:300]}" if lines else "It wrote nothing."
        return f"{last} (all of it: {self.log})"


class Supervised:
    """A child that is started again when it ends: at once, and after growing pauses while it ends each time.

    ``loses`` is a sentence about what ends with it. ``say`` prints a line.
    """

    def __init__(self, start: Callable[[], Child], say: Callable[[str], None], *, loses: str = "") -> None:
        self._start = start
        self._say = say
        self._loses = f" {loses}" if loses else ""
        self._failures = 0
        self._due: float | None = None
        self.current = start()

    def look_after(self) -> bool:
        """To be called all the time. True when there is another process now."""
        if self.current.is_running:
            return False
        now = time.monotonic()
        if self._due is None:
            self._due = now + self._pause(now)
        if now < self._due:
            return False
        self._due = None
        self.current.kill()  # what it started may hold its port
        self.current = self._start()
        return True

    def _pause(self, now: float) -> float:
        """After an end, which is told; of a child that ends for ever only the beginning of that."""
        child = self.current
        if now - child.started > _STEADY_SECONDS:
            self._failures = 0
        pause = _PAUSES_SECONDS[min(self._failures, len(_PAUSES_SECONDS) - 1)]
        self._failures += 1
        if self._failures < len(_PAUSES_SECONDS):
            self._say(f"The {child.name} {child.how_it_ended}; starting another.{self._loses}")
        elif self._failures == len(_PAUSES_SECONDS):
            self._say(
                f"The {child.name} ends each time it is started; trying again every {pause:.0f} s. See {child.log}."
            )
        return pause
