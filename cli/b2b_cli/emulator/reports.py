"""What the emulator tells the stack, one JSON object a line through a pipe, which a full disk does not stop."""

import json
import os
from dataclasses import asdict, dataclass

_RECEIVED_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Report:
    """``saved_at``: a moment in ISO 8601; all that was answered until then is on the disk.

    ``problem``: why it cannot save, in a few words. ``refusal``: why it does not start, as a sentence.
    """

    saved_at: str | None = None
    problem: str | None = None
    refusal: str | None = None


class Reporter:
    """Writes to a file descriptor that was inherited; None tells nobody."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def report(self, report: Report) -> None:
        if self._descriptor is not None:
            try:
                os.write(self._descriptor, json.dumps(asdict(report)).encode() + b"\n")
            except BrokenPipeError:
                self._descriptor = None  # the stack is gone


class Reports:
    """The reading end. ``writer`` is what the emulator inherits."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._partial = b""
        self._is_open = True

    def close_writer(self) -> None:
        """When the emulator has its own."""
        os.close(self.writer)

    def close(self) -> None:
        """Nothing more is to come."""
        if self._is_open:
            os.close(self._reader)
        self._is_open = False

    def read(self) -> list[Report]:
        """All that came since the last call."""
        while self._is_open:
            try:
                received = os.read(self._reader, _RECEIVED_BYTES)
            except BlockingIOError:
                break
            if not received:
                break
            self._partial += received
        *lines, self._partial = self._partial.split(b"\n")
        return [Report(**json.loads(line)) for line in lines]
