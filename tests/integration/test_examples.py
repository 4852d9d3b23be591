"""The examples of the API's document, tried in their order on what ``make run`` shows a newcomer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.local_stack import LocalStack, await_that

Json = dict[str, Any]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """With the demonstration's records."""
    running = LocalStack(tmp_path_factory.mktemp("examples") / "data", demo=True)
    await_that((running.data / "example.json").exists, seconds=60, what="The demonstration")
    yield running
    running.stop()


def test_every_example_succeeds_when_they_are_tried_in_order(stack: LocalStack) -> None:
    with stack.api() as api:
        document = api.get("/openapi.json").raise_for_status().json()
        tried = [
            (f"{method.upper()} {path}", _answers(api, method, path, operation))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]
    assert len(tried) > 25
    assert [(call, statuses) for call, statuses in tried if not all(200 <= status < 300 for status in statuses)] == []


def _answers(api: httpx.Client, method: str, path: str, operation: Json) -> list[int]:
    """The statuses that the call is answered with, once for each example of its body."""
    parameters = {parameter["name"]: parameter for parameter in operation.get("parameters", [])}
    query = {
        name: parameter["example"]
        for name, parameter in parameters.items()
        if parameter["in"] == "query" and "example" in parameter
    }
    url = path.removeprefix("/api")
    if "id" in parameters:
        url = url.replace("{id}", str(parameters["id"]["example"]))
    return [api.request(method, url, params=query, json=body).status_code for body in _bodies(operation)]


def _bodies(operation: Json) -> list[Json | None]:
    if "requestBody" not in operation:
        return [None]
    content = operation["requestBody"]["content"]["application/json"]
    return [content["example"]] if "example" in content else [each["value"] for each in content["examples"].values()]


def test_the_document_names_the_address_that_it_was_read_from(stack: LocalStack) -> None:
    origin = stack.note["base_url"].removesuffix("/api")
    with stack.anonymous() as api:
        assert [server["url"] for server in api.get("/openapi.json").json()["servers"]] == [origin]
        named = api.get("/openapi.json", headers={"Host": "school.example:8443"}).json()
    assert [server["url"] for server in named["servers"]] == ["http://school.example:8443"]


def test_what_the_document_is_read_as_is_what_is_committed(stack: LocalStack) -> None:
    committed = (Path(__file__).parents[2] / "functions/api/platform/openapi.json").read_text(encoding="utf-8")
    with stack.anonymous() as api:
        served = api.get("/openapi.json").json()
    assert {name: value for name, value in served.items() if name != "servers"} == {
        name: value for name, value in httpx.Response(200, text=committed).json().items() if name != "servers"
    }
