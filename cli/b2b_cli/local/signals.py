"""How a person ends the local stack: Ctrl-C, SIGTERM, or the terminal's window closed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop(Exception):
    """The stack is to end. Raised in the main thread."""


class Stopping:
    """Whether somebody asked again, and does not want to wait."""

    def __init__(self) -> None:
        self.is_hurried = False


@contextmanager
def stop_on_signals() -> Iterator[Stopping]:
    """Within, the first SIGINT, SIGTERM or SIGHUP raises Stop, and a further one tells what it yields."""
    stopping = Stopping()

    def hurry(_number: int, _frame: FrameType | None) -> None:
        stopping.is_hurried = True

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, hurry)
        raise Stop

    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
