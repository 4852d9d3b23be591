"""GraphQL's wire: what is asked, and what each of the answers of working clients' reports comes to."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.unit.clock import Clock

from b2b.domain.work.upstream import (
    BudgetSpent,
    KeyRefused,
    QueryTooCostly,
    ThinkificDown,
    ThinkificRejected,
)
from b2b.gateways.thinkific.graphql import FixedToken, ThinkificGraphQL, graphql_client

URL = "https://api.thinkific.example/stable/graphql"
TOKEN = "t" * 40
LATE: dict[str, Any] = {"code": "RATE_LIMITED"}


class Graph:
    """Answers with ``replies`` in turn, the last one again and again."""

    def __init__(self, clock: Clock, *replies: Any, token: Any = TOKEN) -> None:
        self.requests: list[httpx.Request] = []
        self._replies = [*replies]
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        holder = FixedToken(token) if token is None or isinstance(token, str) else token
        self.client = ThinkificGraphQL(http, URL, holder, now=clock.seconds)

    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)


def courses(*nodes: Any, **page: Any) -> dict[str, Any]:
    return {"data": {"site": {"courses": {"nodes": [*nodes], "pageInfo": page or {"hasNextPage": False}}}}}


def errors(message: str = "API rate limit exceeded", **extensions: Any) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": extensions}]}


def limited(reset: Any, *, inside: bool = False) -> dict[str, Any]:
    rate: dict[str, Any] = {"rateLimit": {"resetAt": reset, "cost": 52}}
    return errors(**LATE, **rate) if inside else errors(**LATE) | {"extensions": rate}


def test_a_page_is_asked_for_with_the_token_and_nothing_else(clock: Clock) -> None:
    graph = Graph(clock, courses())
    graph.client.courses_page("MTAw", 7)
    (request,) = graph.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert "X-Auth-API-Key" not in request.headers
    (asked,) = graph.asked()
    assert asked["variables"] == {"first": 7, "after": "MTAw"}


def test_every_call_has_a_user_agent_and_a_time_out() -> None:
    with graphql_client() as http:
        assert http.headers["User-Agent"]
        assert http.timeout.connect is not None
        assert http.timeout.read is not None


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        ({"id": "70", "name": "A", "slug": "a", "product": {"id": "5", "status": "DRAFT"}}, (5, 70, "A", "draft", "a")),
        ({"id": 70, "name": "A", "product": {"id": 5, "name": "B", "slug": "b"}}, (5, 70, "B", "published", "b")),
        ({"id": "70"}, (None, 70, "", "published", None)),
        ({"id": "70", "name": " A ", "product": None}, (None, 70, "A", "published", None)),
        ({"id": "70", "product": []}, (None, 70, "", "published", None)),
        ({"id": "70", "name": 7, "product": {"id": "5e1", "name": ""}}, (None, 70, "", "published", None)),
        ({"id": "9007199254740992"}, (None, 2**53, "", "published", None)),
        ({"id": "70", "product": {"id": "a3f0-77", "status": 3}}, (None, 70, "", "published", None)),
        ({"id": "9007199254740993"}, None),
        ({"id": "0"}, None),
        ({"id": True}, None),
        ({"id": "-70"}, None),
        ({"id": "\u0667\u0660"}, None),
        ({"id": "a3f0-77", "name": "A"}, None),
        ({"name": "A"}, None),
        (None, None),
        ("70", None),
    ],
)
def test_a_course_is_read_as_far_as_it_can_be(clock: Clock, node: Any, wanted: tuple[Any, ...] | None) -> None:
    found = Graph(clock, courses(node)).client.courses_page(None, 25).entries
    shown = [(entry.id, entry.productable_id, entry.name, entry.status, entry.slug) for entry in found]
    assert shown == ([] if wanted is None else [wanted])


@pytest.mark.parametrize(
    ("page", "cursor"),
    [
        ({"hasNextPage": True, "endCursor": "Mg"}, "Mg"),
        ({"hasNextPage": False, "endCursor": "Mg"}, None),
        ({"hasNextPage": None, "endCursor": "Mg"}, None),
        ({"endCursor": None}, None),
    ],
)
def test_the_next_cursor_is_none_on_the_last_page(clock: Clock, page: dict[str, Any], cursor: str | None) -> None:
    assert Graph(clock, courses(**page)).client.courses_page(None, 25).next_cursor == cursor


HTML = httpx.Response(429, text="<html></html>")

FAILURES: list[tuple[str, Any, type[Exception], str]] = [
    ("RATE_LIMITED", errors(**LATE), BudgetSpent, "used up"),
    ("rate limit without a code", errors(), BudgetSpent, "used up"),
    ("429 with a page", HTML, BudgetSpent, "429"),
    ("429 with nothing", httpx.Response(429), BudgetSpent, "429"),
    ("too costly", errors("Query cost of 1253 exceeds", code="MAX_QUERY_COST_EXCEEDED"), QueryTooCostly, "1253"),
    ("GATEWAY_TIMEOUT", errors("Timeout", code="GATEWAY_TIMEOUT"), ThinkificDown, "Timeout"),
    ("504", httpx.Response(504, text="error code: 504"), ThinkificDown, "504"),
    ("502 in JSON", httpx.Response(502, json=errors("Bad gateway")), ThinkificDown, "502"),
    ("a redirect", httpx.Response(302, headers={"Location": "/login"}), ThinkificDown, "302"),
    ("a page with 200", httpx.Response(200, text="<html></html>"), ThinkificDown, "something else"),
    ("a list with 200", httpx.Response(200, json=[]), ThinkificDown, "something else"),
    ("nothing with 200", httpx.Response(200), ThinkificDown, "something else"),
    ("no site", {"data": {"site": None}}, ThinkificDown, "something else"),
    ("no data", {}, ThinkificDown, "something else"),
    ("a reset", httpx.ReadError("reset"), ThinkificDown, "ReadError"),
    ("a time-out", httpx.ReadTimeout("late"), ThinkificDown, "ReadTimeout"),
    ("401", httpx.Response(401, json={"error": "Authentication Error"}), KeyRefused, "401 .Authentication Error"),
    ("401 with a page", httpx.Response(401, text="<html></html>"), KeyRefused, "no reason given"),
    ("403", httpx.Response(403, json=errors("No access")), KeyRefused, "403 .No access"),
    ("UNAUTHENTICATED", errors("Sign in", code="UNAUTHENTICATED"), KeyRefused, "Sign in"),
    ("an unknown field", errors("Field 'courses' doesn't exist", code="undefinedField"), ThinkificRejected, "courses"),
    ("400", httpx.Response(400, json=errors("Parse error")), ThinkificRejected, "Parse error"),
    ("strange errors", {"errors": "no", "data": None}, ThinkificDown, "something else"),
    ("more, but no cursor", courses(hasNextPage=True, endCursor=None), ThinkificRejected, "not where"),
]


@pytest.mark.parametrize(
    ("reply", "error", "said"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES]
)
def test_a_failure_says_what_it_means(clock: Clock, reply: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as raised:
        Graph(clock, reply).client.courses_page(None, 25)
    assert type(raised.value) is error
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("ahead", "form"),
    [(20, "iso"), (20, "seconds"), (20, "milliseconds"), (0.2, "iso"), (900, "iso"), (-5, "iso"), (-9e8, "seconds")],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_rate_limit_is_waited_for_until_its_reset(clock: Clock, ahead: float, form: str, inside: bool) -> None:
    at = clock.seconds() + ahead
    forms = {"iso": datetime.fromtimestamp(at, UTC).isoformat(), "seconds": at, "milliseconds": at * 1000}
    with pytest.raises(BudgetSpent) as raised:
        Graph(clock, limited(forms[form], inside=inside)).client.courses_page(None, 25)
    wanted = 60.0 if ahead < 0 else min(120.0, max(1.0, ahead))
    assert raised.value.retry_after == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("reset", [None, "", "soon", "2026-13-45", True, [], {}, "in 5 s", 10**400])
def test_a_reset_that_cannot_be_used_is_a_minute(clock: Clock, reset: Any) -> None:
    with pytest.raises(BudgetSpent) as raised:
        Graph(clock, limited(reset)).client.courses_page(None, 25)
    assert raised.value.retry_after == 60.0


@pytest.mark.parametrize(
    ("reply", "exists"),
    [
        ({"data": {"course": {"id": "70"}}}, True),
        ({"data": {"course": None}}, False),
        ({"data": {"course": None}, **errors("Course not found")}, False),
        ({"data": None, **errors("x", code="NOT_FOUND")}, False),
    ],
)
def test_whether_a_course_exists(clock: Clock, reply: Any, exists: bool) -> None:
    assert Graph(clock, reply).client.course_exists(70) is exists


@pytest.mark.parametrize("reply", [{"data": {"course": None}, **errors("Something went wrong")}, {"data": {}}, {}])
def test_an_answer_that_does_not_say_whether_a_course_exists_is_no_no(clock: Clock, reply: Any) -> None:
    with pytest.raises(ThinkificRejected):
        Graph(clock, reply).client.course_exists(70)


class Replaced:
    """A token that a person has replaced since it was read."""

    def __init__(self) -> None:
        self.token = "old"

    def read(self) -> str:
        return self.token

    def is_replaced(self, refused: str) -> bool:
        self.token = "new"
        return refused != self.token


def test_a_refused_token_is_read_again_once(clock: Clock) -> None:
    refusal = httpx.Response(401, json={"error": "no"})
    graph = Graph(clock, refusal, courses(), token=Replaced())
    graph.client.courses_page(None, 25)
    sent = [request.headers["Authorization"] for request in graph.requests]
    assert sent == ["Bearer old", "Bearer new"]

    refused = Graph(clock, refusal, token=Replaced())
    with pytest.raises(KeyRefused):
        refused.client.courses_page(None, 25)
    assert len(refused.requests) == 2


def test_without_a_token_nothing_is_asked(clock: Clock) -> None:
    graph = Graph(clock, courses(), token=None)
    assert not graph.client.is_set_up
    with pytest.raises(ThinkificRejected, match="b2b key set --graphql"):
        graph.client.courses_page(None, 25)
    assert graph.requests == []


@pytest.mark.parametrize(
    ("site", "subdomain"),
    [
        ({"data": {"site": {"subdomain": "acme"}}}, "acme"),
        ({"data": {"site": {"subdomain": None}}}, None),
        (errors("Field 'subdomain' doesn't exist on type 'Site'"), None),
    ],
)
def test_trying_a_token_says_whose_it_is(clock: Clock, site: Any, subdomain: str | None) -> None:
    graph = Graph(clock, courses(), site, token=None)
    assert graph.client.try_token("another") == subdomain
    assert {request.headers["Authorization"] for request in graph.requests} == {"Bearer another"}
