"""Calls to Thinkific's Admin API v1, each within the site's budget and with one clear way to end.

Source of paths, fields and codes: Thinkific's Admin OpenAPI 3.0.1 (see ``models``); where it is silent or wrong,
what public clients found is noted beside the code.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from b2b.domain.catalogue.products import ProductableType
from b2b.domain.enrollment.matching import by_course
from b2b.domain.identity.emails import email_key
from b2b.domain.work.budget import Budget
from b2b.domain.work.upstream import (
    AnswerLost,
    BudgetSpent,
    CataloguePage,
    EmailTaken,
    KeyRefused,
    MembersPage,
    NameTaken,
    SitePaused,
    ThinkificDown,
    ThinkificEnrollment,
    ThinkificMissing,
    ThinkificRejected,
    ThinkificUser,
)
from b2b.gateways.thinkific.models import (
    BundleAnswer,
    EnrollmentAnswer,
    GroupAnswer,
    ListAnswer,
    ProductAnswer,
    UserAnswer,
    flattened_errors,
)

# Ten seconds to connect and thirty in all is what the most used public client settled on; a worker's lease and
# time-out leave room for one call, so it is twenty here.
TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_SOLD = frozenset(kind.value for kind in ProductableType)
_PAGE_LIMIT = 250  # Thinkific's maximum
_MEMBERS_LIMIT = 50  # each member is a transaction of ours, and a page has to fit into a worker's time
_RESET_UNKNOWN_SECONDS = 60.0
_RETRY_SOON_SECONDS = 5.0
_PAUSED_SECONDS = 60.0
# An API key is 32 characters long, so what is longer may be an access token.
KEY_LENGTH = 32
# What a header can carry, and no spaces.
_KEY = re.compile(r"[!-~]+")
# Cloudflare refuses writes without a User-Agent.
USER_AGENT = "b2b-seats/0.1"

# Its log lines hold whole addresses, and so e-mails.
logging.getLogger("httpx").setLevel(logging.WARNING)

# The request did not reach Thinkific in these cases.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

Json = dict[str, Any]
Answer = TypeVar("Answer", bound=BaseModel)


def is_key(text: str) -> bool:
    """Whether it may be one at all; only Thinkific knows whether it is."""
    return _KEY.fullmatch(text) is not None


class SchoolKey(Protocol):
    """The Admin API key, which a person may replace at any time."""

    def read(self) -> str:
        """As it is now. Raises SitePaused with the reason when there is none, ThinkificDown when nobody can say."""
        ...

    def is_replaced(self, refused: str) -> bool:
        """Whether it is another one than that by now; the next ``read`` looks anew in any case."""
        ...


class FixedKey:
    """A key for as long as the process runs."""

    def __init__(self, key: str) -> None:
        self._key = key

    def read(self) -> str:
        return self._key

    def is_replaced(self, refused: str) -> bool:
        return refused != self._key


def http_client(base_url: str, *, subdomain: str) -> httpx.Client:
    """A connection pool for the school; the key goes with each call."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "X-Auth-Subdomain": subdomain}
    return httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT, trust_env=False)


