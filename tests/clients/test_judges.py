"""What Spectral and Redocly say of the document: nothing."""

from tests.clients.conftest import School
from tests.clients.test_postman import TOOLS
from tests.clients.tools import node_modules, run


def test_spectral(school: School) -> None:
    programs = node_modules(TOOLS)
    said = run(
        *(programs / "spectral", "lint", "--ruleset", TOOLS / "spectral.yaml", "--fail-severity", "hint"),
        school.document,
        folder=TOOLS,
    )
    assert "No results with a severity" in said


def test_redocly(school: School) -> None:
    programs = node_modules(TOOLS)
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    said = run(
        programs / "redocly",
        "lint",
        "--config",
        TOOLS / "redocly.yaml",
        school.document,
        folder=TOOLS,
        environment=quiet,
    )
    assert "warning" not in said.lower().replace("deprecation warning", ""), said
