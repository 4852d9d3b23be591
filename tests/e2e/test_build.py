"""What ``make build`` makes: for each architecture, the same bytes wherever and whenever it is made."""

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.e2e.project import ROOT, load_script

# Of ELF's header: the machine that the code is for (System V ABI, "e_machine").
_MACHINES = {"arm64": 183, "x86_64": 62}
# PEP 552: hash-based, and not checked against the source.
_UNCHECKED_HASH = 0b01


@pytest.fixture(scope="module", params=sorted(_MACHINES))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    architecture: str = request.param
    return architecture, build(ROOT, architecture, tmp_path_factory.mktemp("built") / architecture)


def test_compiled_code_is_for_the_architecture(built: tuple[str, Path]) -> None:
    architecture, tree = built
    libraries = sorted(tree.rglob("*.so"))
    assert libraries
    for library in libraries:
        (machine,) = struct.unpack_from("<H", library.read_bytes(), 18)
        assert machine == _MACHINES[architecture], library.relative_to(tree)


def test_all_code_is_compiled_and_never_checked_for_being_stale(built: tuple[str, Path]) -> None:
    _, tree = built
    sources = {path for path in tree.rglob("*.py") if "templates" not in path.parts}
    assert sources
    for source in sources:
        (compiled,) = source.parent.glob(f"__pycache__/{source.stem}.cpython-*.pyc")
        (flags,) = struct.unpack_from("<I", compiled.read_bytes(), 4)
        assert flags == _UNCHECKED_HASH, source.relative_to(tree)


def test_nothing_is_in_it_that_is_not_needed(built: tuple[str, Path]) -> None:
    _, tree = built
    packages = {path.name for path in (tree / "layers/dependencies/python").iterdir()}
    assert packages >= {"aws_lambda_powertools", "boto3", "botocore", "fastapi", "httpx", "mangum", "pydantic"}
    assert not packages & {"pip", "bin"}, "nobody uses it"
    services = {path.name for path in (tree / "layers/dependencies/python/botocore/data").iterdir() if path.is_dir()}
    assert services == {*load_script("build").AWS_SERVICES}
    handlers = {path.relative_to(tree) for path in tree.glob("functions/*/*/handler.py")}
    assert handlers == {path.relative_to(ROOT) for path in ROOT.glob("functions/*/*/handler.py")}


def test_it_fits_into_lambda(built: tuple[str, Path]) -> None:
    """250 MB with all layers, and 50 MB for a zip that is handed over directly (Lambda quotas); far less in fact."""
    _, tree = built
    assert load_script("build").megabytes(tree) < 50


def test_sam_takes_its_template(built: tuple[str, Path]) -> None:
    architecture, tree = built
    template = tree / "template.yaml"
    assert f"Architectures: [{architecture}]" in template.read_text(encoding="utf-8")
    done = subprocess.run(
        [str(ROOT / ".sam/bin/sam"), "validate", "--lint", "--template-file", str(template), "--region", "us-east-1"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_place_and_another_time_make_the_same_bytes(built: tuple[str, Path], tmp_path: Path) -> None:
    architecture, tree = built
    elsewhere = copy_of_the_project(tmp_path / "another" / "place", time.time() - 86400)
    again = build(elsewhere, architecture, tmp_path / "out of it")
    digest = load_script("build").digest
    assert digest(again) == digest(tree)


def build(project: Path, architecture: str, out: Path) -> Path:
    script = project / ".make/build.py"
    version = "{}.{}".format(*python_version())
    command = [sys.executable, str(script), architecture, "--python", version, "--out", str(out)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def python_version() -> tuple[int, int]:
    """Lambda's where there is one, else that of the tests."""
    check = load_script("check")
    return check.LAMBDA_PYTHON if check.lambda_python() else sys.version_info[:2]


def copy_of_the_project(target: Path, moment: float) -> Path:
    """As somebody else's checkout, with files of another time."""
    for folder in (".make", "functions", "layers"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", target)
    for path in target.rglob("*"):
        os.utime(path, (moment, moment))
    return target
