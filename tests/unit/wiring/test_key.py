"""The school's key in Secrets Manager, and a worker that runs on while a person replaces it."""

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.unit.aws import REGION
from tests.unit.clock import Clock
from tests.unit.secrets import secrets_manager
from tests.unit.thinkific.wire import Wire, ok, page, refused, user

from b2b.domain.work.upstream import KeyRefused, SitePaused, ThinkificDown, ThinkificRejected
from b2b.gateways.thinkific import Thinkific
from b2b.wiring.aws import session
from b2b.wiring.secrets import NO_KEY, SecretKey, SecretToken

__all__ = ["secrets_manager"]

OLD, NEW = "old-" * 8, "new-" * 8
SECRET = "the-schools-key"
EMAIL = "ada@example.com"


class Secret:
    """The school's secret, without a value at first."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.arn: str = self._client.create_secret(Name=SECRET)["ARN"]

    def put(self, **value: Any) -> None:
        self._client.put_secret_value(SecretId=self.arn, **value)

    def delete(self, **how: Any) -> None:
        self._client.delete_secret(SecretId=self.arn, **how)


@pytest.fixture(scope="module")
def region() -> Iterator[None]:
    """One for all: to make one costs more than a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        session.cache_clear()
        yield
    session.cache_clear()


@pytest.fixture
def secret(secrets_manager: Any, region: None) -> Iterator[Secret]:
    made = Secret(secrets_manager)
    yield made
    made.delete(ForceDeleteWithoutRecovery=True)


@pytest.fixture
def wire(clock: Clock) -> Wire:
    return Wire(clock)


