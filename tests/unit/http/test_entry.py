"""The outermost layer, related an application of a few routes."""

import asyncio
import io
import itertools
import json
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from aws_lambda_powertools import Logger
from fastapi import FastAPI, HTTPException, Request, Response
from tests.unit.in_process import Open

from b2b.domain.errors import B2BError, NotFound
from b2b.http.api.errors import install_error_handlers
from b2b.http.entry import Entry

EMAIL = "ada@example.com"

_numbers = itertools.count()


class UnknownRefusal(B2BError):
    """A refusal that nobody gave a status."""


def _application() -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    install_error_handlers(app)

    @app.get("/people/{email}")
    async def read(email: str, request: Request) -> dict[str, str]:
        request.state.token_id = 7
        return {"email": email}

    @app.post("/people")
    @app.put("/people")
    async def write() -> None:
        raise NotFound("There is no such person.")

    @app.get("/people")
    async def list_people() -> None:
        raise HTTPException(404)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(f"secret internals of {EMAIL}")

    @app.delete("/gone", status_code=204)
    async def delete() -> None:
        """Nothing is left to say."""

    @app.get("/picture")
    async def picture() -> Response:
        return Response(b"", headers={"Cache-Control": "max-age=60"})

    @app.get("/unforeseen")
    async def unforeseen() -> None:
        raise UnknownRefusal("secret internals")

    return app


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger(log: io.StringIO) -> Logger:
    # Loggers of one name share the stream of the first.
    return Logger(service=f"entry-{next(_numbers)}", stream=log)


@pytest.fixture
def client(logger: Logger, open_app: Open) -> httpx.Client:
    return open_app(Entry(_application(), logger), base_url="http://school.example")


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_every_answer_has_the_request_id_of_its_log_line(client: httpx.Client, log: io.StringIO) -> None:
    for path in ("/people/x", "/people", "/nothing", "/broken"):
        answer = client.get(path)
        assert answer.headers["X-Request-Id"] == lines(log)[-1]["request_id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/people/x", 200),
        ("HEAD", "/people/x", 200),
        ("GET", "/nothing", 404),
        ("POST", "/people", 404),
        ("PATCH", "/people", 405),
        ("OPTIONS", "/people", 405),
        ("GET", "/broken", 500),
        ("HEAD", "/broken", 500),
        ("GET", "/unforeseen", 500),
        ("DELETE", "/gone", 204),
    ],
)
def test_no_cache_keeps_an_answer_and_no_browser_guesses_its_type(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get_list("Cache-Control") == ["no-store"]
    assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]


def test_a_route_may_let_caches_keep_its_answer(client: httpx.Client) -> None:
    assert client.get("/picture").headers.get_list("Cache-Control") == ["max-age=60"]


def test_two_requests_have_two_ids(client: httpx.Client) -> None:
    assert client.get("/people/x").headers["X-Request-Id"] != client.get("/people/x").headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/broken", "/unforeseen"])
def test_an_unforeseen_error_answers_without_internals(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"message": "Server Error"}


def test_an_unforeseen_error_is_in_the_log_with_its_cause(client: httpx.Client, log: io.StringIO) -> None:
    client.get("/broken")
    error, request = lines(log)
    assert error["exception_name"] == "RuntimeError"
    assert error["request_id"] == request["request_id"]
    assert request["status"] == 500


def test_an_error_behind_the_first_bytes_is_logged_and_answers_nothing_more(
    log: io.StringIO, logger: Logger, runner: asyncio.Runner
) -> None:
    async def cut_off(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late for an answer")

    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    runner.run(Entry(cut_off, logger)({"type": "http", "method": "GET", "path": "/"}, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert lines(log)[0]["exception_name"] == "RuntimeError"


def test_the_log_line_of_a_request(client: httpx.Client, log: io.StringIO) -> None:
    client.get(f"/people/{EMAIL}", params={"email": EMAIL})
    (line,) = lines(log)
    assert (line["method"], line["route"], line["status"], line["token_id"]) == ("GET", "/people/{email}", 200, 7)
    assert line["milliseconds"] >= 0


@pytest.mark.parametrize(("method", "path"), [("GET", f"/people/{EMAIL}"), ("POST", "/people"), ("GET", f"/{EMAIL}")])
def test_no_personal_data_is_in_the_log_line(client: httpx.Client, log: io.StringIO, method: str, path: str) -> None:
    client.request(method, path, params={"q": EMAIL}, json={"email": EMAIL}, headers={"X-Who": EMAIL})
    assert "@" not in log.getvalue()


@pytest.mark.parametrize("path", ["/people/x", "/people", "/nothing", "/broken"])
def test_head_is_answered_as_get_is_without_the_body(client: httpx.Client, log: io.StringIO, path: str) -> None:
    got, answer = client.get(path), client.head(path)
    assert (answer.status_code, answer.content) == (got.status_code, b"")
    assert _without_id(answer) == _without_id(got)
    line = lines(log)[-1]
    assert (line["method"], line["status"]) == ("HEAD", got.status_code)


def test_head_is_refused_where_there_is_nothing_to_get(open_app: Open, logger: Logger) -> None:
    app = FastAPI(openapi_url=None)
    install_error_handlers(app)
    app.post("/orders")(lambda: None)
    answer = open_app(Entry(app, logger), base_url="http://school.example").head("/orders")
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (405, "POST", b"")


def _without_id(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def test_a_trailing_slash_makes_no_difference(client: httpx.Client) -> None:
    assert client.get("/people/x/").json() == {"email": "x"}


@pytest.mark.parametrize("path", ["/", "//", "/nothing", "/people/x/y"])
def test_an_unknown_path_is_404_in_json(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json().keys() == {"message"}


def test_a_missing_record_is_404_with_its_sentence(client: httpx.Client) -> None:
    answer = client.post("/people")
    assert (answer.status_code, answer.json()) == (404, {"message": "There is no such person."})


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_a_method_that_a_path_does_not_have_is_405_and_all_that_it_has_are_named(
    client: httpx.Client, method: str
) -> None:
    answer = client.request(method, "/people")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT"
    assert answer.json() == {
        "message": f"The {method} method is not supported for this route. Supported methods: GET, HEAD, POST, PUT."
    }
