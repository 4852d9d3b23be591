"""The simulator as a process of its own, as a person starts it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-m", "b2b_cli.simulator")
API_KEY = "k" * 32
SUBDOMAIN = "acme"

_END_SECONDS = 20


class Server:
    """A running simulator: where it listens, and its process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = self._announced()

    def end(self) -> int:
        """Ends it kindly and answers its exit status."""
        self.process.terminate()
        return self.process.wait(_END_SECONDS)

    def _announced(self) -> str:
        output, errors = self.process.stdout, self.process.stderr
        assert output is not None
        assert errors is not None
        line = output.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line + errors.read()
        return line.removeprefix("listening on ").strip()


@contextmanager
def running(database: Path, *options: str) -> Iterator[Server]:
    """Starts a simulator on a free port, and makes sure that it is gone afterwards."""
    arguments = [*COMMAND, "--port", "0", "--database", str(database), "--api-key", API_KEY, "--subdomain", SUBDOMAIN]
    with subprocess.Popen([*arguments, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            if process.poll() is None:
                process.kill()
