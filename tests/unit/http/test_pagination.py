"""Pages on the wire, by a list of numbers behind one route."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from tests.unit.in_process import Open

from b2b.http.pagination import WantedPage, page_body
from b2b.services.pages import Cursor, Page

Client = httpx.Client

URL = "http://school.example/api/numbers"


def application(numbers: list[int]) -> FastAPI:
    """``GET /api/numbers`` lists ``numbers``, ascending, as a table would."""
    router = APIRouter()

    @router.get("/api/numbers")
    async def list_numbers(request: Request, page: WantedPage) -> dict[str, Any]:
        cursor = page.cursor
        rest = [number for number in numbers if cursor is None or number > cursor.last_id]
        position = cursor.position if cursor else (page.page - 1) * page.per_page
        found = rest[: page.per_page] if cursor else numbers[position : position + page.per_page]
        more = bool(found) and found[-1] != numbers[-1]
        following = Cursor(found[-1], page.page + 1, position + len(found)) if more else None
        shown = Page(page, found, position, len(numbers), following)
        return page_body(request, shown, lambda number: {"id": number})

    return FastAPI(routes=router.routes)


@pytest.fixture
def numbers() -> list[int]:
    return [*range(1, 36)]


@pytest.fixture
def read(numbers: list[int], open_app: Open) -> Callable[..., dict[str, Any]]:
    client = open_app(application(numbers))

    def get(url: str = URL, **query: str) -> dict[str, Any]:
        answer = client.get(url, params=query or None)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return get


def ids(body: dict[str, Any]) -> list[int]:
    return [row["id"] for row in body["data"]]


def forged(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def test_the_first_page(read: Callable[..., dict[str, Any]]) -> None:
    body = read()
    assert ids(body) == [*range(1, 16)]
    assert {name: body["meta"][name] for name in ("current_page", "from", "to", "last_page", "per_page", "total")} == {
        "current_page": 1,
        "from": 1,
        "to": 15,
        "last_page": 3,
        "per_page": 15,
        "total": 35,
    }
    assert body["meta"]["path"] == URL
    assert body["links"]["prev"] is None
    assert body["links"]["first"] == f"{URL}?page=1&per_page=15"
    assert body["links"]["last"] == f"{URL}?page=3&per_page=15"


def test_a_middle_page(read: Callable[..., dict[str, Any]]) -> None:
    body = read(page="2", per_page="10")
    assert ids(body) == [*range(11, 21)]
    assert (body["meta"]["from"], body["meta"]["to"], body["meta"]["last_page"]) == (11, 20, 4)
    assert body["links"]["prev"] == f"{URL}?page=1&per_page=10"
    assert parse_qs(urlsplit(body["links"]["next"]).query)["page"] == ["3"]


def test_the_last_page_has_no_next(read: Callable[..., dict[str, Any]]) -> None:
    body = read(page="3")
    assert ids(body) == [*range(31, 36)]
    assert (body["meta"]["from"], body["meta"]["to"]) == (31, 35)
    assert (body["links"]["next"], body["meta"]["next_cursor"]) == (None, None)


def test_a_page_beyond_the_end_is_empty(read: Callable[..., dict[str, Any]]) -> None:
    body = read(page="9")
    assert body["data"] == []
    assert (body["meta"]["from"], body["meta"]["to"], body["meta"]["current_page"]) == (None, None, 9)
    assert (body["links"]["next"], body["meta"]["last_page"]) == (None, 3)


def test_an_empty_list(open_app: Open) -> None:
    body = open_app(application([])).get(URL).json()
    assert body == {
        "data": [],
        "links": {
            "first": f"{URL}?page=1&per_page=15",
            "last": f"{URL}?page=1&per_page=15",
            "prev": None,
            "next": None,
        },
        "meta": {
            "current_page": 1,
            "from": None,
            "last_page": 1,
            "path": URL,
            "per_page": 15,
            "to": None,
            "total": 0,
            "next_cursor": None,
        },
    }


@pytest.mark.parametrize(
    ("asked", "page"),
    [("0", 1), ("-1", 1), ("", 1), ("x", 1), ("1.5", 1), ("2", 2), ("9" * 30, 10**9), ("9" * 5000, None)],
)
def test_a_page_that_is_out_of_range_or_no_number_is_clamped(
    read: Callable[..., dict[str, Any]], asked: str, page: int | None
) -> None:
    found = read(page=asked)["meta"]["current_page"]
    assert page is None or found == page


@pytest.mark.parametrize(
    ("asked", "per_page"), [("0", 1), ("-5", 1), ("101", 100), ("1000000", 100), ("", 15), ("x", 15), ("7", 7)]
)
def test_a_page_size_that_is_out_of_range_or_no_number_is_clamped(
    read: Callable[..., dict[str, Any]], asked: str, per_page: int
) -> None:
    assert read(per_page=asked)["meta"]["per_page"] == per_page


def test_following_next_sees_every_row_once_while_rows_come_and_go(
    read: Callable[..., dict[str, Any]], numbers: list[int]
) -> None:
    body = read(per_page="10")
    seen = ids(body)
    numbers.remove(3)
    numbers.remove(10)
    numbers.append(36)
    while body["links"]["next"] is not None:
        body = read(body["links"]["next"])
        seen += ids(body)
    assert seen == [*range(1, 37)]


def test_the_cursor_keeps_the_size_of_the_page(read: Callable[..., dict[str, Any]]) -> None:
    second = read(read(per_page="10")["links"]["next"])
    assert (second["meta"]["current_page"], second["meta"]["per_page"], second["meta"]["from"]) == (2, 10, 11)


def test_a_changed_page_number_goes_before_the_cursor(read: Callable[..., dict[str, Any]]) -> None:
    cursor = read()["meta"]["next_cursor"]
    assert ids(read(page="1", cursor=cursor)) == [*range(1, 16)]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "%%%",
        "AAAA",
        forged("text"),
        forged(7),
        forged(None),
        forged([]),
        forged([1, 2]),
        forged([1, 2, 3, 4]),
        forged({"a": 1, "b": 2, "c": 3}),
        forged([-1, 2, 15]),
        forged([1, 2, -15]),
        forged([True, 2, 15]),
        forged(["1", 2, 15]),
        forged([1.0, 2, 15]),
        forged([2**63, 2, 15]),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 3_000).decode(),
        base64.urlsafe_b64encode(b"[1,2," + b"9" * 5_000 + b"]").decode(),
    ],
)
def test_what_is_no_cursor_of_ours_leaves_the_page_number_to_decide(
    read: Callable[..., dict[str, Any]], cursor: str
) -> None:
    assert ids(read(page="2", cursor=cursor)) == [*range(16, 31)]
