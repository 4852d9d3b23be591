"""What Lambda would run: the built tree and its Python; and the same packages as they come, boto3 with all services."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import NotMeasured
from tests.e2e.project import ROOT, load_script
from tests.e2e.runtime import ARCHITECTURE

_STOCK = ROOT / "layers/dependencies/requirements.txt"
_PEERS = ("tests/bench/peers", "tests/bench/warming.py", "tests/bench/sampling.py", "events")

# What a zip of SAM's says of every file: 1 January 1980.
_ZIP_EPOCH = 315532800

# What a function finds in its environment. Nothing is sent anywhere while it starts.
_FUNCTION_ENVIRONMENT = {
    "TABLE_NAME": "b2b",
    "SYNC_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/sync",
    "SYNC_BULK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/sync-bulk",
    "OPERATIONS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/operations",
    "THINKIFIC_SUBDOMAIN": "school",
    "THINKIFIC_API_KEY_SECRET_ID": "arn:aws:secretsmanager:us-east-1:123456789012:secret:key",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Artifact:
    """``tree``: what `make build` made; ``stock``: packages as they come; ``peers``: this folder's programs beside it.

    ``note``: what the reader has to know of the interpreter.
    """

    python: str
    tree: Path
    stock: Path
    peers: Path
    note: str

    def command(self, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """Python without the packages of its own, of the user and of the working directory."""
        return [self.python, "-P", "-s", "-S", "-W", "ignore", *options, *arguments]

    def environment(self, tree: Path | None = None, *, stock: bool = False) -> Mapping[str, str]:
        """All that the process gets; with ``stock`` packages as they come. As on Lambda no byte code is written."""
        where = tree or self.tree
        folders = ("functions", "layers/dependencies/python", "layers/core/python")
        path = [*([self.stock] if stock else []), *(where / folder for folder in folders), self.peers]
        return {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            **_FUNCTION_ENVIRONMENT,
        }


def built_artifact(folder: Path) -> Artifact:
    """Built below ``folder``, for this machine's processor, with Lambda's Python if there is one here."""
    if sys.platform != "linux":
        raise NotMeasured("What is built for Lambda runs on Linux on x86-64 or ARM only.")
    lambdas = load_script("check").lambda_python()
    python = lambdas or sys.executable
    version = _version(python)
    tree = folder / "tree"
    _build(tree, version)
    peers = _copy_peers(python, folder / "peers")
    note = f"Python {version}, {ARCHITECTURE}, the tree of `make build`"
    if lambdas is None:
        note += "; there is no Python of Lambda's version here, so the tree was built for the Python at hand"
    return Artifact(python, tree, _stock(python, version), peers, note)


def freshly_compiled(artifact: Artifact, folder: Path) -> Path:
    """The same tree, compiled as pip or an import does it: with time stamps, and these are right."""
    tree = _bare_copy(artifact.tree, folder)
    _compile(artifact.python, tree, "timestamp")
    return tree


def naively_zipped(artifact: Artifact, folder: Path) -> Path:
    """The same tree after the way through a zip: byte code with the times that the sources had before."""
    tree = _bare_copy(artifact.tree, folder)
    sources = list(tree.rglob("*.py"))
    for source in sources:
        source.touch()
    _compile(artifact.python, tree, "timestamp")
    for source in sources:
        os.utime(source, (_ZIP_EPOCH, _ZIP_EPOCH))
    return tree


def _build(tree: Path, version: str) -> None:
    _run([sys.executable, str(ROOT / ".make/build.py"), ARCHITECTURE, "--python", version, "--out", str(tree)])


def _stock(python: str, version: str) -> Path:
    """The layer's packages before `make build` drops anything, compiled like the tree; once for each set of pins."""
    mark = hashlib.sha256(f"{python}\n".encode() + _STOCK.read_bytes()).hexdigest()[:16]
    target = ROOT / "build/bench" / f"stock-{mark}"
    if target.exists():
        return target
    unfinished = target.with_suffix(f".{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    _run(
        [
            *(str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--target", str(unfinished)),
            *("--python-version", version, "--only-binary", ":all:", "--require-hashes", "--no-deps"),
            *("--no-compile-bytecode", "--link-mode", "copy", "--requirements", str(_STOCK)),
        ]
    )
    _compile(python, unfinished, "unchecked-hash")
    unfinished.rename(target)
    return target


def _copy_peers(python: str, target: Path) -> Path:
    for name in _PEERS:
        source, copy = ROOT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    _compile(python, target, "unchecked-hash")
    return target


def _bare_copy(tree: Path, target: Path) -> Path:
    return Path(shutil.copytree(tree, target, ignore=shutil.ignore_patterns("__pycache__")))


def _compile(python: str, folder: Path, mode: str) -> None:
    _run([python, "-m", "compileall", "-q", "-f", "-j", "0", "--invalidation-mode", mode, str(folder)])


def _version(python: str) -> str:
    return _run([python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]).strip()


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout
