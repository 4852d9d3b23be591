"""What a web page can make a browser send to a server on this machine is refused, everything else is let through."""

import asyncio
import json
from typing import Any

import pytest

from b2b_cli.emulator.services import OnlyServices
from b2b_cli.loopback_guard import LoopbackGuard

Headers = dict[str, str]

HERE = "127.0.0.1:8001"
EVIL = "https://evil.example"


class Behind:
    """The guarded application: counts what comes through."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def http(method: str, path: str, headers: Headers, query: str = "") -> dict[str, Any]:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs}


def sent(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    return messages


def status(method: str, headers: Headers) -> int:
    behind = Behind()
    messages = sent(LoopbackGuard(behind), http(method, "/_simulator/reset", headers))
    code: int = messages[0]["status"]
    assert behind.calls == (code == 200)
    return code


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        # A form or a script of another page
        ("POST", {"Host": HERE, "Origin": EVIL}),
        ("POST", {"Host": HERE, "Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
        ("POST", {"Host": HERE, "Origin": "null"}),
        ("POST", {"Host": HERE, "Origin": "null", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
        ("POST", {"Host": HERE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
        ("DELETE", {"Host": HERE, "Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}),
        ("POST", {"Host": HERE, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}),
        ("POST", {"Host": HERE, "Origin": "http://localhost:8001"}),
        ("POST", {"Host": HERE, "Origin": "https://127.0.0.1:8001"}),
        ("POST", {"Host": HERE, "Origin": "http://127.0.0.1:80010"}),
        ("POST", {"Host": HERE, "Origin": ""}),
        ("OPTIONS", {"Host": HERE, "Origin": EVIL, "Access-Control-Request-Method": "POST"}),
        # What another page would read
        ("GET", {"Host": HERE, "Origin": EVIL}),
        ("GET", {"Host": HERE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
        ("GET", {"Host": HERE, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}),
        # A page whose own name was made to mean 127.0.0.1
        ("POST", {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}),
        ("GET", {"Host": "evil.example:8001", "Sec-Fetch-Site": "same-origin"}),
        ("GET", {"Host": "localhost.evil.example"}),
        ("GET", {"Host": "127.0.0.1.nip.example:8001"}),
        ("GET", {"Host": "evil.example@127.0.0.1"}),
        ("GET", {"Host": "0.0.0.0:8001"}),
        ("GET", {"Host": "192.168.1.7:8001"}),
        ("GET", {"Host": "127.0.0.1:8001:8001"}),
        ("GET", {"Host": "127.0.0.1:8001/"}),
        ("GET", {"Host": ""}),
        ("GET", {}),
    ],
)
def test_what_another_web_page_sends_is_refused(method: str, headers: Headers) -> None:
    assert status(method, headers) == 403


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        # Programs
        ("GET", {"Host": HERE}),
        ("POST", {"Host": HERE, "User-Agent": "curl/8.5.0", "Content-Type": "application/x-www-form-urlencoded"}),
        ("DELETE", {"Host": "localhost:8001", "User-Agent": "python-httpx/0.28"}),
        ("PUT", {"Host": "LocalHost"}),
        ("POST", {"Host": "[::1]:8001"}),
        ("POST", {"Host": "127.0.0.1"}),
        # A port that was forwarded from another machine
        ("POST", {"Host": "localhost:9000", "Origin": "http://localhost:9000"}),
        # The server's own page, and a person who types its address or follows a link to it
        ("POST", {"Host": HERE, "Origin": f"http://{HERE}", "Sec-Fetch-Site": "same-origin"}),
        ("GET", {"Host": HERE, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}),
        ("GET", {"Host": HERE, "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}),
        ("GET", {"Host": HERE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
        ("HEAD", {"Host": HERE, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}),
    ],
)
def test_programs_and_the_own_page_are_let_through(method: str, headers: Headers) -> None:
    assert status(method, headers) == 200


def test_an_answer_to_another_page_cannot_be_read_there() -> None:
    start, body = sent(LoopbackGuard(Behind()), http("GET", "/", {"Host": HERE, "Origin": EVIL}))
    assert not [name for name, _ in start["headers"] if name.startswith(b"access-control")]
    assert "other web pages" in json.loads(body["body"])["error"]


def test_two_hosts_are_refused() -> None:
    scope = http("GET", "/", {"Host": HERE})
    scope["headers"] *= 2
    assert sent(LoopbackGuard(Behind()), scope)[0]["status"] == 403


def test_websockets_which_know_no_origin_rule_are_closed() -> None:
    behind = Behind()
    messages = sent(LoopbackGuard(behind), {"type": "websocket", "path": "/", "headers": []})
    assert ([message["type"] for message in messages], behind.calls) == (["websocket.close"], 0)


# What of ministack is there

DYNAMODB, SQS = "DynamoDB_20120810", "AmazonSQS"


def passed(method: str, path: str, headers: Headers, query: str = "") -> tuple[bool, bool]:
    """Whether it came to ministack, and whether it counts as a change."""
    behind, changes = Behind(), []
    sent(OnlyServices(behind, lambda: changes.append(1)), http(method, path, headers, query))
    return behind.calls == 1, bool(changes)


@pytest.mark.parametrize(
    ("method", "path", "headers", "query"),
    [
        ("POST", "/_ministack/reset", {}, ""),
        ("POST", "/_ministack/reset", {"X-Amz-Target": f"{DYNAMODB}.ListTables"}, ""),
        ("POST", "/_ministack/config", {"X-Amz-Target": f"{SQS}.ListQueues"}, ""),
        ("POST", "/2015-03-31/functions", {}, ""),
        ("POST", "/2015-03-31/functions", {"X-Amz-Target": f"{DYNAMODB}.PutItem"}, ""),
        ("POST", "/", {"X-Amz-Target": "AWSSecretsManager.GetSecretValue"}, ""),
        ("POST", "/", {"X-Amz-Target": "DynamoDBStreams_20120810.ListStreams"}, ""),
        ("POST", "/", {"X-Amz-Target": "AWSStepFunctions.CreateStateMachine"}, ""),
        ("POST", "/", {"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.RunTask"}, ""),
        ("POST", "/", {}, "Action=SendMessage"),
        ("GET", "/", {}, "Action=DeleteQueue"),
        ("POST", "/", {"X-Amz-Target": f"{SQS}.SendMessage"}, "Action=CreateRole"),
        ("PUT", "/bucket", {}, ""),
        ("GET", "/", {"X-Amz-Target": f"{DYNAMODB}.Scan"}, ""),
        ("OPTIONS", "/", {}, ""),
        ("GET", "/_localstack/health", {}, ""),
    ],
)
def test_all_of_ministack_but_the_two_services_is_out_of_reach(
    method: str, path: str, headers: Headers, query: str
) -> None:
    assert passed(method, path, headers, query) == (False, False)


@pytest.mark.parametrize(
    ("target", "is_change"),
    [
        (f"{DYNAMODB}.GetItem", False),
        (f"{DYNAMODB}.Query", False),
        (f"{DYNAMODB}.BatchGetItem", False),
        (f"{DYNAMODB}.TransactGetItems", False),
        (f"{DYNAMODB}.DescribeTable", False),
        (f"{SQS}.GetQueueAttributes", False),
        (f"{SQS}.ReceiveMessage", False),
        (f"{DYNAMODB}.PutItem", True),
        (f"{DYNAMODB}.TransactWriteItems", True),
        (f"{DYNAMODB}.BatchWriteItem", True),
        (f"{DYNAMODB}.CreateTable", True),
        (f"{SQS}.SendMessageBatch", True),
        (f"{SQS}.DeleteMessage", True),
        (f"{SQS}.ChangeMessageVisibility", True),
        (f"{SQS}.NewerThanThisTest", True),
    ],
)
def test_calls_of_the_two_services_come_through_and_changes_are_noticed(target: str, is_change: bool) -> None:
    assert passed("POST", "/", {"X-Amz-Target": target}) == (True, is_change)


def test_health_is_answered() -> None:
    assert passed("GET", "/health", {}) == (True, False)
