"""The programs that generate and run clients: their environments, and what to say where one is missing."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PYTHON_TOOLS = ROOT / ".clients/bin"
GO_TOOLS = ROOT / ".go-clients/bin"

_INSTALL = {
    "node": "Install Node.js 20 or newer, with npm.",
    "npm": "Install Node.js 20 or newer, with npm.",
    "java": "Install Java 11 or newer: openapi-generator is a jar.",
}
_SECONDS = 600


def run(*command: str | Path, folder: Path, environment: dict[str, str] | None = None) -> str:
    """What it said. Fails with all that it said where its exit code is not 0."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command[:3]))} ... failed:\n{done.stdout}"
    return done.stdout


def require(*programs: str) -> None:
    """Skips the test where a program is missing; in CI it fails."""
    for program in programs:
        if shutil.which(program) is None:
            missing = f"There is no {program} here. {_INSTALL[program]}"
            if os.environ.get("CI"):
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing)


def node_modules(folder: Path) -> Path:
    """The programs of the packages that the folder's lock file pins, installed where they are not yet."""
    require("node", "npm")
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules/b2b-set-up"
    if not stamp.exists() or stamp.read_text() != wanted:
        run("npm", "ci", folder=folder)
        stamp.write_text(wanted)
    return folder / "node_modules/.bin"
