"""``b2b local`` as its users start it: a process of its own, found through ``local.json``."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from b2b_cli.local.processes import is_alive

_READY_SECONDS = 60.0
_STOP_SECONDS = 60.0


class LocalStack:
    """Runs from construction until ``stop``; ``note`` is the content of ``local.json``."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        demo: bool = False,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """``command`` is another that starts one with ``data``, in place of ``b2b local`` with ``arguments``."""
        self.data = data
        self.output = data.with_suffix(".out")
        options = [*arguments, *([] if demo else ["--no-demo"])]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command or [sys.executable, "-m", "b2b_cli", "local", "--port", "0", "--data", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A budget that no test has to wait for, unless it asks for another.
                env={**os.environ, "THINKIFIC_RATE_PER_MINUTE": "6000", **(environment or {})},
            )
        try:
            self.note = self._wait_until_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def api(self, token: str | None = None) -> httpx.Client:
        """A client with the admin's or another token."""
        headers = {"Authorization": f"Bearer {token or self.note['admin_token']}"}
        return httpx.Client(base_url=self.note["base_url"], headers=headers, timeout=30, trust_env=False)

    def anonymous(self) -> httpx.Client:
        """A client without a token."""
        return httpx.Client(base_url=self.note["base_url"], timeout=30, trust_env=False)

    def simulator(self) -> httpx.Client:
        """The simulator's controls, ``/_simulator/...``, and its Admin API."""
        root = self.note["thinkific_url"].removesuffix("/api/public/v1")
        return httpx.Client(base_url=root, timeout=30, trust_env=False)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it as an operator would; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)

    def logged(self) -> str:
        """All that its processes have logged."""
        files = sorted(self.data.glob("*.log"))
        return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def _wait_until_ready(self) -> dict[str, Any]:
        path = self.data / "local.json"
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if path.exists():
                note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
                if is_alive(note["pid"]):  # else a stack that was killed has left it
                    return note
            time.sleep(0.05)
        raise AssertionError(f"The local stack did not get ready:\n{self.said()}")


def await_that(condition: Any, *, seconds: float = 30.0, what: str = "it") -> Any:
    """The first truthy value of ``condition()``; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")