class Thinkific:
    """Every method makes one call (``list_...`` one a page) and raises the errors of ``domain.upstream``.

    ``patience``: for how many seconds a call waits for its turn before it raises BudgetSpent.
    """

    def __init__(
        self,
        http: httpx.Client,
        budget: Budget,
        key: SchoolKey,
        *,
        patience: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._budget = budget
        self._key = key
        self._patience = patience
        self._sleep = sleep
        self._now = now
        self._turn = threading.local()
        self.calls = 0  # made by this process, for the figures

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    @contextmanager
    def in_bulk(self, *, bulk: bool) -> Iterator[None]:
        """Within, the calls of this thread leave the budget's burst to others."""
        self._turn.bulk = bulk
        try:
            yield
        finally:
            self._turn.bulk = False

    # Users

    def find_user(self, email: str) -> ThinkificUser | None:
        """By exact e-mail. Thinkific ignores filters it does not know, so each row is checked again."""
        wanted = email_key(email)
        answer = self._read("/users", {"query[email]": email})
        users = (_parsed(UserAnswer, item).to_domain() for item in _list(answer).items)
        return next((user for user in users if email_key(user.email) == wanted), None)

    def get_user(self, user_id: int) -> ThinkificUser | None:
        try:
            return _parsed(UserAnswer, self._read(f"/users/{user_id}")).to_domain()
        except ThinkificMissing:
            return None

    def user_exists(self, user_id: int) -> bool:
        try:
            self._read(f"/users/{user_id}")
        except ThinkificMissing:
            return False
        return True

    def create_user(self, *, first_name: str, last_name: str, email: str) -> ThinkificUser:
        """Without a password Thinkific lets the student sign in by a link. Raises EmailTaken."""
        body = {
            "first_name": first_name,
            "last_name": last_name,
            "email": email,
            # A profile field that the school requires is the student's to fill in, not a reason to refuse.
            "skip_custom_fields_validation": True,
        }
        return _parsed(UserAnswer, self._write("POST", "/users", body)).to_domain()

    def update_user(self, user_id: int, **fields: str) -> None:
        """``first_name``, ``last_name``, ``email``: what is not given stays. Raises EmailTaken."""
        self._write("PUT", f"/users/{user_id}", fields)

    def delete_user(self, user_id: int) -> None:
        """For good, with the progress. One that is gone already is fine."""
        with suppress(ThinkificMissing):
            self._write("DELETE", f"/users/{user_id}", None)

    # Groups

    def group_members(self, group_id: int, page: int) -> MembersPage:
        query = {"query[group_id]": group_id, "page": page, "limit": _MEMBERS_LIMIT}
        answer = _list(self._read("/users", query))
        return MembersPage(
            members=tuple(_parsed(UserAnswer, item).to_domain() for item in answer.items),
            next_page=answer.next_page if answer.items else None,
            total=answer.total_items,
        )

    def is_in_group(self, user: ThinkificUser, group_id: int) -> bool:
        """The two filters go together, as public clients found."""
        answer = _list(self._read("/users", {"query[group_id]": group_id, "query[email]": user.email}))
        return any(_parsed(UserAnswer, item).id == user.id for item in answer.items)

    def add_to_group(self, user_id: int, group_name: str) -> None:
        """Raises ThinkificRejected for a group that does not exist."""
        self._write("POST", "/group_users", {"user_id": user_id, "group_names": [group_name]})

    def find_group(self, name: str) -> int | None:
        """Its id. There is no filter by name: all pages are read until it is found."""
        groups = (_parsed(GroupAnswer, item) for item in self._all("/groups", {}))
        return next((group.id for group in groups if group.name == name), None)

    def create_group(self, name: str) -> int:
        """Its id. Raises NameTaken.

        Thinkific answers the group bare or, as public clients see it, wrapped in ``group``.
        """
        answer = self._write("POST", "/groups", {"name": name})
        inner = answer.get("group", answer) if answer else answer
        return _parsed(GroupAnswer, inner).id

    # Course enrollments

    def find_enrollment(self, user_id: int, course_id: int) -> ThinkificEnrollment | None:
        """The user's enrollment in the course; of several, the one that lasts longest."""
        answer = self._read("/enrollments", {"query[user_id]": user_id, "query[course_id]": course_id})
        rows = [_parsed(EnrollmentAnswer, item).to_domain() for item in _list(answer).items]
        return by_course(row for row in rows if row.user_id == user_id).get(course_id)

    def read_enrollment(self, enrollment_id: int) -> ThinkificEnrollment | None:
        """By its own id, for those that the lists may leave out; None: Thinkific does not know it."""
        try:
            answer = self._read(f"/enrollments/{enrollment_id}")
        except ThinkificMissing:
            return None
        return _parsed(EnrollmentAnswer, answer).to_domain()

    def list_enrollments(self, user_id: int) -> list[ThinkificEnrollment]:
        """All course enrollments of the user, those that a bundle brought included."""
        rows = self._all("/enrollments", {"query[user_id]": user_id})
        enrollments = (_parsed(EnrollmentAnswer, item).to_domain() for item in rows)
        return [enrollment for enrollment in enrollments if enrollment.user_id == user_id]

    def create_enrollment(
        self, *, user_id: int, course_id: int, activated_at: datetime, expiry_date: datetime | None
    ) -> int:
        """Its id. ``expiry_date`` None = without end."""
        body = {"user_id": user_id, "course_id": course_id, **_dates(activated_at, expiry_date)}
        return _parsed(EnrollmentAnswer, self._write("POST", "/enrollments", body)).id

    def update_enrollment(self, enrollment_id: int, *, activated_at: datetime, expiry_date: datetime | None) -> None:
        """``expiry_date`` None leaves it as it is."""
        self._write("PUT", f"/enrollments/{enrollment_id}", _dates(activated_at, expiry_date))

    # Bundles

    def bundle_course_ids(self, bundle_id: int) -> tuple[int, ...]:
        return _parsed(BundleAnswer, self._read(f"/bundles/{bundle_id}")).course_ids

    def find_bundle_enrollments(self, user_id: int, bundle_id: int) -> list[ThinkificEnrollment]:
        """The user's rows in the bundle; none: the user is not in it.

        Whether there is one row, or one for each course, is not documented.
        """
        query = {"query[user_id]": user_id, "limit": _PAGE_LIMIT}
        answer = self._read(f"/bundles/{bundle_id}/enrollments", query)
        rows = [_parsed(EnrollmentAnswer, item).to_domain() for item in _list(answer).items]
        return [row for row in rows if row.user_id == user_id]

    def enroll_in_bundle(
        self, *, user_id: int, bundle_id: int, activated_at: datetime, expiry_date: datetime | None
    ) -> bool:
        """Enrolls in the bundle and each of its courses. False: accepted (202), the courses follow later."""
        body = {"user_id": user_id, **_dates(activated_at, expiry_date)}
        return self._send("POST", f"/bundles/{bundle_id}/enrollments", body=body).status_code != 202

    def update_bundle_enrollment(
        self, *, user_id: int, bundle_id: int, activated_at: datetime, expiry_date: datetime | None
    ) -> None:
        """Changes the bundle and each of its courses. ``expiry_date`` None leaves it as it is."""
        body = {"user_id": user_id, **_dates(activated_at, expiry_date)}
        self._write("PUT", f"/bundles/{bundle_id}/enrollments", body)

    # Catalogue

    def catalogue_page(self, page: int) -> CataloguePage:
        """What we sell of it: of a kind that we do not know, a row may look like anything."""
        answer = _list(self._read("/products", {"page": page, "limit": _PAGE_LIMIT}))
        ours = [item for item in answer.items if item.get("productable_type") in _SOLD]
        return CataloguePage(
            entries=tuple(_parsed(ProductAnswer, item).to_domain() for item in ours),
            # Guards against an upstream that never says that it is the last page.
            next_page=answer.next_page if answer.items else None,
            total=answer.total_items,
        )

    def product_exists(self, product_id: int) -> bool:
        try:
            self._read(f"/products/{product_id}")
        except ThinkificMissing:
            return False
        return True

    # The key

    def try_key(self, key: str) -> None:
        """One cheap call with a key that need not be the school's. Raises KeyRefused; nothing is paused for that."""
        self._await_turn(despite_pause=True)
        response = self._ask("GET", "/products", {"page": 1, "limit": 1}, None, key)
        if _refuses_key(response):
            raise KeyRefused(response.status_code, _sentence(response))
        if not response.is_success:
            raise self._refusal(response, "GET", "/products")

    # One call

    def _all(self, path: str, query: Mapping[str, Any]) -> Iterator[Json]:
        page: int | None = 1
        seen: set[object] = set()
        while page is not None:
            answer = _list(self._read(path, {**query, "page": page, "limit": _PAGE_LIMIT}))
            news = [item for item in answer.items if item.get("id") not in seen]
            yield from news
            seen |= {item.get("id") for item in news}
            # Guards against an upstream that never says that it is the last page.
            page = answer.next_page if news else None

    def _read(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        answer = _body(self._send("GET", path, query=query))
        if answer is None:
            raise ThinkificDown(f"GET {path} answered nothing.", retry_after=_RETRY_SOON_SECONDS)
        return answer

    def _write(self, method: str, path: str, body: Json | None) -> Json:
        return _body(self._send(method, path, body=body)) or {}

    def _send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Json | None = None
    ) -> httpx.Response:
        """The answer if it is a good one; else raises what it means."""
        response, key = self._ask_as_the_school(method, path, query, body)
        if _refuses_key(response) and self._key.is_replaced(key):
            # Another key was put in after this process had read it; the refused call did nothing.
            response, _ = self._ask_as_the_school(method, path, query, body)
        if response.is_success:
            return response
        raise self._refusal(response, method, path)

    def _ask_as_the_school(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Json | None
    ) -> tuple[httpx.Response, str]:
        """The answer, and the key that it was asked for with."""
        self._await_turn()
        try:
            key = self._key.read()
        except SitePaused as paused:
            self._budget.pause(str(paused))
            raise
        return self._ask(method, path, query, body, key), key

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Json | None, key: str
    ) -> httpx.Response:
        self.calls += 1
        try:
            return self._http.request(method, path, params=query, json=body, headers=_credentials(key))
        except _NOT_SENT as error:
            raise _down(method, path, type(error).__name__) from error
        except httpx.HTTPError as error:
            if method != "GET":
                raise AnswerLost(f"{method} {path}: {type(error).__name__}") from error
            raise _down(method, path, type(error).__name__) from error

    def _await_turn(self, *, despite_pause: bool = False) -> None:
        patience = self._patience
        bulk = getattr(self._turn, "bulk", False)
        while (wait := self._budget.take(bulk=bulk, despite_pause=despite_pause)) is not None:
            if wait.pause_reason is not None:
                raise SitePaused(wait.pause_reason, retry_after=wait.seconds)
            if wait.seconds > patience:
                raise BudgetSpent("The calls allowed to the site are used up.", retry_after=wait.seconds)
            patience -= wait.seconds
            self._sleep(wait.seconds)

    def _refusal(self, response: httpx.Response, method: str, path: str) -> Exception:
        status = response.status_code
        call = f"{method} {path}"
        if _is_too_much(response):
            seconds = seconds_until_reset(response.headers, self._now())
            self._budget.hold(seconds)
            return BudgetSpent(f"{call}: Thinkific answered {status}.", retry_after=seconds)
        if _refuses_key(response):
            reason = f"Thinkific refuses the school's key: it answered {status} ({_sentence(response)})."
            self._budget.pause(reason)
            return SitePaused(reason, retry_after=_PAUSED_SECONDS)
        if status == 403:
            return ThinkificRejected(f"Thinkific: {_sentence(response)}")
        if status == 404:
            return ThinkificMissing(f"{call}: not found.")
        if status >= 500 and method != "GET":
            return AnswerLost(f"{call}: Thinkific answered {status}.")
        if status in (400, 422):
            return _rejection(response)
        if status >= 500 or status in (408, 425) or response.is_redirect:
            return _down(method, path, f"status {status}")
        return ThinkificRejected(f"Thinkific answered {status} ({_sentence(response)}).")


