"""Thinkific's GraphQL, for the courses that its REST lists leave out: those made with its newer course builder.

It has a token of its own (an API Access Token; the REST key is refused) and a budget of its own: 2,000 points a
minute, 1,000 a request, so that nothing is drawn from the site's calls. Most errors come with status 200.

Sources: Thinkific's "GraphQL Authorization" and "GraphQL Query Limitations"
(https://support.thinkific.dev/hc/en-us/articles/22113098742935); the queries and the error codes as
MCKLtech/thinkific-saloon has them in production.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from b2b.domain.work.upstream import (
    BudgetSpent,
    GraphPage,
    KeyRefused,
    QueryTooCostly,
    ThinkificDown,
    ThinkificRejected,
)
from b2b.gateways.thinkific.answers import seconds_until_reset
from b2b.gateways.thinkific.models import CourseNode
from b2b.gateways.thinkific.transport import TIMEOUT, USER_AGENT

Json = dict[str, Any]

_COURSES = """
query Courses($first: Int, $after: String) {
  site {
    courses(first: $first, after: $after) {
      nodes { id name slug product { id name slug status } }
      pageInfo { endCursor hasNextPage }
    }
  }
}
"""
_COURSE = "query Course($id: ID!) { course(id: $id) { id } }"
_SITE = "query Site { site { subdomain } }"

_TOO_MUCH = frozenset({"RATE_LIMITED"})
_TOO_COSTLY = frozenset({"MAX_QUERY_COST_EXCEEDED"})
_PASSES = frozenset({"GATEWAY_TIMEOUT", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"})
_REFUSES_TOKEN = frozenset({"UNAUTHENTICATED", "UNAUTHORIZED"})
_TOKEN = "API Access Token for GraphQL"  # noqa: S105 - what it is called
_RETRY_SOON_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 120.0
_LONGEST_REASON = 200


class SchoolToken(Protocol):
    """The API Access Token, which a person may replace at any time, or never set."""

    def read(self) -> str | None:
        """As it is now; None: there is none.

        Raises ThinkificDown when nobody can say, ThinkificRejected for what cannot be a token.
        """
        ...

    def is_replaced(self, refused: str) -> bool:
        """Whether it is another one than that by now; the next ``read`` looks anew in any case."""
        ...


class FixedToken:
    """A token, or none, for as long as the process runs."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def read(self) -> str | None:
        return self._token

    def is_replaced(self, refused: str) -> bool:
        return refused != self._token


