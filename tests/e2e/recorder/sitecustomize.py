"""Runs before a deployed function: notes which AWS actions it needs rights for, in a file for each process.

A line is ``{"function", "action", "resource"}``, as IAM names them (Service Authorization Reference; DynamoDB
Developer Guide, "Using IAM with DynamoDB transactions": a transaction needs the right to each of its members).
"""

import json
import os
from pathlib import Path
from typing import Any

_FOLDER = os.environ.get("B2B_RECORDED")
_MEMBERS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


def _needed(service: str, operation: str, given: dict[str, Any]) -> set[tuple[str, str]]:
    if operation == "TransactWriteItems":
        members = [next(iter(member.items())) for member in given["TransactItems"]]
        return {(_MEMBERS[kind], arguments["TableName"]) for kind, arguments in members}
    if operation in ("BatchGetItem", "BatchWriteItem"):
        return {(f"dynamodb:{operation}", table) for table in given["RequestItems"]}
    if service == "dynamodb":
        index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
        return {(f"dynamodb:{operation}", given["TableName"] + index)}
    if service == "sqs":
        # A batch needs the right to the single action.
        return {(f"sqs:{operation.removesuffix('Batch')}", given["QueueUrl"].rpartition("/")[2])}
    return {(f"{service}:{operation}", str(given.get("SecretId")))}


def _record(folder: Path) -> None:
    from botocore import client  # noqa: PLC0415 - a process that is not recorded does without

    # The one place that every call passes with its arguments; not public.
    base: Any = client.BaseClient
    send = base._make_api_call
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    path = folder / f"{function}.{os.getpid()}.jsonl"
    seen: set[tuple[str, str]] = set()

    def note_and_send(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        needed = _needed(self.meta.service_model.service_name, operation_name, api_params)
        for action, resource in sorted(needed - seen):
            with path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"function": function, "action": action, "resource": resource}) + "\n")
        seen.update(needed)
        return send(self, operation_name, api_params)

    base._make_api_call = note_and_send


if _FOLDER:
    _record(Path(_FOLDER))
