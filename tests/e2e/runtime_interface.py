"""AWS's Runtime Interface Emulator: one function at a time under the real runtime client, as Lambda runs it.

The program is part of the SAM CLI. Two calls at once end it, and it listens everywhere unless it is told where.
"""

import platform
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from tests.e2e.project import ROOT
from tests.e2e.runtime import ARCHITECTURE
from tests.local_stack import await_that

from b2b_cli.local.processes import LOOPBACK, Child, free_port

_READY_SECONDS = 20.0
_CHUNK = 65536


class RuntimeInterface:
    """A function with ``handler`` and its time-out in seconds; runs until ``stop``."""

    def __init__(
        self, bootstrap: Path, handler: str, *, timeout: int, log: Path, environment: Mapping[str, str]
    ) -> None:
        program = next(ROOT.glob(f".sam/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCHITECTURE}"))
        address = f"{LOOPBACK}:{free_port()}"
        self._url = f"http://{address}/2015-03-31/functions/function/invocations"
        self.log = log
        self.timeout = timeout
        self._child = Child(
            "runtime interface emulator",
            [
                *(str(program), "--runtime-interface-emulator-address", address),
                *("--runtime-api-address", f"{LOOPBACK}:{free_port()}", str(bootstrap), handler),
            ],
            log=log,
            environment={**environment, "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout)},
        )
        try:
            self._child.wait_until(lambda: _listens(address), seconds=_READY_SECONDS)
        except BaseException:
            self.stop()
            raise

    def invoke(self, event: Any) -> Any:
        """The function's answer, or the emulator's words about what became of it."""
        return await_that(lambda: self._answer(event), what="The readiness of the runtime interface emulator")

    def _answer(self, event: Any) -> Any:
        """None while the emulator is not done with the end of the function's last process, and takes no call."""
        response = httpx.post(self._url, json=event, timeout=60, trust_env=False)
        try:
            answer = response.json()
        except ValueError:
            return response.text
        is_busy = isinstance(answer, dict) and answer.get("errorType") == "Sandbox.Failure"
        return None if is_busy else answer

    def runtime_processes(self) -> list[int]:
        """The ids of the processes that run the function."""
        return _children(self._child.pid)

    def stop(self) -> None:
        self._child.stop(seconds=5)


class Valve:
    """An endpoint in front of another: open it passes all on, closed it takes calls and never answers."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or LOOPBACK, parts.port or 80)
        self._listener = socket.create_server((LOOPBACK, 0))
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        self.is_open = True
        self.held = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """``held`` is set as soon as a call is held."""
        self.held.clear()
        self.is_open = False
        try:
            yield
        finally:
            self.is_open = True

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with closing(caller), closing(socket.create_connection(self._target)) as target:
            back = threading.Thread(target=_pump, args=(target, caller), daemon=True)
            back.start()
            while chunk := _received(caller):
                if not self.is_open:
                    self.held.set()
                    continue
                target.sendall(chunk)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def _received(connection: socket.socket) -> bytes:
    with suppress(OSError):
        return connection.recv(_CHUNK)
    return b""


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with suppress(OSError), closing(socket.create_connection((host, int(port)), timeout=1)):
        return True
    return False


def _children(pid: int) -> list[int]:
    """Linux's own list of a process's children."""
    if platform.system() != "Linux":
        raise AssertionError("The runtime interface emulator is watched through /proc, which is Linux's.")
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]
