"""No process of the local stack outlives the one that started it, even where that was killed without a word."""

import os
import signal
import threading
import time

# In the environment of every process that the stack starts: who started it.
PARENT_PID = "B2B_PARENT_PID"

_LOOK_EVERY_SECONDS = 0.25
# As long as the slowest of them may take to end in good order: the emulator, which saves the table.
_GRACE_SECONDS = 60.0


def end_with_parent(*, after_seconds: float = 0.0) -> None:
    """From now on this process gets SIGTERM so long after the parent that ``PARENT_PID`` names is gone.

    Without that variable: nothing.
    """
    if pid := os.environ.get(PARENT_PID):
        _follow(int(pid), after_seconds)


def is_orphaned() -> bool:
    """Whether the parent that ``PARENT_PID`` names is gone."""
    pid = os.environ.get(PARENT_PID)
    return bool(pid) and os.getppid() != int(pid or 0)


def end_with_caller() -> None:
    """The same for the child of such a process, whose environment names its grandparent."""
    _follow(os.getppid(), 0.0)


def _follow(parent: int, after_seconds: float) -> None:
    threading.Thread(target=_end_without, args=(parent, after_seconds), name="parent-watch", daemon=True).start()


def _end_without(parent: int, after_seconds: float) -> None:
    """Asking is all that every Unix can do; Linux alone would also tell."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_SECONDS)
    time.sleep(after_seconds)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os._exit(1)
