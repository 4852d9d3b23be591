"""Which release a deployment is, and what becomes of the versions of earlier ones."""

import json
import sys
from pathlib import Path

import pytest

from b2b_cli.errors import CommandError
from b2b_cli.local.template import TEMPLATE, load

sys.path.append(str(Path(__file__).parents[3] / ".make"))
import build
from releases import delete_old_versions, write_release

DIGEST = "0a" * 32


def release_in(template: Path) -> str:
    found: str = load(template)["Globals"]["Function"]["Environment"]["Variables"]["RELEASE"]
    return found


@pytest.fixture
def built(tmp_path: Path) -> Path:
    template = tmp_path / "template.yaml"
    build.write_template("arm64", DIGEST, template)
    return template


def test_a_build_is_named_by_all_that_it_built(built: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    build.write_template("arm64", "0b" * 32, other)
    again = tmp_path / "again.yaml"
    build.write_template("arm64", DIGEST, again)
    assert release_in(built) == release_in(again) != release_in(other)
    build.write_template("x86_64", DIGEST, other)
    assert release_in(built) != release_in(other)


def test_a_release_is_what_was_built_with_its_parameters(built: Path) -> None:
    found = {
        release_in(write_release(built, parameters))
        for parameters in ({}, {"A": "1"}, {"A": "2"}, {"B": "1"}, {"A": "1", "B": "1"}, {"A": "", "B": "11"})
    }
    assert len(found | {release_in(built)}) == 7
    assert release_in(write_release(built, {"A": "1", "B": "2"})) == release_in(
        write_release(built, {"B": "2", "A": "1"})
    )


def test_nothing_else_of_the_template_changes(built: Path) -> None:
    deployed = write_release(built, {"A": "1"})
    assert deployed.parent == built.parent, "paths in it are relative"
    assert deployed.read_text().replace(release_in(deployed), release_in(built)) == built.read_text()


def test_a_template_in_json_is_taken_too(built: Path) -> None:
    template = built.with_suffix(".json")
    template.write_text(json.dumps(load(built)))
    assert release_in(write_release(template, {"A": "1"})) == release_in(write_release(built, {"A": "1"}))


def test_a_template_that_nobody_built_is_refused() -> None:
    with pytest.raises(CommandError, match="make build"):
        write_release(TEMPLATE, {})


class Functions:
    """Lambda's answers, in memory: moto has Lambda with Docker only."""

    def __init__(self, live: str, *versions: str) -> None:
        self.live = live
        self.versions = ["$LATEST", *versions]

    def get_alias(self, **_: str) -> dict[str, str]:
        return {"FunctionVersion": self.live}

    def get_paginator(self, _: str) -> "Functions":
        return self

    def paginate(self, **_: str) -> list[dict[str, list[dict[str, str]]]]:
        rows = [{"Version": version} for version in self.versions]
        return [{"Versions": rows[:2]}, {"Versions": rows[2:]}]

    def delete_function(self, **what: str) -> None:
        self.versions.remove(what["Qualifier"])


@pytest.mark.parametrize(
    ("live", "versions", "left"),
    [
        ("1", ["1"], ["1"]),
        ("2", ["1", "2"], ["1", "2"]),
        ("3", ["1", "2", "3"], ["2", "3"]),
        ("10", ["8", "9", "10", "7"], ["9", "10"]),
        ("2", ["1", "2", "3", "4", "5", "6"], ["2", "5", "6"]),
    ],
)
def test_the_live_version_and_the_newest_stay(live: str, versions: list[str], left: list[str]) -> None:
    functions = Functions(live, *versions)
    deleted = delete_old_versions(functions, ["users"])
    assert functions.versions == ["$LATEST", *left]
    assert deleted == len(versions) - len(left)