def seconds_until_reset(headers: Mapping[str, str], now: float) -> float:
    """How long to wait after a 429: ``Retry-After``, else ``RateLimit-Reset``, else a minute; 1 to 120.

    ``RateLimit-Reset`` is documented as epoch milliseconds and, elsewhere, as the time until the reset; both
    are understood by their size.
    """
    for name in ("Retry-After", "RateLimit-Reset"):
        try:
            value = float(headers[name])
        except (KeyError, ValueError):
            continue
        if value > 10_000_000_000:
            value = value / 1000 - now
        elif value > 1_000_000_000:
            value -= now
        return min(120.0, max(1.0, value))
    return _RESET_UNKNOWN_SECONDS


def _credentials(key: str) -> dict[str, str]:
    """A long key is sent as an access token too."""
    headers = {"X-Auth-API-Key": key}
    if len(key) > KEY_LENGTH:
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _is_too_much(response: httpx.Response) -> bool:
    """429, or the older rule's 403."""
    status = response.status_code
    return status == 429 or (status == 403 and "rate limit" in response.text.lower())


def _refuses_key(response: httpx.Response) -> bool:
    status = response.status_code
    return status == 401 or (status == 403 and not _is_too_much(response) and not _concerns_scope(response))


def _concerns_scope(response: httpx.Response) -> bool:
    """Whether the token may not make this call; the plan and the key are fine."""
    text = response.text.lower()
    return "scope" in text or "permission" in text


