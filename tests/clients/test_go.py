"""A Go client that openapi-generator makes, which compiles with the standard library alone."""

from pathlib import Path

from tests.clients.conftest import School, assert_done
from tests.clients.tools import GO_TOOLS, HERE, require, run

# Of the standard library, which is compiled once.
CACHE = GO_TOOLS.parent / "go-cache"


def test_go(school: School, tmp_path: Path) -> None:
    require("java")
    run(
        *(GO_TOOLS / "openapi-generator-cli", "generate", "--generator-name", "go"),
        *("--input-spec", school.document, "--output", tmp_path / "client"),
        *("--additional-properties", "packageName=client,withGoMod=false"),
        # Its own tests of what it made would need packages.
        *("--global-property", "apiTests=false,modelTests=false"),
        folder=tmp_path,
    )
    (tmp_path / "go.mod").write_text("module b2b\n\ngo 1.23\n")
    (tmp_path / "main.go").write_text((HERE / "go/main_job.go").read_text(encoding="utf-8"))
    go = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOCACHE": str(CACHE)}
    run(GO_TOOLS / "go", "build", "-o", "main_job", ".", folder=tmp_path, environment=go)
    run("./main_job", folder=tmp_path, environment=school.environment("go"))
    assert_done(school, "go")
