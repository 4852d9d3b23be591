"""What each function may do, as ``template.yaml`` grants it."""

import re
from typing import Any

from b2b_cli.local.template import load

Json = dict[str, Any]
# An action, and the logical id of what it may be done to, for an index "Table/index/NAME".
Right = tuple[str, str]

RESOURCES: Json = load()["Resources"]
FUNCTIONS: dict[str, Json] = {
    name: found["Properties"] for name, found in RESOURCES.items() if found["Type"] == "AWS::Serverless::Function"
}
_INDEX = re.compile(r"\$\{(\w+)\.Arn\}(/index/\w+)")


def role_of(function: str) -> str:
    """The logical id of the function's role."""
    name, attribute = FUNCTIONS[function]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(name)


def statements(function: str) -> list[Json]:
    role = RESOURCES[role_of(function)]["Properties"]
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


def rights(function: str) -> set[Right]:
    return {
        (action, _named(resource))
        for statement in statements(function)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(resource: Json) -> str:
    """Raises ValueError for what is not one resource of this stack."""
    match resource:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::Sub": str(text)} if found := _INDEX.fullmatch(text):
            return found[1] + found[2]
    raise ValueError(f"{resource} is not one resource of this stack.")
