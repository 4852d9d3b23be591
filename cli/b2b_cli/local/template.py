"""What the local stack takes from ``template.yaml``, so that it cannot drift from what is deployed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # a PyYAML that was built without libyaml, which is ten times as fast
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment] # they construct the same

TEMPLATE = Path(__file__).parents[3] / "template.yaml"


class _Loader(_SafeLoader):
    """CloudFormation's short forms (``!Ref X``) as their long ones (``{"Ref": "X"}``)."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".")
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)


def load(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template as it is written, with intrinsic functions in their long forms."""
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return content


_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def _seconds(expression: str) -> int:
    """Of a schedule's ``rate(5 minutes)``."""
    found = _RATE.fullmatch(expression)
    if found is None:
        raise ValueError(f"The local stack does not know schedules like {expression!r}.")
    return int(found[1]) * _UNIT_SECONDS[found[2]]


# Where the gateway brings what no other path fits.
DEFAULT_PATH = "$default"
_GREEDY = "{proxy+}"


@dataclass(frozen=True, slots=True)
class Route:
    """A path that the gateway brings to a function: ``/api/users``, ``/api/users/{proxy+}``, ``$default``."""

    path: str
    handler: str

    @property
    def package(self) -> str:
        """The function's: ``api.users``."""
        return self.handler.removesuffix(".handler.handler")

    @property
    def group(self) -> str:
        """``users``."""
        return self.package.rpartition(".")[2]

    @property
    def is_greedy(self) -> bool:
        return self.path.endswith(_GREEDY)

    def fits(self, path: str) -> bool:
        """Whether the gateway might bring a request with the path ``path`` to the function."""
        if self.is_greedy:
            return path.startswith(self.path.removesuffix(_GREEDY))
        return self.path in (path, DEFAULT_PATH)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A queue that feeds a function."""

    queue: str
    handler: str
    timeout_seconds: int
    batch_size: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that a schedule calls, every so many seconds."""

    name: str
    handler: str
    timeout_seconds: int
    every_seconds: int


class Template:
    """Logical ids are the template's own."""

    def __init__(self, path: Path = TEMPLATE) -> None:
        self._content = load(path)

    def table(self) -> dict[str, Any]:
        """The arguments of CreateTable, but for the table's name."""
        properties = self._resource("Table")
        wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        return {name: properties[name] for name in wanted}

    def queues(self) -> dict[str, dict[str, Any]]:
        """Properties of each queue, those that others name as dead-letter queue first."""
        found = {
            name: resource.get("Properties", {})
            for name, resource in self._resources().items()
            if resource["Type"] == "AWS::SQS::Queue"
        }
        return dict(sorted(found.items(), key=lambda item: "RedrivePolicy" in item[1]))

    def variables(self) -> dict[str, str]:
        """The variables of every function that hold the name or address of a resource, or a parameter, and its id."""
        variables = self._content["Globals"]["Function"]["Environment"]["Variables"]
        return {name: value["Ref"] for name, value in variables.items() if isinstance(value, dict) and "Ref" in value}

    def routes(self) -> list[Route]:
        return [Route(event["Path"], function["Handler"]) for _, function, event in self._events("HttpApi")]

    def event_sources(self) -> list[EventSource]:
        return [
            EventSource(
                queue=event["Queue"]["Fn::GetAtt"][0],
                handler=function["Handler"],
                timeout_seconds=self._timeout(function),
                batch_size=event.get("BatchSize", 10),
                concurrency=event.get("ScalingConfig", {}).get("MaximumConcurrency", 2),
            )
            for _, function, event in self._events("SQS")
        ]

    def schedules(self) -> list[Schedule]:
        return [
            Schedule(name, function["Handler"], self._timeout(function), _seconds(event["ScheduleExpression"]))
            for name, function, event in self._events("ScheduleV2")
        ]

    def _events(self, kind: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        for name, resource in self._resources().items():
            if resource["Type"] != "AWS::Serverless::Function":
                continue
            function = resource["Properties"]
            for event in function.get("Events", {}).values():
                if event["Type"] == kind:
                    yield name, function, event["Properties"]

    def _timeout(self, function: dict[str, Any]) -> int:
        return int(function.get("Timeout", self._content["Globals"]["Function"]["Timeout"]))

    def _resource(self, name: str) -> dict[str, Any]:
        properties: dict[str, Any] = self._resources()[name]["Properties"]
        return properties

    def _resources(self) -> dict[str, Any]:
        resources: dict[str, Any] = self._content["Resources"]
        return resources
