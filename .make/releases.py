"""The release that a deployment is: what makes SAM publish new versions, and what becomes of the old ones."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from b2b_cli.errors import CommandError

ALIAS = "live"
# The one that runs, and the one before it, to which a person may point the alias again.
KEPT_VERSIONS = 2

_RELEASE = re.compile(r'(?P<name>"?RELEASE"?: *)"(?P<digest>[0-9a-f]{64})"')


def write_release(template: Path, parameters: Mapping[str, str]) -> Path:
    """A copy, beside a built template, whose release is one of the parameters too. Raises CommandError."""
    text = template.read_text(encoding="utf-8")
    built = _RELEASE.search(text)
    if built is None:
        raise CommandError(f"{template} was not made by `make build`: it has no RELEASE.")
    release = hashlib.sha256(f"{built['digest']}{json.dumps(parameters, sort_keys=True)}".encode()).hexdigest()
    target = template.with_name(f"deployed{template.suffix}")
    target.write_text(_RELEASE.sub(rf'\g<name>"{release}"', text), encoding="utf-8")
    return target


def delete_old_versions(functions: Any, names: Iterable[str]) -> int:
    """How many. Lambda keeps each published version, and an account has room for 75 GB. Raises what boto3 raises."""
    deleted = 0
    for name in names:
        live = functions.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
        for version in _versions(functions, name)[:-KEPT_VERSIONS]:
            if version != live:
                functions.delete_function(FunctionName=name, Qualifier=version)
                deleted += 1
    return deleted


def _versions(functions: Any, name: str) -> list[str]:
    """The oldest first."""
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    found = [row["Version"] for page in pages for row in page["Versions"] if row["Version"] != "$LATEST"]
    return sorted(found, key=int)