def accepting(*keys: str) -> Callable[[httpx.Request], httpx.Response]:
    """Thinkific, while these are good."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["X-Auth-API-Key"] not in keys:
            return refused(401, {"error": "Authentication Error"})
        return page(user()) if request.method == "GET" else ok(user(), 201)

    return answer


def keys_sent(wire: Wire) -> list[str]:
    return [request.headers["X-Auth-API-Key"] for request in wire.requests]


def read(client: Thinkific) -> Any:
    return client.accounts.find(EMAIL)


def create(client: Thinkific) -> Any:
    return client.accounts.create(first_name="Ada", last_name="Lovelace", email=EMAIL)


@pytest.fixture
def warm(wire: Wire, secret: Secret) -> Thinkific:
    """A worker that has made a call with the old key."""
    secret.put(SecretString=OLD)
    client = wire.client(SecretKey(secret.arn))
    wire.replies = [accepting(OLD)]
    read(client)
    wire.requests.clear()
    return client


@pytest.mark.parametrize("call", [read, create])
def test_a_warm_worker_takes_a_new_key_within_the_call_that_refuses_the_old_one(
    call: Callable[[Thinkific], Any], warm: Thinkific, wire: Wire, secret: Secret
) -> None:
    secret.put(SecretString=NEW)
    wire.replies = [accepting(NEW)]
    granted = wire.ledger.state.version
    assert call(warm).email == EMAIL
    assert keys_sent(wire) == [OLD, NEW]
    assert wire.ledger.state.version == granted + 2, "each of them drew from the budget"
    assert wire.ledger.state.pause_reason is None
    call(warm)
    assert keys_sent(wire) == [OLD, NEW, NEW]


def test_while_both_keys_are_good_nobody_looks(warm: Thinkific, wire: Wire, secret: Secret) -> None:
    secret.put(SecretString=NEW)
    wire.replies = [accepting(OLD, NEW)]
    read(warm)
    assert keys_sent(wire) == [OLD]


def test_a_refused_key_pauses_the_site_until_the_new_one_is_there(
    warm: Thinkific, wire: Wire, secret: Secret, clock: Clock
) -> None:
    wire.replies = [accepting(NEW)]
    for _ in range(3):
        with pytest.raises(SitePaused, match="it answered 401"):
            read(warm)
    assert keys_sent(wire) == [OLD]
    secret.put(SecretString=NEW)
    clock.advance(seconds=61)
    assert read(warm).email == EMAIL
    assert keys_sent(wire) == [OLD, NEW]


def test_a_new_key_that_is_refused_too_is_tried_once(warm: Thinkific, wire: Wire, secret: Secret) -> None:
    secret.put(SecretString=NEW)
    wire.replies = [accepting()]
    with pytest.raises(SitePaused):
        read(warm)
    assert keys_sent(wire) == [OLD, NEW]


def test_a_secret_that_is_emptied_does_not_hide_why_the_site_is_paused(
    warm: Thinkific, wire: Wire, secret: Secret
) -> None:
    secret.delete()
    wire.replies = [accepting()]
    with pytest.raises(SitePaused, match="it answered 401"):
        read(warm)


def test_without_a_key_the_site_is_paused_with_the_reason_and_heals(wire: Wire, secret: Secret, clock: Clock) -> None:
    client = wire.client(SecretKey(secret.arn))
    wire.replies = [accepting(NEW)]
    for _ in range(3):
        with pytest.raises(SitePaused) as raised:
            read(client)
        assert str(raised.value) == NO_KEY
        assert not raised.value.is_failed_attempt
    assert wire.ledger.state.pause_reason == NO_KEY
    assert (wire.asked, client.calls) == ([], 0)

    secret.put(SecretString=NEW)
    clock.advance(seconds=61)
    assert read(client).email == EMAIL
    assert wire.ledger.state.pause_reason is None


@pytest.mark.parametrize(
    "value",
    [
        {"SecretString": " "},
        {"SecretString": "two words"},
        {"SecretString": "two\nlines"},
        {"SecretString": "schlüssel"},
        {"SecretBinary": b"\xff\x00"},
    ],
    ids=["blank", "words", "lines", "not ASCII", "bytes"],
)
def test_what_cannot_be_a_key_is_never_sent(wire: Wire, secret: Secret, value: dict[str, Any]) -> None:
    secret.put(**value)
    wire.replies = [accepting(NEW)]
    with pytest.raises(SitePaused, match="`b2b key set`"):
        read(wire.client(SecretKey(secret.arn)))
    assert wire.asked == []


def test_a_line_end_that_an_editor_left_is_no_part_of_the_key(secret: Secret) -> None:
    secret.put(SecretString=f"{NEW}\n")
    assert SecretKey(secret.arn).read() == NEW


def test_a_secret_that_cannot_be_read_is_worth_another_try(wire: Wire, secret: Secret) -> None:
    secret.put(SecretString=NEW)
    secret.delete()  # for its days of grace
    with pytest.raises(ThinkificDown, match="cannot be read from Secrets Manager: InvalidRequestException"):
        read(wire.client(SecretKey(secret.arn)))
    assert wire.ledger.state.pause_reason is None


def test_the_key_is_remembered_for_as_long_as_was_said(secret: Secret) -> None:
    secret.put(SecretString=OLD)
    remembering, forgetful = SecretKey(secret.arn), SecretKey(secret.arn, remembered=0)
    assert remembering.read() == forgetful.read() == OLD
    secret.put(SecretString=NEW)
    assert (remembering.read(), forgetful.read()) == (OLD, NEW)


def test_looking_for_the_key_takes_a_few_seconds_at_most(secret: Secret) -> None:
    config = SecretKey(secret.arn)._secret._provider.client.meta.config
    assert (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"] <= 6


def test_a_key_may_be_tried_while_the_site_is_paused(warm: Thinkific, wire: Wire) -> None:
    wire.replies = [accepting(NEW)]
    with pytest.raises(SitePaused):
        read(warm)
    paused = wire.ledger.state
    with pytest.raises(KeyRefused) as raised:
        warm.try_key("wrong")
    assert (raised.value.status, raised.value.reason) == (401, "Authentication Error")
    warm.try_key(NEW)
    assert keys_sent(wire) == [OLD, "wrong", NEW]
    assert wire.ledger.state.version == paused.version + 2
    assert (wire.ledger.state.pause_reason, wire.ledger.state.paused_until) == (
        paused.pause_reason,
        paused.paused_until,
    )


def test_nobody_logs_the_key(
    wire: Wire, secret: Secret, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    for value, good in (({"SecretString": OLD}, ()), ({"SecretString": NEW}, (NEW,)), ({"SecretString": "a b"}, ())):
        secret.put(**value)
        caplog.clear()  # what putting it there has logged
        client = wire.client(SecretKey(secret.arn))
        wire.replies = [accepting(*good)]
        wire.budget.resume()
        try:
            read(client)
        except SitePaused as error:
            told += traceback.format_exception(error)
        told += [caplog.text, repr(client), str(wire.ledger.state)]
    output = "".join([*told, *capfd.readouterr()])
    assert "Authentication Error" in output
    assert not [key for key in (OLD, NEW, "a b") if key in output]


# GraphQL's token, of which there need not be one


def test_a_school_without_a_token_is_a_school_without_graphql(secret: Secret) -> None:
    assert SecretToken(secret.arn).read() is None


@pytest.mark.parametrize("text", [" ", "two words", "two\nlines", "schlüssel"])
def test_what_cannot_be_a_token_is_said_to_be_none(secret: Secret, text: str) -> None:
    secret.put(SecretString=text)
    with pytest.raises(ThinkificRejected, match="b2b key set --graphql"):
        SecretToken(secret.arn).read()


def test_a_token_is_taken_within_five_minutes_or_when_the_old_one_is_refused(secret: Secret) -> None:
    token = SecretToken(secret.arn)
    assert token.read() is None
    secret.put(SecretString=f"{OLD}\n")
    assert token.read() == OLD
    secret.put(SecretString=NEW)
    assert token.read() == OLD
    assert token.is_replaced(OLD)
    assert token.read() == NEW
    assert not token.is_replaced(NEW)


def test_a_token_that_cannot_be_read_is_worth_another_try(secret: Secret) -> None:
    secret.put(SecretString=NEW)
    secret.delete()
    with pytest.raises(ThinkificDown, match="cannot be read from Secrets Manager"):
        SecretToken(secret.arn).read()
