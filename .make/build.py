"""Build what is deployed: both layers and the functions, ready for `sam deploy`, under build/ARCHITECTURE.

    .venv/bin/python .make/build.py [arm64|x86_64] [--out DIR] [--python VERSION]

The tree has the layout of the repository, with a copy of template.yaml on top, so that every path in the template
holds. Two builds of the same commit have the same bytes, wherever and whenever they are made: packages are pinned
by hash, byte code is compiled for Lambda's paths and marked `unchecked-hash` (time-stamped byte code would be taken
for stale, since a zip knows no such times, and compiled anew at every start), and files have no times of their own.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from check import LAMBDA_PYTHON, find_python

ROOT = Path(__file__).resolve().parent.parent
# Wheels for glibc 2.28: Lambda's Python 3.13 runs on Amazon Linux 2023, which has 2.34.
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}

LAMBDA_VERSION = "{}.{}".format(*LAMBDA_PYTHON)

# Where Lambda puts what is built here.
DEPENDENCIES = Path("layers/dependencies/python")
CORE = Path("layers/core/python")
FUNCTIONS = Path("functions")
MOUNTED = {DEPENDENCIES: "/opt/python", CORE: "/opt/python", FUNCTIONS: "/var/task"}

# Not needed to run: scripts, and the locks and caches of the installer.
UNNEEDED = ("bin", ".lock", ".cache")
# Of the installer too; a RECORD has the hashes of scripts, and so of the place that they were made in.
UNNEEDED_METADATA = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")
# Of what botocore knows of AWS's 400 services (25 MB), what `b2b.wiring.aws` makes clients of.
AWS_SERVICES = ("dynamodb", "secretsmanager", "sqs")
# The oldest time that a zip can hold: 1 January 1980.
ZIP_EPOCH = 315532800
# What template.yaml has in place of a digest of what is deployed.
UNBUILT = '"unbuilt"'


class BuildError(Exception):
    """What is in the way, in one line."""


def build(architecture: str, version: str, out: Path) -> None:
    python = find_python(number_of(version))
    if python is None:
        raise BuildError(
            f"Python {version} is needed to compile for it, and there is none: install it, "
            f"for example with your system's packages or pyenv, so that `python{version}` runs."
        )
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    say(f"Building for {architecture} in {shown(out)}:")
    install_dependencies(architecture, version, out / DEPENDENCIES)
    copy_code(ROOT / "layers/core/b2b", out / CORE / "b2b")
    for package in sorted(path.parent for path in (ROOT / "functions").glob("*/__init__.py")):
        copy_code(package, out / FUNCTIONS / package.name)
    for part, mounted in MOUNTED.items():
        compile_code(python, out / part, mounted)
    write_template(architecture, digest(out), out / "template.yaml")
    forget_times(out)
    for part in MOUNTED:
        say(f"  {part!s:<28}{megabytes(out / part):6.1f} MB")
    say(f"  all of it, by its bytes: sha256 {digest(out)}")


def install_dependencies(architecture: str, version: str, target: Path) -> None:
    run(
        *(str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--target", str(target)),
        *("--python-platform", PLATFORMS[architecture], "--python-version", version),
        *("--only-binary", ":all:", "--require-hashes", "--no-deps", "--no-compile-bytecode", "--link-mode", "copy"),
        *("--requirements", str(ROOT / "layers/dependencies/requirements.txt")),
    )
    for name in UNNEEDED:
        found = target / name
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)
    for metadata in target.glob("*.dist-info"):
        for name in UNNEEDED_METADATA:
            (metadata / name).unlink(missing_ok=True)
    drop_unused_services(target)


def drop_unused_services(target: Path) -> None:
    """botocore's descriptions of them, and boto3's of resources, which we never make."""
    described = {path.name: path for path in (target / "botocore/data").iterdir() if path.is_dir()}
    missing = set(AWS_SERVICES) - described.keys()
    if missing:
        raise BuildError(f"botocore describes no service {', '.join(sorted(missing))}.")
    for name, path in described.items():
        if name not in AWS_SERVICES:
            shutil.rmtree(path)
    for name in ("data", "examples"):
        shutil.rmtree(target / "boto3" / name)


def copy_code(source: Path, target: Path) -> None:
    """What git would, and nothing that a run has left beside it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))


def compile_code(python: str, folder: Path, mounted: str) -> None:
    """With the paths that tracebacks name on Lambda."""
    run(
        *(python, "-m", "compileall", "-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(folder), "-p", mounted, str(folder)),
    )


def write_template(architecture: str, code: str, target: Path) -> None:
    """``code``: a digest of all that is built beside the template."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8").replace("[arm64]", f"[{architecture}]")
    release = hashlib.sha256(f"{code}{text}".encode()).hexdigest()
    target.write_text(text.replace(UNBUILT, f'"{release}"'), encoding="utf-8")


def forget_times(out: Path) -> None:
    for path in [out, *out.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (ZIP_EPOCH, ZIP_EPOCH))


def digest(out: Path) -> str:
    """Of every file's place and bytes."""
    whole = hashlib.sha256()
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        whole.update(f"{path.relative_to(out)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


def number_of(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        raise BuildError(f"A version is something like {LAMBDA_VERSION}, not {version!r}.")
    return int(major), int(minor)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="Build what is deployed.")
    parser.add_argument("architecture", nargs="?", choices=sorted(PLATFORMS), default="arm64")
    parser.add_argument("--python", default=LAMBDA_VERSION, help="the version that will run it; Lambda's")
    parser.add_argument("--out", type=Path, help="the folder, which is made anew; build/ARCHITECTURE")
    arguments = parser.parse_args()
    try:
        build(
            arguments.architecture,
            arguments.python,
            (arguments.out or ROOT / "build" / arguments.architecture).resolve(),
        )
    except BuildError as error:
        sys.exit(f"The build failed: {error}")


if __name__ == "__main__":
    main()
