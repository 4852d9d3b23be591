"""One run of the function that sweeps, in a process of its own that may be killed:
``python -m tests.faults.sweeping SECONDS`` with the function's environment.
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.emulated import Emulated

from b2b_cli.local.worker import Context, load_handler

HANDLER = "schedules.sweep.handler.handler"


@dataclass(frozen=True, slots=True)
class SweepRun:
    """``calls``: to DynamoDB, by name. ``seconds``: of the handler alone."""

    swept: int
    failed: int
    seconds: float
    calls: dict[str, int]

    @property
    def calls_a_row(self) -> float:
        return sum(self.calls.values()) / self.swept


class Sweeper:
    """A process that sweeps until nothing is due, or ``seconds`` have passed."""

    def __init__(self, school: Emulated, *, seconds: float) -> None:
        endpoint = school.dynamodb.meta.endpoint_url
        names = {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}
        secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sweeping", str(seconds)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **names, **secrets, **school.resources.environment()},
        )

    def kill(self) -> None:
        """In the middle of its work."""
        assert self._process.poll() is None, "the sweep came to its end before it was killed"
        self._process.kill()
        self._process.communicate()

    def finish(self, *, seconds: float) -> SweepRun:
        try:
            said, _ = self._process.communicate(timeout=seconds)
        finally:
            self._process.kill()
        assert self._process.returncode == 0
        return SweepRun(**json.loads(said.splitlines()[-1]))


def main(seconds: float) -> None:
    from b2b.wiring.schedules import schedule_services  # noqa: PLC0415 - in the process that has the environment

    calls: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        calls[event_name.rpartition(".")[2]] += 1

    client: Any = schedule_services().records.table._client
    client.meta.events.register("before-send.dynamodb", count)
    handler = load_handler(HANDLER)
    began = time.monotonic()
    context = Context(HANDLER, seconds, began, threading.Event(), str(uuid.uuid4()))
    report = handler({}, context)
    run = {"swept": report["swept"], "failed": report["failed"], "seconds": time.monotonic() - began, "calls": calls}
    sys.stdout.write(json.dumps(run) + "\n")


if __name__ == "__main__":
    main(float(sys.argv[1]))
