"""Make the virtual environments that the targets of the Makefile work in, once.

    python3 .make/environments.py NAME...   NAME is one of run, test, emulator, sam, audit, clients, go-clients

`run` and `test` share `.venv`: `test` is `run` with the tools for tests and checks added. The emulator has
`.ministack` to itself, because it pins botocore, as have the SAM CLI (`.sam`) and the auditors (`.audit`), because
they pin half of what the project uses. Whoever uses the API has nothing of ours, so the generators of clients have
`.clients` and `.go-clients`. What was installed is noted in a stamp inside the
environment, so that a later call finds nothing to do, or only what changed. This file needs the standard
library only.
"""
# ruff: noqa: UP036 -- the first statement speaks to a Python that is too old for the rest of the file, which for
# the same reason keeps to the syntax of Python 3.6.

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "This project needs Python 3.11 or newer, and {} is {}.{}. "
        "Name another one like this: make PYTHON=/path/to/python3.13 ...".format(sys.executable, *sys.version_info[:2])
    )

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Need:
    directory: str
    requirements: str
    covers: tuple[str, ...]  # the requirement files whose pins are then all installed
    project: bool  # whether the project itself goes in too
    compiled: bool = False  # whether hundreds of processes start from it


CLI = "cli/requirements.txt"
TESTS = "tests/requirements.txt"
EMULATOR = "cli/emulator-requirements.txt"
SAM = "cli/sam-requirements.txt"
AUDIT = "tests/audit-requirements.txt"
CLIENTS = "tests/clients/requirements.txt"
GO_CLIENTS = "tests/clients/go-requirements.txt"
NEEDS = {
    "run": Need(".venv", CLI, covers=(CLI,), project=True, compiled=True),
    "test": Need(".venv", TESTS, covers=(TESTS, CLI), project=True, compiled=True),
    "emulator": Need(".ministack", EMULATOR, covers=(EMULATOR,), project=False, compiled=True),
    "sam": Need(".sam", SAM, covers=(SAM,), project=False),
    "audit": Need(".audit", AUDIT, covers=(AUDIT,), project=False),
    "clients": Need(".clients", CLIENTS, covers=(CLIENTS,), project=False),
    "go-clients": Need(".go-clients", GO_CLIENTS, covers=(GO_CLIENTS,), project=False),
}


class SetUpError(Exception):
    """What went wrong, in one line for the person at the terminal."""


def main(names: list[str]) -> None:
    started = time.monotonic()
    try:
        with one_at_a_time():
            worked = [provide(NEEDS[name]) for name in names]
    except SetUpError as error:
        sys.exit(f"Set-up failed: {error}")
    except KeyboardInterrupt:
        sys.exit("\nSet-up interrupted. The next call begins it anew.")
    if any(worked):
        say(f"Set-up done in {time.monotonic() - started:.0f} s.")
    else:
        say("Set-up: nothing to do.")


def provide(need: Need) -> bool:
    """Bring one environment to what is needed; False if it was there already."""
    environment = ROOT / need.directory
    wanted = {file: digest((ROOT / file).read_bytes()) for file in need.covers}
    project = project_digest() if need.project else None
    stamp = read_stamp(environment)

    usable = stamp is not None and stamp["identity"] == identity() and runs(environment)
    installed = stamp["installed"] if stamp is not None and usable else {}
    pins_current = installed.get(need.requirements) == wanted[need.requirements]
    project_current = stamp is not None and usable and stamp["project"] == project
    if pins_current and project_current:
        return False

    say(f"Setting up {need.directory} with Python {platform.python_version()}:")
    if usable:
        (environment / STAMP).unlink()
    else:
        create(environment)
    if not pins_current:
        install_pins(environment, ROOT / need.requirements, compiled=need.compiled)
        installed = wanted
    if need.project:
        install_project(environment)
    write_stamp(environment, {"identity": identity(), "installed": installed, "project": project})
    return True


# The stamp. It is written last, so an environment without one was interrupted half-way.

STAMP = "b2b-set-up.json"


