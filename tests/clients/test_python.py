"""A Python client that openapi-python-client makes."""

from pathlib import Path

from tests.clients.conftest import School, assert_done
from tests.clients.tools import HERE, PYTHON_TOOLS, run

# It would format what it made with tools that nobody needs here.
_SETTINGS = "post_hooks: []\n"


def test_python(school: School, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(_SETTINGS)
    said = run(
        *(PYTHON_TOOLS / "openapi-python-client", "generate", "--path", school.document, "--config", settings),
        *("--meta", "none", "--output-path", tmp_path / "b2b_client", "--fail-on-warning"),
        folder=tmp_path,
    )
    assert "Warning" not in said
    environment = school.environment("python") | {"PYTHONPATH": str(tmp_path)}
    run(PYTHON_TOOLS / "python", HERE / "python/main_job.py", folder=tmp_path, environment=environment)
    assert_done(school, "python")
