"""What each function may do, as ``template.yaml`` grants it."""

import re
from collections.abc import Iterable
from pathlib import Path
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


# As a table for people

SECURITY = Path(__file__).parents[1] / "docs/security.md"
_HEAD = "| function | table | indexes | queues | secrets |\n|---|---|---|---|---|\n"
_WORDS = {
    "dynamodb:GetItem": "get",
    "dynamodb:BatchGetItem": "get",
    "dynamodb:Query": "query",
    "dynamodb:PutItem": "put",
    "dynamodb:UpdateItem": "update",
    "dynamodb:DeleteItem": "delete",
    "dynamodb:ConditionCheckItem": "check",
    "sqs:SendMessage": "send",
    "sqs:ReceiveMessage": "receive",
    "secretsmanager:GetSecretValue": "read",
}
# Part of receiving, and of the log that every function has.
_UNTOLD = ("logs:", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def table() -> str:
    """In Markdown: what each function may do, in the template's order."""
    rows = ("".join(f" {cell} |" if cell else " |" for cell in _row(name)) for name in FUNCTIONS)
    return _HEAD + "".join(f"|{row}\n" for row in rows)


def written() -> str:
    """The table as it stands in docs/security.md. Raises LookupError where there is none."""
    found = re.search(re.escape(_HEAD) + r"(\|.*\n)*", SECURITY.read_text(encoding="utf-8"))
    if found is None:
        raise LookupError(f"{SECURITY} has no table that begins with {_HEAD!r}.")
    return found[0]


def _row(function: str) -> list[str]:
    """Raises KeyError for an action that has no word yet."""
    told = [right for right in sorted(rights(function)) if not right[0].startswith(_UNTOLD)]
    words = {right: _WORDS[right[0]] for right in told}

    def of_type(kind: str) -> dict[str, set[str]]:
        """What may be done, and to which resources of that type."""
        found: dict[str, set[str]] = {}
        for (_, resource), word in words.items():
            if RESOURCES.get(resource, {}).get("Type") == kind:
                found.setdefault(word, set()).add(resource)
        return found

    on_table = of_type("AWS::DynamoDB::Table")
    on_queues = of_type("AWS::SQS::Queue")
    return [
        f"`{FUNCTIONS[function]['Handler'].split('.')[1]}`",
        ", ".join(word for word in dict.fromkeys(_WORDS.values()) if word in on_table),
        _quoted(resource.rpartition("/")[2] for _, resource in told if "/index/" in resource),
        "; ".join(f"{word}: {_quoted(map(_queue_name, on_queues[word]))}" for word in sorted(on_queues)),
        _quoted(of_type("AWS::SecretsManager::Secret").get("read", ())),
    ]


def _queue_name(resource: str) -> str:
    """``sync-bulk`` of ``SyncBulkQueue``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", resource.removesuffix("Queue")).lower()


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def main() -> None:
    """``python -m tests.rights``: after a change of the roles."""
    text = SECURITY.read_text(encoding="utf-8")
    SECURITY.write_text(text.replace(written(), table()), encoding="utf-8")


if __name__ == "__main__":
    main()
