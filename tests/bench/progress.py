"""How far a long run is, on standard error: one line that changes on a terminal, else a line now and then."""

import sys
import time

_SECONDS_BETWEEN_LINES = 15.0


class Progress:
    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()
        self._said_at = 0.0

    def begin(self, what: str) -> None:
        """Something new, which is always said."""
        self._write(what)

    def go_on(self, what: str) -> None:
        if self._on_terminal or time.monotonic() - self._said_at >= _SECONDS_BETWEEN_LINES:
            self._write(what)

    def end(self) -> None:
        if self._on_terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _write(self, what: str) -> None:
        sys.stderr.write(f"\r\x1b[K{what}" if self._on_terminal else f"{what}\n")
        sys.stderr.flush()
        self._said_at = time.monotonic()
