"""TypeScript clients: openapi-fetch over the types of openapi-typescript, and the functions of @hey-api/openapi-ts.

Each is compiled in strict mode together with the main job, so that the types have to fit, and then run.
"""

import json
import shutil
from pathlib import Path

from tests.clients.conftest import School, assert_done
from tests.clients.tools import HERE, node_modules, run

SOURCES = HERE / "typescript"


def test_openapi_fetch(school: School, tmp_path: Path) -> None:
    programs = copied("fetch", tmp_path)
    run(programs / "openapi-typescript", school.document, "--output", "schema.ts", folder=tmp_path)
    carry_out("fetch", school, tmp_path)


def test_hey_api(school: School, tmp_path: Path) -> None:
    programs = copied("hey", tmp_path)
    run(programs / "openapi-ts", "--input", school.document, "--output", "client", folder=tmp_path)
    carry_out("hey", school, tmp_path)


def copied(program: str, folder: Path) -> Path:
    """The main job in a project of its own; where the programs are that it is made with."""
    programs = node_modules(SOURCES)
    for name in ("job.ts", f"{program}.ts", "tsconfig.json"):
        shutil.copy(SOURCES / name, folder)
    (folder / "package.json").write_text(json.dumps({"type": "module"}))
    (folder / "node_modules").symlink_to(SOURCES / "node_modules")
    return programs


def carry_out(program: str, school: School, folder: Path) -> None:
    run("node_modules/.bin/tsc", "--project", ".", folder=folder)
    run("node", f"out/{program}.js", folder=folder, environment=school.environment(f"ts-{program}"))
    assert_done(school, f"ts-{program}")
