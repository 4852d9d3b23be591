"""How the operator's commands reach a school: the local stack with its data in a folder, or a deployed stack.

Both end in the environment that the functions themselves have, so that the commands use the very same services.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from b2b.wiring.aws import client
from b2b.wiring.commands import CommandServices, command_services_of
from b2b_cli.errors import CommandError
from b2b_cli.local.note import Note
from b2b_cli.local.processes import is_alive

# The template's logical ids, and what its functions call them.
_VARIABLES = {
    "Table": "TABLE_NAME",
    "SyncQueue": "SYNC_QUEUE_URL",
    "SyncBulkQueue": "SYNC_BULK_QUEUE_URL",
    "OperationsQueue": "OPERATIONS_QUEUE_URL",
    "ThinkificApiKey": "THINKIFIC_API_KEY_SECRET_ID",
}
# Stacks that an earlier release has deployed do not have these yet.
_NEWER_VARIABLES = {"ThinkificGraphQLToken": "THINKIFIC_GRAPHQL_TOKEN_SECRET_ID"}
# What may be set for a local stack; a deployed one has its own.
_LOCAL_SECRETS = ("THINKIFIC_API_KEY", "THINKIFIC_GRAPHQL_TOKEN")
_PARAMETERS = {
    "ThinkificSubdomain": "THINKIFIC_SUBDOMAIN",
    "ThinkificRatePerMinute": "THINKIFIC_RATE_PER_MINUTE",
}


@dataclass(frozen=True)
class Connection:
    """``queues``: the address of each queue by its name in the template, dead-letter queues included.

    ``functions``: the name of each function likewise. ``stack_name`` None: the local stack, which has none.
    """

    environment: Mapping[str, str]
    queues: Mapping[str, str]
    stack_name: str | None = None
    functions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def services(self) -> CommandServices:
        return command_services_of(self.environment)

    @cached_property
    def sqs(self) -> Any:
        return client("sqs")


def connect(data: Path, stack_name: str | None) -> Connection:
    """The deployed stack of that name, else the local stack that runs with ``data``.

    Sets the variables in this process's environment, where boto3 and the configuration look for them.
    Raises CommandError with what to do about it.
    """
    if region := os.environ.get("AWS_REGION"):
        # Other tools heed it; boto3 looks at this one only.
        os.environ["AWS_DEFAULT_REGION"] = region
    connection = _deployed(stack_name) if stack_name else _local(data)
    if stack_name:
        for name in _LOCAL_SECRETS:
            os.environ.pop(name, None)
    os.environ.update(connection.environment)
    return connection


def _local(data: Path) -> Connection:
    start = "start it with `b2b local`, or name a deployed one with --stack-name"
    try:
        note = Note.read(data)
    except (FileNotFoundError, NotADirectoryError):
        raise CommandError(f"No local stack runs with the data in {data}: {start}.") from None
    if not is_alive(note.pid):
        raise CommandError(f"The local stack with the data in {data} was ended without a word: {start}.")
    return Connection(environment=note.environment, queues=note.queues)


def _deployed(stack_name: str) -> Connection:
    try:
        cloudformation = boto3.Session().client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"The stack {stack_name} cannot be read: {error}") from error
    physical = {resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "") for resource in resources}
    types = {resource["LogicalResourceId"]: resource["ResourceType"] for resource in resources}
    parameters = {found["ParameterKey"]: found.get("ParameterValue", "") for found in stack.get("Parameters", [])}
    missing = (_VARIABLES.keys() - physical.keys()) | (_PARAMETERS.keys() - parameters.keys())
    if missing:
        raise CommandError(f"{stack_name} is no stack of this product: it has no {', '.join(sorted(missing))}.")
    variables = _VARIABLES | {name: found for name, found in _NEWER_VARIABLES.items() if name in physical}
    environment = {variable: physical[name] for name, variable in variables.items()}
    environment |= {variable: parameters[name] for name, variable in _PARAMETERS.items()}
    queues, functions = (
        {name: physical[name] for name in physical if types[name] == kind}
        for kind in ("AWS::SQS::Queue", "AWS::Lambda::Function")
    )
    return Connection(environment=environment, queues=queues, stack_name=stack_name, functions=functions)
