"""Lambda's runtime on this machine: a clean Python with AWS's own runtime client, boto3, and nothing else.

What is not in the built layers is missing here as it would be in Lambda.
"""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.project import ROOT, load_script

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
RECORDER = Path(__file__).with_name("recorder")
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
LAYERS = ("layers/dependencies/python", "layers/core/python")


@dataclass(frozen=True)
class Runtime:
    """``python``: the interpreter of the clean environment. ``built``: the tree that is deployed."""

    python: Path
    built: Path

    def write_bootstrap(self) -> Path:
        """What a custom runtime starts, put beside the functions. Layers are not mounted for one, so it names them."""
        path = self.built / "functions/bootstrap"
        folders = [RECORDER, *(self.built / layer for layer in LAYERS)]
        lines = [
            "#!/bin/sh",
            "unset PYTHONHOME VIRTUAL_ENV",
            'cd "$(dirname "$0")"',
            f"export PYTHONPATH='{os.pathsep.join(map(str, folders))}'",
            f"exec '{self.python}' -m awslambdaric \"$_HANDLER\"",
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        path.chmod(0o755)
        return path


def make_runtime(directory: Path) -> Runtime:
    """Builds the product for this machine, by Lambda's Python where there is one, else by the one that runs this."""
    python = load_script("check").lambda_python() or sys.executable
    version = _said([python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"])
    built, environment = directory / "built", directory / "runtime"
    uv = str(Path(sys.executable).with_name("uv"))
    _said([sys.executable, ".make/build.py", ARCHITECTURE, "--python", version, "--out", str(built)])
    _said([uv, "venv", "--quiet", "--python", python, str(environment)])
    pinned = ("--require-hashes", "--requirements", str(REQUIREMENTS))
    _said([uv, "pip", "install", "--quiet", "--python", str(environment / "bin/python"), *pinned])
    return Runtime(environment / "bin/python", built)


def _said(command: list[str]) -> str:
    """Of a command that has to succeed."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()