def read_stamp(environment: Path) -> dict[str, Any] | None:
    try:
        stamp = json.loads((environment / STAMP).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    whole = isinstance(stamp, dict) and stamp.keys() == {"identity", "installed", "project"}
    return stamp if whole else None


def write_stamp(environment: Path, stamp: dict[str, Any]) -> None:
    unfinished = environment / (STAMP + ".new")
    unfinished.write_text(json.dumps(stamp, indent=2))
    unfinished.replace(environment / STAMP)


def identity() -> list[str]:
    """What an environment cannot outlive: its scripts name the directory, its wheels fit one Python."""
    return [str(ROOT), platform.python_implementation(), platform.python_version(), platform.machine()]


def runs(environment: Path) -> bool:
    return (environment / "bin" / "python").exists()  # False also for a link to a Python that was removed


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def project_digest() -> str:
    """The parts of pyproject.toml that the editable install is made from."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [pyproject["build-system"], pyproject["project"], pyproject["tool"]["hatch"]]
    return digest(json.dumps(parts, sort_keys=True).encode())


# The steps, each with its line on the terminal.


def create(environment: Path) -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415 -- only whether it is there; Debian packs it apart from Python
        import venv  # noqa: PLC0415 -- as above
    except ImportError:
        raise SetUpError(
            f"{sys.executable} cannot make virtual environments: its venv module is not installed. "
            "On Debian and Ubuntu: apt install python3-venv"
        ) from None
    with step("making the environment"):
        if environment.is_symlink() or environment.is_file():
            environment.unlink()
        shutil.rmtree(environment, ignore_errors=True)
        try:
            venv.EnvBuilder(with_pip=True, symlinks=True).create(environment)
        except (subprocess.CalledProcessError, OSError) as error:
            raise SetUpError(f"python3 -m venv {environment.name} does not work: {error}") from error


def install_pins(environment: Path, requirements: Path, *, compiled: bool) -> None:
    with step(f"installing the packages pinned in {requirements.relative_to(ROOT)}") as progress:
        # The pins are complete, so pip need not resolve. Compiling takes a third of the time, mostly for modules
        # that nobody imports. Left to the first import it is never done where PYTHONDONTWRITEBYTECODE is set, and
        # each process compiles anew.
        options = ("--no-deps", "--compile" if compiled else "--no-compile", "--require-hashes")
        pip(environment, progress, *options, "-r", str(requirements))


def install_project(environment: Path) -> None:
    with step("installing the project itself, editable") as progress:
        pip(environment, progress, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


class Progress:
    """One line: what is being done, on a terminal how far it is, at the end how long it took."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.started = time.monotonic()
        self.live = sys.stdout.isatty()
        self.found = 0
        self.stage = "fetching"

    def begin(self) -> None:
        sys.stdout.write(f"  {self.doing} ...")
        sys.stdout.flush()

    def follow(self, line: str) -> None:
        """Take a line of pip's output."""
        self.found += line.startswith(("Collecting ", "Processing "))
        if line.startswith("Installing collected packages"):
            self.stage = "unpacking"
        if self.live and self.found:
            sys.stdout.write(f"\r  {self.doing} ... {self.stage} {self.found}\033[K")
            sys.stdout.flush()

    def end(self, how: str) -> None:
        took = f" {how} {time.monotonic() - self.started:.1f} s"
        say(f"\r  {self.doing} ...{took}\033[K" if self.live else took)


@contextlib.contextmanager
def step(doing: str) -> Iterator[Progress]:
    progress = Progress(doing)
    progress.begin()
    try:
        yield progress
    except BaseException:
        progress.end("failed after")
        raise
    progress.end("took")


def pip(environment: Path, progress: Progress, *arguments: str) -> None:
    python = str(environment / "bin" / "python")
    options = ["--no-input", "--disable-pip-version-check", "--retries=2", "--progress-bar=off"]
    output: list[str] = []
    with subprocess.Popen(
        [python, "-m", "pip", "install", *options, *arguments],
        cwd=ROOT,
        env=environment_of_pip(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            output.append(line.rstrip())
            progress.follow(line)
    log = environment / "pip.log"
    log.write_text("\n".join(output) + "\n")
    if process.returncode != 0:
        raise SetUpError(f"{explain(output)} (All that pip said: {log.relative_to(ROOT)})")


def environment_of_pip() -> dict[str, str]:
    """The caller's environment, with its index and proxy, without what leads pip out of the virtual one."""
    astray = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"}
    return {name: value for name, value in os.environ.items() if name not in astray} | {"PIP_USER": "0"}


NO_CONNECTION = (
    "connection broken by",
    "ConnectionError",
    "Could not fetch URL",
    "Failed to establish a new connection",
    "Max retries exceeded",
    "Read timed out",
)


def explain(output: list[str]) -> str:
    text = "\n".join(output)
    if any(sign in text for sign in NO_CONNECTION):
        return (
            "the package index cannot be reached. Check the network and the proxy, "
            "or name a mirror with PIP_INDEX_URL, then run make again."
        )
    if "DO NOT MATCH THE HASHES" in text:
        return "the package index served a file whose hash is not the pinned one; nothing of it was installed."
    errors = [line for line in output if line.startswith("ERROR:")] or output[-1:] or ["pip said nothing."]
    return errors[-1].removeprefix("ERROR: ").rstrip(".") + "."


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two calls of make in one checkout take turns, and the second finds the work done."""
    directory = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is at work in this directory; waiting for it.")
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in NEEDS]
    if unknown or not sys.argv[1:]:
        sys.exit(f"Usage: python3 .make/environments.py NAME..., where NAME is one of {', '.join(NEEDS)}")
    main(sys.argv[1:])
