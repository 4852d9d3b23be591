"""Write the hash-pinned requirement files from pyproject.toml, or check that they are current.

.venv/bin/python .make/lock.py [--upgrade]      needs a package index
.venv/bin/python .make/lock.py --check          needs nothing: it compares the digests in the files' headers

Writing keeps the pins there are wherever pyproject.toml still allows them, unless told to upgrade.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")

# Universal: one file for every platform and every Python from 3.11, Lambda's 3.13 included.
OPTIONS = ("--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--quiet")


@dataclass(frozen=True)
class Lock:
    path: str
    project: bool = True
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraint: str | None = None  # the lock whose versions this one shares


TESTS = Lock("tests/requirements.txt", extras=("cli",), groups=("dev",))
LOCKS = (  # in the order of writing: a constraint comes first
    TESTS,
    Lock("cli/requirements.txt", extras=("cli",), groups=("build",), constraint=TESTS.path),
    Lock("layers/dependencies/requirements.txt", constraint=TESTS.path),
    Lock("cli/emulator-requirements.txt", project=False, groups=("emulator",)),
    Lock("cli/sam-requirements.txt", project=False, groups=("sam",)),
    Lock("tests/audit-requirements.txt", project=False, groups=("audit",)),
    Lock("tests/e2e/requirements.txt", project=False, groups=("lambda",)),
    Lock("tests/clients/requirements.txt", project=False, groups=("clients",)),
    Lock("tests/clients/go-requirements.txt", project=False, groups=("go-clients",)),
)

HEADER = """\
# Written by `make lock` from pyproject.toml; not for editing.
# sources sha256:{sources}
# pins sha256:{pins}
"""
HEADER_PATTERN = re.compile(re.escape(HEADER).replace(r"\{sources\}", "(.*)").replace(r"\{pins\}", "(.*)"))
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)(?: ; (.*?))?(?: \\)?$", re.MULTILINE)


def write(*, upgrade: bool) -> None:
    for lock in LOCKS:
        say(f"Locking {lock.path}")
        compile_pins(lock, upgrade=upgrade)
        path = ROOT / lock.path
        pins = path.read_text()
        path.write_text(HEADER.format(sources=sources_digest(lock), pins=digest(pins)) + pins)
    say("The requirement files are current. The next `make run` or `make test` installs what changed.")


def compile_pins(lock: Lock, *, upgrade: bool) -> None:
    command = [str(UV), "pip", "compile", *OPTIONS, "--output-file", lock.path]
    command += ["pyproject.toml"] if lock.project else []
    command += [f"--extra={extra}" for extra in lock.extras]
    command += [f"--group={group}" for group in lock.groups]
    command += [f"--constraints={lock.constraint}"] if lock.constraint else []
    command += ["--upgrade"] if upgrade else []
    if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit(f"{lock.path} could not be resolved; uv's reason is above.")


def problems() -> list[str]:
    found = [problem for lock in LOCKS if (problem := problem_of(lock))]
    return found or disagreements()


def problem_of(lock: Lock) -> str | None:
    path = ROOT / lock.path
    if not path.exists():
        return f"{lock.path} is missing: run `make lock`."
    text = path.read_text()
    header = HEADER_PATTERN.match(text)
    if header is None:
        return f"{lock.path} was not written by `make lock`: run it."
    if header[1] != sources_digest(lock):
        return f"{lock.path} is older than the dependencies in pyproject.toml: run `make lock`."
    if header[2] != digest(text[header.end() :]):
        return f"{lock.path} was edited by hand: run `make lock`."
    return None


def disagreements() -> list[str]:
    shared = pins_of(TESTS)
    return [
        f"{name} {version} in {lock.path} is not what {TESTS.path} has: run `make lock`."
        for lock in LOCKS
        if lock.constraint == TESTS.path
        for name, version in sorted(pins_of(lock) - shared)
    ]


def pins_of(lock: Lock) -> set[tuple[str, str]]:
    return {(name, version) for name, version, _ in PIN.findall((ROOT / lock.path).read_text())}


def sources_digest(lock: Lock) -> str:
    """A digest of everything in pyproject.toml and in OPTIONS that decides what the file holds."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    requirements = list(project["dependencies"]) if lock.project else []
    requirements += [line for extra in lock.extras for line in project["optional-dependencies"][extra]]
    requirements += [line for group in lock.groups for line in members(pyproject["dependency-groups"], group)]
    return digest("\n".join([*OPTIONS, project["requires-python"], *sorted(requirements)]))


def members(groups: dict[str, list[Any]], group: str) -> list[str]:
    found: list[str] = []
    for entry in groups[group]:
        found += [entry] if isinstance(entry, str) else members(groups, entry["include-group"])
    return found


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--check"]:
            sys.exit("\n".join(problems()) or None)
        case [] | ["--upgrade"]:
            write(upgrade="--upgrade" in sys.argv)
        case _:
            sys.exit("Usage: .make/lock.py [--upgrade | --check]")
