"""Contract, section 1: lists, their pages and links."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.contract.people import Json, create_student, create_user, data_of
from tests.contract.shapes import OrNull, assert_shape, count, identifier, text
from tests.contract.tokens import create_token
from tests.local_stack import await_that

PATHS = ("/users", "/students", "/products", "/tokens")

_LINKS = {"first": text, "last": text, "prev": OrNull(text), "next": OrNull(text)}
_META = {
    "current_page": identifier,
    "from": OrNull(identifier),
    "last_page": identifier,
    "path": text,
    "per_page": identifier,
    "to": OrNull(identifier),
    "total": count,
}
_every_list = pytest.mark.parametrize("path", PATHS)


@pytest.fixture(scope="module", autouse=True)
def _rows(api: httpx.Client) -> None:
    """Enough of everything for three pages of two; there are more products than that."""
    for _ in range(6):
        create_user(api)
        create_student(api)
        create_token(api)


@_every_list
def test_a_list_is_data_links_and_meta(api: httpx.Client, path: str) -> None:
    body = _page(api, path)
    assert body.keys() == {"data", "links", "meta"}
    assert_shape(body["links"], _LINKS, "links")
    assert_shape({key: body["meta"][key] for key in _META}, _META, "meta")
    assert body["meta"]["path"] == str(api.base_url).rstrip("/") + path


@_every_list
def test_rows_ascend_by_id_and_each_comes_once(api: httpx.Client, path: str) -> None:
    ids = [*_walk(api, path, per_page=_fifth(api, path))]
    assert ids == sorted(set(ids))
    assert len(ids) >= 5


@_every_list
def test_total_counts_the_rows_once_writes_have_settled(api: httpx.Client, path: str) -> None:
    rows = len([*_walk(api, path, per_page=100)])
    await_that(lambda: _page(api, path)["meta"]["total"] == rows, seconds=10, what="The settling of the total")


@_every_list
def test_pages_are_numbered_from_1_and_cut_the_list(api: httpx.Client, path: str) -> None:
    ids = [*_walk(api, path, per_page=100)]
    for page in (1, 2, 3):
        body = _page(api, path, page=page, per_page=2)
        first = 2 * page - 1
        assert _ids(body) == ids[first - 1 : first + 1]
        meta = body["meta"]
        assert (meta["current_page"], meta["per_page"], meta["from"], meta["to"]) == (page, 2, first, first + 1)
        assert meta["last_page"] == -(-meta["total"] // 2)


@_every_list
def test_links_lead_to_the_pages_they_name(api: httpx.Client, path: str) -> None:
    second = _page(api, path, page=2, per_page=2)
    links = second["links"]
    assert _ids(_get(api, links["first"])) == _ids(_page(api, path, page=1, per_page=2))
    assert _ids(_get(api, links["prev"])) == _ids(_page(api, path, page=1, per_page=2))
    assert _ids(_get(api, links["next"])) == _ids(_page(api, path, page=3, per_page=2))
    last = _get(api, links["last"])
    assert last["meta"]["current_page"] == second["meta"]["last_page"]
    assert last["links"]["next"] is None
    assert _page(api, path, page=1, per_page=2)["links"]["prev"] is None


@_every_list
def test_a_followed_link_is_a_page_like_any_other(api: httpx.Client, path: str) -> None:
    first = _page(api, path, per_page=2)
    second = _get(api, first["links"]["next"])
    meta = second["meta"]
    assert (meta["current_page"], meta["per_page"], meta["from"], meta["to"]) == (2, 2, 3, 4)
    assert second["links"]["prev"]


def test_a_page_has_15_rows_unless_it_is_told(api: httpx.Client) -> None:
    while _page(api, "/users")["links"]["next"] is None:
        create_user(api)
    body = _page(api, "/users")
    assert (len(body["data"]), body["meta"]["per_page"]) == (15, 15)


@pytest.mark.parametrize(
    ("asked", "page", "per_page"),
    [
        ({"page": 0}, 1, 15),
        ({"page": -3}, 1, 15),
        ({"page": "abc"}, 1, 15),
        ({"page": ""}, 1, 15),
        ({"per_page": 0}, 1, 1),
        ({"per_page": -1}, 1, 1),
        ({"per_page": 101}, 1, 100),
        ({"per_page": 10**30}, 1, 100),
    ],
)
def test_what_is_out_of_range_is_clamped(api: httpx.Client, asked: dict[str, Any], page: int, per_page: int) -> None:
    meta = _page(api, "/products", **asked)["meta"]
    assert (meta["current_page"], meta["per_page"]) == (page, per_page)


@_every_list
@pytest.mark.parametrize("value", ["abc", "", 10**30])
def test_what_is_no_number_or_too_large_is_no_error(api: httpx.Client, path: str, value: Any) -> None:
    meta = _page(api, path, page=value, per_page=value)["meta"]
    assert meta["current_page"] >= 1
    assert 1 <= meta["per_page"] <= 100


@_every_list
@pytest.mark.parametrize("value", ["name", "ID", "-created_at", "+id"])
def test_an_order_that_there_is_not_is_refused(api: httpx.Client, path: str, value: str) -> None:
    answer = api.get(path, params={"sort": value})
    assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["sort"])


@_every_list
def test_the_newest_come_first_where_they_are_asked_for(api: httpx.Client, path: str) -> None:
    ids = [*_walk(api, path, per_page=_fifth(api, path))]
    assert [*_walk(api, path, per_page=_fifth(api, path), sort="-id")] == [*reversed(ids)]
    assert _ids(_page(api, path, page=2, per_page=2, sort="-id")) == [*reversed(ids)][2:4]
    assert _ids(_page(api, path, page=2, per_page=2, sort="id")) == ids[2:4]


@_every_list
@pytest.mark.parametrize("sort", ["id", "-id"])
def test_a_cursor_alone_is_enough_to_go_on(api: httpx.Client, path: str, sort: str) -> None:
    body = _page(api, path, per_page=_fifth(api, path), sort=sort)
    seen = _ids(body)
    while body["meta"]["next_cursor"] is not None:
        body = _page(api, path, cursor=body["meta"]["next_cursor"])
        seen += _ids(body)
    assert seen == [*_walk(api, path, per_page=100, sort=sort)]


@_every_list
def test_a_cursor_is_good_for_its_own_list_only(api: httpx.Client, path: str) -> None:
    cursor = _page(api, path, per_page=2)["meta"]["next_cursor"]
    others: list[tuple[str, Json]] = [(other, {}) for other in PATHS if other != path]
    for where, query in [*others, (path, {"sort": "-id"})]:
        answer = api.get(where, params={"cursor": cursor, **query})
        assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["cursor"]), (where, query)
    assert _page(api, path, cursor=cursor, page=1)["meta"]["from"] == 3


@_every_list
@pytest.mark.parametrize("page", [9_999, 2**31, 10**9, 10**30])
def test_a_page_beyond_the_end_is_empty(api: httpx.Client, path: str, page: int) -> None:
    body = _page(api, path, page=page, per_page=100)
    assert body["data"] == []
    assert (body["meta"]["from"], body["meta"]["to"], body["links"]["next"]) == (None, None, None)
    assert body["meta"]["total"] > 0


@pytest.mark.parametrize("path", ["/students", "/products"])
def test_an_empty_list_has_one_page(untouched: dict[str, Json], path: str) -> None:
    body = untouched[path]
    meta = body["meta"]
    assert body["data"] == []
    assert (meta["from"], meta["to"], meta["last_page"], meta["total"]) == (None, None, 1, 0)
    assert (body["links"]["prev"], body["links"]["next"]) == (None, None)


@pytest.mark.parametrize(("path", "create"), [("/users", create_user), ("/students", create_student)])
def test_a_walk_sees_every_row_once_while_others_are_added(
    api: httpx.Client, path: str, create: Callable[[httpx.Client], Json]
) -> None:
    before = [*_walk(api, path, per_page=100)]
    seen = []
    for position, row in enumerate(_walk(api, path, per_page=_fifth(api, path))):
        seen.append(row)
        if position % 10 == 0:
            create(api)
    assert [row for row in seen if row in set(before)] == before
    assert len(seen) == len(set(seen))


def test_a_walk_sees_every_row_once_while_others_are_deleted(api: httpx.Client) -> None:
    doomed = {create_token(api)["id"] for _ in range(6)}
    stays = [row for row in _walk(api, "/tokens", per_page=100) if row not in doomed]
    stays += [create_token(api)["id"] for _ in range(4)]
    seen = []
    for row in _walk(api, "/tokens", per_page=3):
        seen.append(row)
        if doomed:
            # One from behind the walker and one from before it.
            for victim in {min(doomed), max(doomed)}:
                assert api.delete(f"/tokens/{victim}").status_code == 204
                doomed.discard(victim)
    assert [row for row in seen if row in set(stays)] == stays
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("change", "is_found"),
    [
        (lambda email: email, True),
        (lambda email: email.upper(), True),
        (lambda email: f"  {email} ", True),
        (lambda email: email[1:], False),
        (lambda email: email + "x", False),
        (lambda email: email.partition("@")[0], False),
        (lambda email: "@" + email.partition("@")[2], False),
        (lambda email: "%", False),
        (lambda email: "*", False),
        (lambda email: f'"{email}"', False),
        (lambda email: f"{email},{email}", False),
    ],
)
@pytest.mark.parametrize("sort", ["id", "-id"])
def test_students_are_found_by_the_whole_of_their_e_mail(
    api: httpx.Client, change: Callable[[str], str], is_found: bool, sort: str
) -> None:
    student = create_student(api)
    body = _page(api, "/students", email=change(student["email"]), sort=sort)
    assert _ids(body) == ([student["id"]] if is_found else [])
    assert (body["meta"]["total"], body["meta"]["last_page"], body["links"]["next"]) == (int(is_found), 1, None)
    assert "email=" in body["links"]["first"]


@_every_list
def test_links_keep_the_rest_of_the_query(api: httpx.Client, path: str) -> None:
    body = _page(api, path, per_page=2, page=2, sort="-id", label="A & B")
    for link in body["links"].values():
        assert {("sort", "-id"), ("label", "A & B")} <= set(parse_qsl(urlsplit(link).query))
    assert _ids(_get(api, body["links"]["prev"])) == _ids(_page(api, path, per_page=2, sort="-id"))


def test_one_resource_is_wrapped_in_data(api: httpx.Client, user: Json) -> None:
    assert api.get(f"/users/{user['id']}").json().keys() == {"data"}
    assert data_of(api.get(f"/users/{user['id']}")) == user


def _page(api: httpx.Client, path: str, **query: Any) -> Json:
    response = api.get(path, params=query)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


def _get(api: httpx.Client, link: str) -> Json:
    body: Json = api.get(link).raise_for_status().json()
    return body


def _walk(api: httpx.Client, path: str, *, per_page: int, sort: str = "id") -> Iterator[int]:
    """The ids of a list, page by page along ``links.next``."""
    body = _page(api, path, per_page=per_page, sort=sort)
    while True:
        yield from _ids(body)
        if body["links"]["next"] is None:
            return
        body = _get(api, body["links"]["next"])


def _ids(body: Json) -> list[int]:
    return [row["id"] for row in body["data"]]


def _fifth(api: httpx.Client, path: str) -> int:
    """So many rows a page that a walk has about five pages."""
    total: int = _page(api, path)["meta"]["total"]
    return max(1, min(100, -(-total // 5)))
