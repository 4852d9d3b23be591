"""What a process costs from its start to its end."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.report import NotMeasured

_COLLECTED = re.compile(r"Collected : (\d+)")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of user and system together. ``ready``: when the statements were done; ``whole``: with its end."""

    ready: float
    whole: float


# Behind the statements that are measured.
TELL_READY = "import os, time; os.write(1, str(time.process_time()).encode())"


def cpu_time(command: Sequence[str], environment: Mapping[str, str]) -> CpuTime:
    """By the kernel's account of this one child, which has to end with TELL_READY."""
    reading, writing = os.pipe()
    silence = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 2)]
    actions: list[Any] = [*silence, (os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)]
    try:
        child = os.posix_spawn(command[0], list(command), environment, file_actions=actions)
        _, status, used = os.wait4(child, 0)
        if status:
            output(command, environment)  # the same once more, to hear what it says
            raise NotMeasured(f"A process that was to be measured ended with {os.waitstatus_to_exitcode(status)}.")
        return CpuTime(float(os.read(reading, 100)), used.ru_utime + used.ru_stime)
    finally:
        os.close(reading)
        os.close(writing)


def has_valgrind() -> bool:
    return shutil.which("valgrind") is not None


def instructions(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Executed in user space, counted by valgrind: some fifty times as slow, and the same in every run."""
    valgrind = [shutil.which("valgrind") or "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(
        [*valgrind, *command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found = _COLLECTED.search(done.stderr)
    if done.returncode or found is None:
        raise NotMeasured(f"valgrind failed:\n{done.stderr[-2000:]}")
    return int(found[1])


def output(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What it says on standard output. Raises NotMeasured with what it says otherwise."""
    done = subprocess.run(
        command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotMeasured(f"A process that was to be measured failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
