"""What the emulator cannot do of a deployment, made up for, and only that.

It ignores an API's OpenAPI body, knows no alarms on sums of metrics, runs Python functions by its own interpreter,
and has its APIs at names that nobody resolves.
"""

import json
import re
from typing import Any

import httpx

from b2b_cli.local.emulator import Emulator

Json = dict[str, Any]

_ALIAS = re.compile(r"\$\{(\w+)Aliaslive\}")


def emulated(template: Json, variables: dict[str, str]) -> Json:
    """A built template whose functions have ``variables`` too and bring their own runtime (``runtime.Runtime``)."""
    function = template["Globals"]["Function"]
    function["Runtime"] = "provided.al2023"
    function["Environment"]["Variables"] |= variables
    resources = {name: found for name, found in template["Resources"].items() if not _is_on_a_sum(found)}
    return template | {"Resources": resources}


def _is_on_a_sum(resource: Json) -> bool:
    return resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]


def processed_template(emulator: Emulator, stack: str) -> Json:
    """After SAM's transform."""
    answer = emulator.client("cloudformation").get_template(StackName=stack, TemplateStage="Processed")
    body = answer["TemplateBody"]
    processed: Json = json.loads(body) if isinstance(body, str) else body
    return processed


def make_routes(emulator: Emulator, stack: str, physical_ids: dict[str, str]) -> dict[str, str]:
    """The logical id of the function behind each route, made as API Gateway does of the OpenAPI body."""
    gateway = emulator.client("apigatewayv2")
    made: dict[str, str] = {}
    body = processed_template(emulator, stack)["Resources"]["Api"]["Properties"]["Body"]
    for path, methods in body["paths"].items():
        assert methods.keys() == {"x-amazon-apigateway-any-method"}, path
        wanted = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        (name,) = _ALIAS.findall(wanted["uri"]["Fn::Sub"])
        integration = gateway.create_integration(
            ApiId=physical_ids["Api"],
            IntegrationType="AWS_PROXY",
            IntegrationUri=physical_ids[f"{name}Aliaslive"],
            PayloadFormatVersion=wanted["payloadFormatVersion"],
        )
        key = path if path == "$default" else f"ANY {path}"
        target = f"integrations/{integration['IntegrationId']}"
        gateway.create_route(ApiId=physical_ids["Api"], RouteKey=key, Target=target)
        made[key] = name
    return made


class Gateway(httpx.BaseTransport):
    """Brings what is sent to an API's address to the emulator, as a name server and TLS would to AWS."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._http = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        here = request.url.copy_with(scheme=self._url.scheme, host=self._url.host, port=self._url.port)
        return self._http.handle_request(
            httpx.Request(
                request.method, here, headers=request.headers, stream=request.stream, extensions=request.extensions
            )
        )

    def close(self) -> None:
        self._http.close()
