"""Pages on the wire, by a list of numbers behind one route."""

import base64
import json
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from tests.unit.in_process import Open

from b2b.http.api.errors import install_error_handlers
from b2b.http.api.pagination import MAX_ROWS_BYTES, ListCall, ListQuery
from b2b.services.pages import Cursor, Page, PageRequest, SizeLimit

URL = "http://school.example/api/numbers"
OTHER_URL = "http://school.example/api/others"
Read = Callable[..., dict[str, Any]]


class Numbers:
    """A list of ``numbers``, as a table would read it. Each row is as long as ``text`` makes it."""

    def __init__(self, numbers: list[int], text: str = "") -> None:
        self.numbers = numbers
        self._text = text

    def read(self, request: PageRequest, size_limit: SizeLimit[int]) -> Page[int]:
        ordered = sorted(self.numbers, reverse=request.newest_first)
        rest = ordered[request.offset :]
        if request.cursor is not None:
            last = request.cursor.last_id
            rest = [number for number in ordered if (number < last if request.newest_first else number > last)]
        taken = [number for number in rest[: request.per_page] if size_limit.take(number)]
        following = None
        if len(taken) < len(rest):
            following = Cursor(taken[-1], request.page + 1, request.offset + len(taken))
        return Page(request, taken, request.offset, len(ordered), following)

    def present(self, number: int) -> dict[str, Any]:
        return {"id": number} | ({"text": self._text} if self._text else {})


def application(numbers: list[int], text: str = "") -> FastAPI:
    """``GET /api/numbers`` and ``/api/others`` list ``numbers``; ``kind`` is a filter that lets everything through."""
    router = APIRouter()
    source = Numbers(numbers, text)

    @router.get("/api/numbers")
    @router.get("/api/others")
    async def list_numbers(wanted: Annotated[ListCall, Depends(ListQuery("kind"))]) -> Response:
        return wanted.answer(source.read, source.present)

    app = FastAPI(routes=router.routes)
    install_error_handlers(app)
    return app


@pytest.fixture
def numbers() -> list[int]:
    return [*range(1, 36)]


@pytest.fixture
def client(numbers: list[int], open_app: Open) -> httpx.Client:
    return open_app(application(numbers))


@pytest.fixture
def read(client: httpx.Client) -> Read:
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


def test_the_first_page(read: Read) -> None:
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


def test_a_middle_page(read: Read) -> None:
    body = read(page="2", per_page="10")
    assert ids(body) == [*range(11, 21)]
    assert (body["meta"]["from"], body["meta"]["to"], body["meta"]["last_page"]) == (11, 20, 4)
    assert body["links"]["prev"] == f"{URL}?page=1&per_page=10"
    assert parse_qs(urlsplit(body["links"]["next"]).query)["page"] == ["3"]


def test_the_last_page_has_no_next(read: Read) -> None:
    body = read(page="3")
    assert ids(body) == [*range(31, 36)]
    assert (body["meta"]["from"], body["meta"]["to"]) == (31, 35)
    assert (body["links"]["next"], body["meta"]["next_cursor"]) == (None, None)


def test_a_page_beyond_the_end_is_empty(read: Read) -> None:
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
def test_a_page_that_is_out_of_range_or_no_number_is_clamped(read: Read, asked: str, page: int | None) -> None:
    found = read(page=asked)["meta"]["current_page"]
    assert page is None or found == page


@pytest.mark.parametrize(
    ("asked", "per_page"), [("0", 1), ("-5", 1), ("101", 100), ("1000000", 100), ("", 15), ("x", 15), ("7", 7)]
)
def test_a_page_size_that_is_out_of_range_or_no_number_is_clamped(read: Read, asked: str, per_page: int) -> None:
    assert read(per_page=asked)["meta"]["per_page"] == per_page


def test_following_next_sees_every_row_once_while_rows_come_and_go(read: Read, numbers: list[int]) -> None:
    body = read(per_page="10")
    seen = ids(body)
    numbers.remove(3)
    numbers.remove(10)
    numbers.append(36)
    while body["links"]["next"] is not None:
        body = read(body["links"]["next"])
        seen += ids(body)
    assert seen == [*range(1, 37)]


