"""The API's document as a judge of requests and answers."""

import json
import re
from collections.abc import Iterable
from typing import Any

import httpx
import jsonschema_rs

Json = dict[str, Any]

_JSON = "application/json"


class Documented:
    def __init__(self, document: Json) -> None:
        self._document = document
        # A fixed path before the one with an id in its place.
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations)
            for path, operations in sorted(document["paths"].items(), key=lambda found: "{" in found[0])
        ]

    def errors(self, schema: Json, value: Any) -> list[str]:
        """What is wrong with the value, formats included."""
        whole = schema | {"components": self._document["components"]}
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(value)]

    def resolved(self, value: Json) -> Json:
        """The component that ``$ref`` names, or the value itself."""
        if "$ref" not in value:
            return value
        found = self._document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def check(self, answer: httpx.Response) -> None:
        """Fails unless the document has this answer to this call."""
        request, where = answer.request, f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        operations = next((found for path, found in self._paths if path.fullmatch(request.url.path.rstrip("/"))), None)
        if operations is None or request.method == "HEAD":
            return
        if request.method.lower() not in operations:
            described = self._document["components"]["responses"]["MethodNotAllowed"]
            assert answer.status_code == 405, where
        else:
            operation = operations[request.method.lower()]
            assert str(answer.status_code) in operation["responses"], where
            described = self.resolved(operation["responses"][str(answer.status_code)])
            if answer.is_success:
                self._check_request(where, operation, request)
        self._check_headers(where, described, answer.headers)
        if "content" in described:
            wrong = self.errors(described["content"][_JSON]["schema"], answer.json())
            assert not wrong, (where, wrong)
        else:
            assert answer.content == b"", where

    def _check_request(self, where: str, operation: Json, request: httpx.Request) -> None:
        """What was accepted has what the document requires. More forms of it are accepted than the document has."""
        if "requestBody" not in operation:
            return
        body = operation["requestBody"]
        raw = request.read()
        if not raw.strip():
            assert not body["required"], where
            return
        try:
            content = json.loads(raw)
        except ValueError:
            return  # a form, or a trailing comma
        required = self.resolved(body["content"][_JSON]["schema"]).get("required", ())
        missing = [name for name in required if name not in content]
        assert not missing, (where, missing)

    def _check_headers(self, where: str, described: Json, headers: httpx.Headers) -> None:
        documented = {name.lower(): self.resolved(header) for name, header in described["headers"].items()}
        missing = [name for name, header in documented.items() if header.get("required") and name not in headers]
        assert not missing, (where, missing)
        told = _ours(headers)
        assert told <= documented.keys(), (where, told - documented.keys())


def _ours(headers: Iterable[str]) -> set[str]:
    """Without what belongs to the connection, to the body and to API Gateway, or is for caches and browsers only."""
    transport = {"connection", "content-length", "content-type", "date", "server", "transfer-encoding"}
    gateway = {"apigw-requestid"}
    general = {"cache-control", "x-content-type-options"}
    return {name.lower() for name in headers} - transport - gateway - general
