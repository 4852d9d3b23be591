"""One line that says how far a long command is, on a terminal only."""

import sys
import time
from collections.abc import Callable

Progress = Callable[[str], None]

_SECONDS_BETWEEN = 0.1
_CLEAR = "\r\x1b[K"


def progress_line() -> Progress:
    """Shows the text given last, at most ten times a second; an empty text takes the line away.

    On standard error, so that what a command prints can be piped.
    """
    if not sys.stderr.isatty():
        return lambda _: None
    shown_at = 0.0

    def show(text: str) -> None:
        nonlocal shown_at
        now = time.monotonic()
        if text and now - shown_at < _SECONDS_BETWEEN:
            return
        shown_at = now
        sys.stderr.write(_CLEAR + text)
        sys.stderr.flush()

    return show
