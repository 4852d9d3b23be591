"""The ways in which a call can end other than well."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.unit.clock import Clock
from tests.unit.thinkific.wire import Wire, html, ok, page, refused, user

from b2b.domain.work.upstream import (
    AnswerLost,
    BudgetSpent,
    EmailTaken,
    SitePaused,
    ThinkificDown,
    ThinkificError,
    ThinkificMissing,
    ThinkificRejected,
)
from b2b.gateways.thinkific import Thinkific
from b2b.gateways.thinkific.answers import seconds_until_reset
from b2b.gateways.thinkific.models import flattened_errors

NOW = 1_773_144_000.0

Call = Callable[[Thinkific], Any]


def read(client: Thinkific) -> Any:
    return client.accounts.find("ada@example.com")


def create(client: Thinkific) -> Any:
    return client.accounts.create(first_name="Ada", last_name="Lovelace", email="ada@example.com")


def change(client: Thinkific) -> Any:
    return client.enrollments.update(9, activated_at=datetime(2026, 3, 10, tzinfo=UTC), expiry_date=None)


def end_of(call: Call, wire: Wire, reply: httpx.Response | Exception) -> ThinkificError:
    client = wire.answers(reply)
    with pytest.raises(ThinkificError) as raised:
        call(client)
    return raised.value


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit-Reset": str(int((NOW + 30) * 1000))}, 30),
        ({"RateLimit-Reset": str(int(NOW + 30))}, 30),
        ({"RateLimit-Reset": "30"}, 30),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "7", "RateLimit-Reset": str(int((NOW + 30) * 1000))}, 7),
        ({}, 60),
        ({"RateLimit-Reset": "soon"}, 60),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "RateLimit-Reset": "9"}, 9),
        ({"RateLimit-Reset": str(int((NOW - 5) * 1000))}, 1),
        ({"RateLimit-Reset": "0"}, 1),
        ({"RateLimit-Reset": str(int((NOW + 86_400) * 1000))}, 120),
    ],
    ids=[
        "milliseconds since 1970",
        "seconds since 1970",
        "a duration",
        "Retry-After",
        "Retry-After goes first",
        "neither",
        "a word",
        "a date is passed over",
        "in the past",
        "nought",
        "absurdly far",
    ],
)
def test_how_long_a_429_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert seconds_until_reset(httpx.Headers(headers), NOW) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_a_reset_that_is_no_time_is_not_believed(value: str) -> None:
    assert 1 <= seconds_until_reset(httpx.Headers({"Retry-After": value}), NOW) <= 120


@pytest.mark.parametrize(
    "answer",
    [
        refused(429, {"error": "Rate limit exceeded"}, **{"Retry-After": "30"}),
        httpx.Response(429, text="<h1>Too Many Requests</h1>", headers={"Retry-After": "30"}),
        httpx.Response(429, headers={"Retry-After": "30"}),
        httpx.Response(403, text="Rate Limit Exceeded", headers={"Retry-After": "30"}),
    ],
    ids=["json", "html", "empty", "the older rule's 403"],
)
@pytest.mark.parametrize("call", [read, create])
def test_too_many_calls_hold_everyone_until_the_reset(call: Call, answer: httpx.Response, wire: Wire) -> None:
    refusal = end_of(call, wire, answer)
    assert isinstance(refusal, BudgetSpent)
    assert refusal.retry_after == 30
    assert not refusal.is_failed_attempt
    wait = wire.budget.take()
    assert wait is not None
    assert wait.seconds == pytest.approx(30)


@pytest.mark.parametrize(
    "answer",
    [
        refused(401, {"error": "Authentication Error"}),
        refused(403, {"error": "Access to Apps is not available on your plan. Upgrade to gain access"}),
    ],
)
@pytest.mark.parametrize("call", [read, create])
def test_a_refused_key_pauses_the_site(call: Call, answer: httpx.Response, wire: Wire) -> None:
    refusal = end_of(call, wire, answer)
    assert isinstance(refusal, SitePaused)
    assert not refusal.is_failed_attempt
    assert wire.ledger.state.pause_reason == (
        f"Thinkific refuses the school's key: it answered {answer.status_code} ({answer.json()['error']})."
    )
    with pytest.raises(SitePaused):
        call(wire.client())
    assert len(wire.asked) == 1


def test_a_token_that_may_not_make_one_call_does_not_pause_the_others(wire: Wire) -> None:
    refusal = end_of(create, wire, refused(403, {"error": "Access token has insufficient scope."}))
    assert isinstance(refusal, ThinkificRejected)
    assert refusal.reason == "Thinkific: Access token has insufficient scope."
    assert wire.budget.take() is None


def test_a_paused_site_is_tried_again_after_a_minute(wire: Wire, clock: Clock) -> None:
    end_of(read, wire, refused(401, {"error": "Authentication Error"}))
    clock.advance(seconds=61)
    assert read(wire.answers(page(user()))).id == 4


@pytest.mark.parametrize(
    "body", [{"error": "Record not found."}, {"error": ["Record not found."]}, {"error": {"user_id": ["None."]}}]
)
def test_an_unknown_id_is_missing(wire: Wire, body: dict[str, Any]) -> None:
    assert isinstance(end_of(change, wire, refused(404, body)), ThinkificMissing)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"errors": {"first_name": ["can't be blank"]}}, "Thinkific: first_name can't be blank"),
        ({"errors": {"a": ["one", "two"], "b": ["three"]}}, "Thinkific: a one; a two; b three"),
        ({"errors": ["Course could not be found."]}, "Thinkific: Course could not be found."),
        ({"errors": ["One.", "Two."]}, "Thinkific: One.; Two."),
        ({"errors": {"user_id": "Invalid user IDs: 3"}}, "Thinkific: user_id Invalid user IDs: 3"),
        ({"errors": [{"name": "is wrong"}]}, "Thinkific: name is wrong"),
        ({"error": "Parameter ID is required."}, "Thinkific: Parameter ID is required."),
        ({}, "Thinkific: refused with status 422"),
        ([], "Thinkific: refused with status 422"),
    ],
)
def test_a_refusal_for_good_has_a_reason_that_a_person_understands(wire: Wire, body: object, reason: str) -> None:
    refusal = end_of(change, wire, refused(422, body))
    assert type(refusal) is ThinkificRejected
    assert refusal.reason == reason


def test_a_refusal_in_html_is_a_refusal_all_the_same(wire: Wire) -> None:
    refusal = end_of(change, wire, httpx.Response(422, text="<h1>no</h1>"))
    assert isinstance(refusal, ThinkificRejected)
    assert refusal.reason == "Thinkific: refused with status 422"


@pytest.mark.parametrize("errors", [{"email": ["has already been taken"]}, {"email": "has already been taken"}])
def test_an_address_that_another_account_has_is_told_apart(wire: Wire, errors: dict[str, Any]) -> None:
    assert isinstance(end_of(create, wire, refused(422, {"errors": errors})), EmailTaken)


@pytest.mark.parametrize("errors", [{"email": ["is invalid"]}, {"external_id": ["has already been taken"]}])
def test_other_refusals_on_creating_are_not_taken_for_it(wire: Wire, errors: dict[str, Any]) -> None:
    assert type(end_of(create, wire, refused(422, {"errors": errors}))) is ThinkificRejected


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530])
def test_a_fault_while_reading_is_worth_another_try(wire: Wire, status: int) -> None:
    refusal = end_of(read, wire, html(status))
    assert isinstance(refusal, ThinkificDown)
    assert refusal.is_failed_attempt


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 522, 524, 530])
@pytest.mark.parametrize("call", [create, change])
def test_a_fault_while_writing_leaves_open_what_happened(call: Call, status: int, wire: Wire) -> None:
    assert isinstance(end_of(call, wire, html(status)), AnswerLost)


@pytest.mark.parametrize("call", [read, create])
@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("")])
def test_what_was_never_sent_did_nothing(call: Call, error: Exception, wire: Wire) -> None:
    assert isinstance(end_of(call, wire, error), ThinkificDown)


@pytest.mark.parametrize(
    ("call", "kind"), [(read, ThinkificDown), (create, AnswerLost), (change, AnswerLost)], ids=["read", "POST", "PUT"]
)
@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
    ],
)
def test_a_broken_connection_loses_the_answer_of_a_write(
    call: Call, kind: type[ThinkificError], error: Exception, wire: Wire
) -> None:
    assert isinstance(end_of(call, wire, error), kind)


@pytest.mark.parametrize(
    ("call", "kind"), [(read, ThinkificDown), (create, AnswerLost)], ids=["while reading", "while writing"]
)
@pytest.mark.parametrize("content", [b"<html>", b"[1]", b'"text"', b"\xff\xfe", b"{"])
def test_a_good_status_with_an_answer_that_is_none(
    call: Call, kind: type[ThinkificError], content: bytes, wire: Wire
) -> None:
    assert isinstance(end_of(call, wire, httpx.Response(200, content=content)), kind)


def test_reading_that_is_answered_with_nothing_is_worth_another_try(wire: Wire) -> None:
    assert isinstance(end_of(read, wire, ok()), ThinkificDown)


@pytest.mark.parametrize("body", [{}, {"id": "x", "email": "a@x.io"}, {"id": 4}])
def test_a_created_record_that_makes_no_sense_is_a_lost_answer(wire: Wire, body: dict[str, Any]) -> None:
    assert isinstance(end_of(create, wire, ok(body, 201)), AnswerLost)


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": [{"id": 4}]}])
def test_a_list_that_makes_no_sense_is_no_loss(wire: Wire, body: dict[str, Any]) -> None:
    assert isinstance(end_of(read, wire, ok(body)), (ThinkificDown, AnswerLost))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(wire: Wire, status: int) -> None:
    answer = httpx.Response(status, headers={"Location": "https://elsewhere.example/"})
    assert isinstance(end_of(read, wire, answer), ThinkificDown)
    assert len(wire.asked) == 1


def test_a_call_waits_a_little_for_its_turn(wire: Wire) -> None:
    client = wire.answers(page())
    for _ in range(6):
        read(client)
    assert len(wire.asked) == 6
    assert sum(wire.slept) == pytest.approx(2 * 60 / 97, abs=0.01)


def test_a_call_that_would_wait_long_is_not_made(clock: Clock) -> None:
    wire = Wire(clock, rate=1)
    client = wire.answers(page())
    read(client)
    with pytest.raises(BudgetSpent) as spent:
        read(client)
    assert len(wire.asked) == 1
    assert wire.slept == []
    assert spent.value.retry_after == pytest.approx(60)


@pytest.mark.parametrize(("bulk", "made"), [(False, 4), (True, 1)])
def test_calls_in_bulk_leave_the_burst_to_others(wire: Wire, bulk: bool, made: int) -> None:
    client = wire.answers(page())
    with client.in_bulk(bulk=bulk):
        while not wire.slept:
            read(client)
    assert len(wire.asked) == made + 1


def test_each_page_of_a_list_is_a_call_of_the_budget(wire: Wire) -> None:
    client = wire.answers(page({"id": 1, "name": "A"}, next_page=2), page())
    client.groups.find("B")
    assert wire.ledger.state.version == 2


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"errors": {"a": ["x"]}, "error": "y"}, {"a": ["x"], "": ["y"]}),
        ({"errors": {"a": None}}, {}),
        ({"errors": {"a": {"b": ["x"]}}}, {"b": ["x"]}),
        ("text", {}),
        (None, {}),
    ],
)
def test_sentences_of_an_error_body_by_field(body: object, found: dict[str, list[str]]) -> None:
    assert flattened_errors(body) == found