def test_the_cursor_keeps_the_size_of_the_page(read: Read) -> None:
    second = read(read(per_page="10")["links"]["next"])
    assert (second["meta"]["current_page"], second["meta"]["per_page"], second["meta"]["from"]) == (2, 10, 11)


# Cursors


def walked(read: Read, **query: str) -> list[dict[str, Any]]:
    """The pages of a walk along ``links.next``."""
    pages = [read(**query)]
    while pages[-1]["links"]["next"] is not None:
        pages.append(read(pages[-1]["links"]["next"]))
    return pages


@pytest.mark.parametrize("page", ["", "1", "0", "-4", "x", "<integer>", "2"])
def test_a_cursor_decides_where_no_other_page_is_asked_for(read: Read, page: str) -> None:
    first = read(per_page="10")
    body = read(cursor=first["meta"]["next_cursor"], page=page)
    assert (ids(body), body["meta"]["current_page"]) == ([*range(11, 21)], 2)


@pytest.mark.parametrize("page", ["3", "4", "99"])
def test_another_page_number_goes_before_the_cursor(read: Read, page: str) -> None:
    cursor = read(per_page="10")["meta"]["next_cursor"]
    assert ids(read(page=page, per_page="10", cursor=cursor)) == ids(read(page=page, per_page="10"))


@pytest.mark.parametrize("sort", ["", "id", "-id"])
@pytest.mark.parametrize("per_page", ["1", "7", "100"])
def test_a_cursor_alone_goes_on_as_the_link_does(read: Read, sort: str, per_page: str) -> None:
    body = read(sort=sort, per_page=per_page)
    seen = ids(body)
    while body["meta"]["next_cursor"] is not None:
        by_link = read(body["links"]["next"])
        body = read(cursor=body["meta"]["next_cursor"])
        assert body == by_link
        seen += ids(body)
    assert seen == sorted(range(1, 36), reverse=sort == "-id")


def test_a_walk_may_change_the_size_of_its_pages(read: Read) -> None:
    first = read(per_page="10")
    second = read(cursor=first["meta"]["next_cursor"], per_page="20")
    third = read(cursor=second["meta"]["next_cursor"])
    assert [len(body["data"]) for body in (first, second, third)] == [10, 20, 5]
    assert (second["meta"]["from"], third["meta"]["from"], third["meta"]["to"]) == (11, 31, 35)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "\u00e9",
        "%%%",
        "AAAA",
        "<string>",
        forged("text"),
        forged(7),
        forged(None),
        forged([]),
        forged([1, 2]),
        forged([1, 2, 3, 4]),
        forged([1, 2, 3, 15, 0, "name"]),
        forged([1, 2, 3, 15, False, None]),
        forged([1, 2, 3, 15, False, "name", "more"]),
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
@pytest.mark.parametrize("page", ["1", "2"])
def test_what_is_no_cursor_of_ours_is_refused(client: httpx.Client, cursor: str, page: str) -> None:
    assert refused_field(client.get(URL, params={"page": page, "cursor": cursor})) == "cursor"


@pytest.mark.parametrize(
    ("url", "query"),
    [
        (OTHER_URL, {}),
        (OTHER_URL, {"sort": "id"}),
        (URL, {"sort": "-id"}),
        (URL, {"sort": "-id", "page": "2"}),
        (URL, {"sort": "-id", "page": "3"}),
        (URL, {"kind": "odd"}),
        (URL, {"kind": "odd", "sort": "id"}),
        (URL, {"kind": "odd", "page": "2"}),
        (URL, {"kind": " "}),
        (URL + "/", {"kind": "odd"}),
    ],
)
def test_a_cursor_of_another_list_is_refused(client: httpx.Client, url: str, query: dict[str, str]) -> None:
    cursor = client.get(URL).json()["meta"]["next_cursor"]
    answer = client.get(url, params={**query, "cursor": cursor}, follow_redirects=True)
    assert refused_field(answer) == "cursor"


@pytest.mark.parametrize("query", [{}, {"kind": ""}, {"sort": "id"}, {"sort": ""}, {"unknown": "1"}, {"page": "2"}])
def test_a_cursor_is_good_for_the_list_that_gave_it(read: Read, query: dict[str, str]) -> None:
    cursor = read()["meta"]["next_cursor"]
    assert ids(read(cursor=cursor, **query)) == [*range(16, 31)]