def _dates(activated_at: datetime, expiry_date: datetime | None) -> Json:
    """As Thinkific writes dates: seconds and ``Z``. Without ``activated_at`` there would be no access."""
    dates = {"activated_at": _date(activated_at)}
    if expiry_date is not None:
        dates["expiry_date"] = _date(expiry_date)
    return dates


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _body(response: httpx.Response) -> Json | None:
    """None for an answer without a body: PUT answers 204, or 200 with nothing in it."""
    if not response.content:
        return None
    try:
        answer = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _unreadable(response) from error
    if not isinstance(answer, dict):
        raise _unreadable(response)
    return answer


def _unreadable(response: httpx.Response) -> Exception:
    request = response.request
    message = f"{request.method} {request.url.path}: an answer that is no JSON object."
    if request.method == "GET":
        return ThinkificDown(message, retry_after=_RETRY_SOON_SECONDS)
    return AnswerLost(message)


def _list(answer: Json) -> ListAnswer:
    return _parsed(ListAnswer, answer)


def _parsed(model: type[Answer], answer: Json) -> Answer:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise AnswerLost(f"Thinkific answered something that is no {model.__name__}.") from error


def _down(method: str, path: str, what: str) -> ThinkificDown:
    return ThinkificDown(f"{method} {path}: {what}.", retry_after=_RETRY_SOON_SECONDS)


def _rejection(response: httpx.Response) -> ThinkificRejected:
    try:
        errors = flattened_errors(response.json())
    except ValueError:
        errors = {}
    sentences = [f"{field} {text}".strip() for field, texts in errors.items() for text in texts]
    reason = "Thinkific: " + ("; ".join(sentences) or f"refused with status {response.status_code}")
    if any("taken" in text for text in errors.get("email", [])):
        return EmailTaken(reason, errors)
    if any("taken" in text for text in errors.get("name", [])):
        return NameTaken(reason, errors)
    return ThinkificRejected(reason, errors)


def _sentence(response: httpx.Response) -> str:
    try:
        errors = flattened_errors(response.json())
    except ValueError:
        return "no reason given"
    return "; ".join(text for texts in errors.values() for text in texts) or "no reason given"
