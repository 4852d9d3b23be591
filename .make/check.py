"""Run every check of `make check`, two at a time, and say in one line each how it went.

.venv/bin/python .make/check.py

A check that fails prints what its tool said; all of them run, whatever failed before.
"""

import ast
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Outcome:
    passed: bool
    said: str = ""  # printed for a failure
    note: str = ""  # printed in the check's own line


Check = Callable[[], Outcome]
AUDIT = ROOT / ".audit/bin"


def tool(*command: str, of: Path = BIN) -> Check:
    """A check that a program of .venv, or of another environment, makes by its exit code."""
    return functools.partial(run, [str(of / command[0]), *command[1:]])


def run(command: list[str]) -> Outcome:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return Outcome(done.returncode == 0, (done.stdout + done.stderr).rstrip())


# Lambda runs 3.13. Its own parser is asked where there is one, because ruff and mypy only emulate it.

LAMBDA_PYTHON = (3, 13)
LAMBDA_CODE = ("functions", "layers/core")
COMPILE = """
import pathlib, sys
for folder in sys.argv[1:]:
    for path in sorted(pathlib.Path(folder).rglob("*.py")):
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
"""


def compile_for_lambda() -> Outcome:
    python = lambda_python()
    if python is None:
        return Outcome(passed=True, note="no python3.13 here; ruff and mypy looked at 3.13 above")
    return run([python, "-W", "error", "-c", COMPILE, *LAMBDA_CODE])


def lambda_python() -> str | None:
    return find_python(LAMBDA_PYTHON)


def find_python(version: tuple[int, int]) -> str | None:
    """An interpreter of the version, if there is one."""
    name = "python{}.{}".format(*version)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [sys.executable, shutil.which(name), *pyenv.glob(f"versions/*/bin/{name}")]
    asks = f"import sys; sys.exit(sys.version_info[:2] != {version})"
    # A candidate is tried, not trusted: pyenv puts a python3.13 on the PATH that need not run.
    return next((str(each) for each in candidates if each and run([str(each), "-c", asks]).passed), None)


# Known vulnerabilities of what is deployed, and of what operators and tests run.

AUDITED = ("layers/dependencies/requirements.txt", "cli/requirements.txt", "tests/requirements.txt")


def audit_packages() -> Outcome:
    """Where the database of advisories cannot be reached, nothing is audited, and the check's line says so."""
    files = [argument for file in AUDITED for argument in ("--requirement", file)]
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = run(
            [
                *(str(AUDIT / "pip-audit"), "--disable-pip", "--require-hashes", "--progress-spinner", "off"),
                *("--format", "json", "--output", report.name, *files),
            ]
        )
        said = report.read().decode()
    packages = json.loads(said)["dependencies"] if said else []
    known = [package for package in packages if "skip_reason" not in package]
    if not known:
        unreachable = bool(packages) or "ConnectionError" in done.said
        return Outcome(
            unreachable, done.said, note="NOTHING AUDITED: no database of advisories can be reached from here"
        )
    found = [f"{each['name']} {each['version']}: {each_found['id']}" for each in known for each_found in each["vulns"]]
    return Outcome(not found, "\n".join(found), note=f"{len(known)} of {len(packages)} packages are known there")


# What a public repository must not tell of the machines it was written on. The brackets keep these
# patterns from matching themselves.

PRIVATE = {
    "the host of a package registry": re.compile(
        r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|crates[.]io|proxy[.]golang[.]org|deb[.]debian[.]org"
    ),
    "an absolute path of one machine": re.compile(
        r"(?<![\w.~$}/-])(?:/[h]ome/|/[U]sers/|/[r]oot/|/[w]ork/|[A-Z]:\\[U]sers\\)\w"
    ),
}


def search_for_private() -> Outcome:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return Outcome(passed=True, note="not a git checkout; skipped")
    listing = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    if not listing.passed:
        return listing
    found = [line for name in listing.said.split("\0") if name for line in private_lines(ROOT / name)]
    return Outcome(not found, "\n".join(found))


def private_lines(path: Path) -> list[str]:
    try:
        lines = path.read_text().splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []  # binary, deleted but not yet committed so, a submodule
    return [
        f"{path.relative_to(ROOT)}:{number}: names {what}: {match[0]}"
        for number, line in enumerate(lines, start=1)
        for what, pattern in PRIVATE.items()
        if (match := pattern.search(line))
    ]


# What is longer than this has more than one subject. Split it by subject.

MEASURED_CODE = ("functions", "layers/core", "cli")
LONGEST_MODULE = 400
LONGEST_CLASS = 250


def measure() -> Outcome:
    modules = [path for folder in MEASURED_CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    found = [line for path in modules for line in too_long(path)]
    return Outcome(bool(modules) and not found, "\n".join(found), note=f"{len(modules)} modules")


def too_long(path: Path) -> Iterator[str]:
    text = path.read_text()
    where = path.relative_to(ROOT)
    lines = len(text.splitlines())
    if lines > LONGEST_MODULE:
        yield f"{where}: {lines} lines; a module has at most {LONGEST_MODULE}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and node.end_lineno is not None:
            lines = node.end_lineno - node.lineno + 1
            if lines > LONGEST_CLASS:
                yield f"{where}:{node.lineno}: class {node.name} has {lines} lines; a class has at most {LONGEST_CLASS}"


CHECKS: dict[str, Check] = {
    "format": tool("ruff", "format", "--check", "."),
    "lint": tool("ruff", "check", "."),
    "types, Python 3.11": tool("mypy", "--strict"),
    "types, Python 3.13": tool("mypy", "--strict", "--python-version=3.13"),
    "who imports whom": tool("lint-imports", "--no-logo"),
    "template.yaml, cfn-lint": tool("cfn-lint", "template.yaml"),
    "template.yaml, checkov": tool(
        *("checkov", "--file", "template.yaml", "--framework", "cloudformation"),
        *("--skip-download", "--quiet", "--compact"),
        of=AUDIT,
    ),
    "bandit": tool(
        "bandit",
        "--quiet",
        "--configfile",
        "pyproject.toml",
        "--recursive",
        "functions",
        "layers",
        "cli",
        ".make",
        of=AUDIT,
    ),
    "pip-audit": audit_packages,
    "compiles on Lambda's Python 3.13": compile_for_lambda,
    "requirement files are current": tool("python", ".make/lock.py", "--check"),
    "nothing of one machine": search_for_private,
    "sizes of modules and classes": measure,
}


def main() -> None:
    started = time.monotonic()
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {name: pool.submit(timed, check) for name, check in CHECKS.items()}
        for name, future in running.items():
            outcome, took = future.result()
            note = f"  ({outcome.note})" if outcome.note else ""
            say(f"  {'ok    ' if outcome.passed else 'FAILED'}  {name:<34}{took:5.1f} s{note}")
            if not outcome.passed:
                failed.append(name)
                say("\n" + "\n".join(f"    {line}" for line in outcome.said.splitlines()) + "\n")
    took = time.monotonic() - started
    if failed:
        sys.exit(f"{len(failed)} of {len(CHECKS)} checks failed in {took:.0f} s: {'; '.join(failed)}.")
    say(f"All {len(CHECKS)} checks passed in {took:.0f} s.")


def timed(check: Check) -> tuple[Outcome, float]:
    started = time.monotonic()
    outcome = check()
    return outcome, time.monotonic() - started


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