def graphql_client() -> httpx.Client:
    """A connection pool; the token goes with each call."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
    return httpx.Client(headers=headers, timeout=TIMEOUT, trust_env=False)


class ThinkificGraphQL:
    """Every method reads, with one call.

    Each raises BudgetSpent or ThinkificDown where another try helps, KeyRefused for the token, and QueryTooCostly or
    else ThinkificRejected for the query.
    """

    def __init__(
        self, http: httpx.Client, url: str, token: SchoolToken, *, now: Callable[[], float] = time.time
    ) -> None:
        self._http = http
        self._url = url
        self._token = token
        self._now = now

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    @property
    def is_set_up(self) -> bool:
        """Whether there is a token. Raises as its ``read`` does."""
        return self._token.read() is not None

    def courses_page(self, after: str | None, first: int) -> GraphPage:
        """The ``first`` courses behind the cursor ``after``. What is no course with a readable id is left out."""
        courses = self._ask(_COURSES, {"first": first, "after": after}).object("site", "courses")
        page = _object(courses.get("pageInfo"))
        cursor = page.get("endCursor")
        if page.get("hasNextPage") and not (isinstance(cursor, str) and cursor):
            raise ThinkificRejected("GraphQL says that there are more courses, and not where.")
        return GraphPage(
            entries=tuple(node.to_domain() for node in _course_nodes(courses) if node.id is not None),
            next_cursor=cursor if page.get("hasNextPage") else None,
        )

    def course_exists(self, course_id: int) -> bool:
        reply = self._ask(_COURSE, {"id": str(course_id)})
        if reply.data.get("course") is not None:
            return True
        # Whether a missing record is null, or an error too, is not documented.
        strange = [error for error in reply.errors if not _says_missing(error)]
        if strange or ("course" not in reply.data and not reply.errors):
            raise ThinkificRejected(f"GraphQL: {_reason(strange, {})}")
        return False

    def try_token(self, token: str) -> str | None:
        """One cheap query with a token that need not be the school's.

        The subdomain of the site that the token belongs to, None where GraphQL does not tell.
        """
        self._send(token, _COURSES, {"first": 1, "after": None}).object("site", "courses")
        try:
            subdomain = _at(self._send(token, _SITE, {}).data, "site", "subdomain")
        except ThinkificRejected:
            return None
        return subdomain if isinstance(subdomain, str) else None

    def _ask(self, query: str, variables: Json) -> "_Reply":
        token = self._token.read()
        if token is None:
            raise ThinkificRejected("There is no API Access Token for GraphQL: `b2b key set --graphql` puts it in.")
        try:
            return self._send(token, query, variables)
        except KeyRefused:
            if not self._token.is_replaced(token):
                raise
        # Another one was put in after this process had read it.
        return self._send(self._token.read() or token, query, variables)

    def _send(self, token: str, query: str, variables: Json) -> "_Reply":
        headers = {"Authorization": f"Bearer {token}"}
        try:
            response = self._http.post(self._url, json={"query": query, "variables": variables}, headers=headers)
        except httpx.HTTPError as error:
            raise ThinkificDown(f"GraphQL: {type(error).__name__}.", retry_after=_RETRY_SOON_SECONDS) from error
        body = _body(response)
        errors = _errors(body)
        self._check_status(response, body, errors)
        return _Reply(_object(body.get("data")), errors)

    def _check_status(self, response: httpx.Response, body: Json, errors: list[Json]) -> None:
        status = response.status_code
        if status == 429:
            raise BudgetSpent(f"GraphQL answered {status}.", retry_after=self._seconds(body, response.headers))
        for error in errors:
            self._check_code(error, body)
        if status in (401, 403):
            raise KeyRefused(status, _reason(errors, body), what=_TOKEN)
        if status >= 500 or status == 408 or response.is_redirect:
            raise ThinkificDown(f"GraphQL answered {status}.", retry_after=_RETRY_SOON_SECONDS)
        if not response.is_success:
            raise ThinkificRejected(f"GraphQL answered {status} ({_reason(errors, body)}).")

    def _check_code(self, error: Json, body: Json) -> None:
        """Those errors that say something about the whole request."""
        code, message = _code(error), _message(error)
        if code in _TOO_MUCH or "rate limit exceeded" in message.lower():
            raise BudgetSpent("GraphQL's points are used up for now.", retry_after=self._seconds(body, {}))
        if code in _TOO_COSTLY:
            raise QueryTooCostly(f"GraphQL: {message}")
        if code in _REFUSES_TOKEN:
            raise KeyRefused(401, message, what=_TOKEN)
        if code in _PASSES:
            raise ThinkificDown(f"GraphQL: {message}", retry_after=_RETRY_SOON_SECONDS)

    def _seconds(self, body: Json, headers: Mapping[str, str]) -> float:
        """Until the points are back: ``resetAt`` where that is to come, else what the headers say, else a minute."""
        for found in (body, *_errors(body)):
            reset = _moment(_at(found, "extensions", "rateLimit", "resetAt"))
            if reset is not None and reset > self._now():
                return min(_LONGEST_WAIT_SECONDS, max(1.0, reset - self._now()))
        return seconds_until_reset(headers, self._now())


@dataclass(frozen=True, slots=True)
class _Reply:
    """``data`` with what could be read, ``errors`` about the rest."""

    data: Json
    errors: list[Json]

    def object(self, *path: str) -> Json:
        """An object in ``data`` without which the reply is no good."""
        found = _at(self.data, *path)
        if isinstance(found, dict):
            return found
        if self.errors:
            raise ThinkificRejected(f"GraphQL: {_reason(self.errors, {})}")
        raise _unreadable()


def _course_nodes(courses: Json) -> Iterator[CourseNode]:
    nodes = courses.get("nodes")
    return (CourseNode.model_validate(node) for node in nodes or () if isinstance(node, dict))


def _body(response: httpx.Response) -> Json:
    """Empty for what is no JSON object: a proxy's page, whose status says it all."""
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if isinstance(body, dict):
        return body
    if response.is_success:
        raise _unreadable()
    return {}


def _errors(body: Json) -> list[Json]:
    errors = body.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _code(error: Json) -> str:
    return str(_at(error, "extensions", "code") or "")


def _message(error: Json) -> str:
    return str(error.get("message") or _code(error) or "no reason given")[:_LONGEST_REASON]


def _reason(errors: list[Json], body: Json) -> str:
    if errors:
        return _message(errors[0])
    return str(body.get("error") or body.get("message") or "no reason given")[:_LONGEST_REASON]


def _says_missing(error: Json) -> bool:
    return "NOT_FOUND" in _code(error) or "not found" in _message(error).lower()


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _at(value: object, *path: str) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _moment(value: object) -> float | None:
    """Epoch seconds of an ISO time, or of a number of seconds or milliseconds."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value / 1000 if value > 10_000_000_000 else float(value)
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _unreadable() -> ThinkificDown:
    return ThinkificDown("GraphQL answered something else than was asked for.", retry_after=_RETRY_SOON_SECONDS)