def test_a_walk_that_an_earlier_release_began_goes_on(read: Read) -> None:
    body = read(page="2", per_page="15", cursor=forged([15, 2, 15]))
    assert (ids(body), body["meta"]["from"]) == ([*range(16, 31)], 16)


# Order


@pytest.mark.parametrize(("sort", "first"), [("id", 1), ("-id", 35), ("", 1)])
def test_rows_come_in_the_order_asked_for(read: Read, sort: str, first: int) -> None:
    assert ids(read(sort=sort, per_page="1")) == [first]


@pytest.mark.parametrize(
    "sort",
    ["name", "-name", "+id", "ID", "-ID", " id", "id,-id", "id desc", "asc", "--id", "0", "\u2212id", "<string>"],
)
def test_an_order_that_there_is_not_is_refused(client: httpx.Client, sort: str) -> None:
    assert refused_field(client.get(URL, params={"sort": sort})) == "sort"


def test_the_newest_first_are_seen_once_while_rows_come_and_go(read: Read, numbers: list[int]) -> None:
    body = read(per_page="10", sort="-id")
    seen = ids(body)
    numbers.remove(33)
    numbers.remove(26)
    numbers.append(36)
    while body["links"]["next"] is not None:
        body = read(body["links"]["next"])
        seen += ids(body)
    assert seen == [*range(35, 0, -1)]


# Links


@pytest.mark.parametrize(
    "query",
    [
        [("kind", "odd")],
        [("kind", "")],
        [("unknown", "1")],
        [("sort", "-id"), ("kind", "odd")],
        [("email", "a+b@example.com")],
        [("search", "Jos\u00e9 & S\u00f8n")],
        [("a[]", "1"), ("a[]", "2")],
        [("page", "2"), ("kind", "odd")],
        [("per_page", "3"), ("x", "y=z&w")],
        [("_", "1700000000")],
        [("page", "2"), ("sort", "-id")],
    ],
)
def test_links_keep_the_rest_of_the_query(client: httpx.Client, query: list[tuple[str, str]]) -> None:
    body = client.get(URL, params=urlencode(query)).json()
    rest = {pair for pair in query if pair[0] not in ("page", "per_page")}
    links = [link for link in body["links"].values() if link is not None]
    assert len(links) >= 3
    for link in links:
        found = parse_qsl(urlsplit(link).query, keep_blank_values=True)
        assert rest <= set(found)
        assert len(found) == len({name for name, _ in found}) + sum(name == "a[]" for name, _ in rest) // 2


# Size


def test_a_page_ends_where_an_answer_of_lambda_does(open_app: Open) -> None:
    numbers = [*range(1, 101)]
    client = open_app(application(numbers, "x" * 199_000))
    pages = walked(lambda url=URL, **query: client.get(url, params=query or None).json(), per_page="100")
    assert [number for body in pages for number in ids(body)] == numbers
    assert [len(body["data"]) for body in pages] == [25, 25, 25, 25]
    assert [(body["meta"]["from"], body["meta"]["to"]) for body in pages] == [(1, 25), (26, 50), (51, 75), (76, 100)]


@pytest.mark.parametrize(
    "text", ["x" * 90_000, '"' * 50_000, "\\" * 50_000, "\x01" * 20_000, "\u00e9" * 45_000, "\U0001f600" * 20_000]
)
def test_an_answer_fits_as_lambda_passes_it_on(open_app: Open, text: str) -> None:
    answer = open_app(application([*range(1, 101)], text)).get(URL, params={"per_page": "100"})
    passed_on = json.dumps({"statusCode": 200, "body": answer.text}, ensure_ascii=False).encode()
    assert MAX_ROWS_BYTES * 0.9 < len(passed_on) < 6 * 1024 * 1024


def test_a_row_that_is_too_long_comes_alone(open_app: Open) -> None:
    client = open_app(application([1, 2, 3], "x" * (MAX_ROWS_BYTES + 1)))
    pages = walked(lambda url=URL, **query: client.get(url, params=query or None).json())
    assert [ids(body) for body in pages] == [[1], [2], [3]]


def refused_field(answer: httpx.Response) -> str:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    ((name, sentences),) = body["errors"].items()
    assert body["message"] == sentences[0]
    return str(name)
