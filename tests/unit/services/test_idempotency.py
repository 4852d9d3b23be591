"""Calls with an idempotency key whose caller, or whose carrier, does not live to see the end."""

import hashlib
import hmac
import json
import zlib
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.services.world import World, reference

from b2b.domain.catalogue.products import Product
from b2b.domain.errors import Conflict
from b2b.domain.identity.tokens import new_secret
from b2b.domain.identity.users import GrantTerms, User
from b2b.domain.work.idempotency import Claim
from b2b.services.work.idempotency import Answer, IdempotencyService
from b2b.storage.actions import put
from b2b.storage.keys import idempotency
from b2b.storage.table import Table

TERMS = GrantTerms(active=True, enrollment_days=0)
REQUEST = b"POST /api/users/seat/1 {...}"
SECRET = new_secret()
SERVER_ERROR = Answer(500, (), b"")
JSON = (("content-type", "application/json"),)


@pytest.fixture
def keys(world: World) -> IdempotencyService:
    return IdempotencyService(world.store, world.clock)


@pytest.fixture
def course(world: World) -> Product:
    return world.course()


def claimed(keys: IdempotencyService, owner: str, request: bytes = REQUEST) -> Claim:
    claim = keys.begin(1, SECRET, "key", request, owner)
    assert isinstance(claim, Claim)
    return claim


def add_five(world: World, boss: User, course: Product, claim: Claim) -> int | None:
    """The seats that there are afterwards."""
    view = world.users.add_seats(boss.id, reference(course), TERMS, 5, claim)
    ((grant, _),) = view.grants
    return grant.max_seats


def test_who_died_after_adding_seats_has_added_them(
    world: World, boss: User, course: Product, keys: IdempotencyService
) -> None:
    assert add_five(world, boss, course, claimed(keys, "dies")) == 5
    assert keys.begin(1, SECRET, "key", REQUEST, "impatient") is None
    world.clock.advance(seconds=61)
    second = claimed(keys, "second")
    assert add_five(world, boss, course, second) == 5
    keys.end(second, Answer(200, (), b"{}"))
    assert keys.begin(1, SECRET, "key", REQUEST, "third") == Answer(200, (), b"{}")


def test_who_died_before_adding_seats_has_not(
    world: World, boss: User, course: Product, keys: IdempotencyService
) -> None:
    claimed(keys, "dies")
    world.clock.advance(seconds=61)
    assert add_five(world, boss, course, claimed(keys, "second")) == 5


def test_who_is_thought_dead_adds_nothing_behind_the_other(
    world: World, boss: User, course: Product, keys: IdempotencyService
) -> None:
    slow = claimed(keys, "slow")
    world.clock.advance(seconds=61)
    assert add_five(world, boss, course, claimed(keys, "second")) == 5
    assert add_five(world, boss, course, slow) == 5


def test_who_is_thought_dead_is_not_told_that_it_was_done_before_it_is(
    world: World, boss: User, course: Product, keys: IdempotencyService
) -> None:
    slow = claimed(keys, "slow")
    world.clock.advance(seconds=61)
    second = claimed(keys, "second")
    with pytest.raises(Conflict) as refused:
        add_five(world, boss, course, slow)
    assert refused.value.code == "idempotency_in_progress"
    assert add_five(world, boss, course, second) == 5


def test_a_server_error_after_adding_lets_the_next_try_answer_without_adding(
    world: World, boss: User, course: Product, keys: IdempotencyService
) -> None:
    first = claimed(keys, "first")
    add_five(world, boss, course, first)
    keys.end(first, SERVER_ERROR)
    assert add_five(world, boss, course, claimed(keys, "second")) == 5


def test_a_server_error_before_adding_frees_the_key_for_any_call(keys: IdempotencyService) -> None:
    keys.end(claimed(keys, "first"), SERVER_ERROR)
    claimed(keys, "second", b"another request")


def test_a_key_under_way_is_not_for_another_call_however_late(world: World, keys: IdempotencyService) -> None:
    claimed(keys, "dies")
    world.clock.advance(seconds=61)
    with pytest.raises(Conflict):
        keys.begin(1, SECRET, "key", b"another request", "second")


def test_a_day_later_the_key_is_free(world: World, boss: User, course: Product, keys: IdempotencyService) -> None:
    assert add_five(world, boss, course, claimed(keys, "first")) == 5
    world.clock.advance(hours=25)
    assert add_five(world, boss, course, claimed(keys, "second", b"another request")) == 10


def test_without_a_key_every_call_adds(world: World, boss: User, course: Product) -> None:
    for expected in (5, 10):
        view = world.users.add_seats(boss.id, reference(course), TERMS, 5)
        assert [grant.max_seats for grant, _ in view.grants] == [expected]


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 205, 206, 207, 226, 299])
def test_an_answer_that_says_it_was_done_is_kept(keys: IdempotencyService, status: int) -> None:
    answer = Answer(status, JSON, b'{"data":{"id":1}}')
    keys.end(claimed(keys, "first"), answer)
    assert keys.begin(1, SECRET, "key", REQUEST, "second") == answer


@pytest.mark.parametrize(
    "status", [199, 300, 304, 400, 401, 403, 404, 405, 409, 413, 415, 418, 422, 429, 499, 500, 502, 503, 504]
)
def test_a_refusal_is_not_kept_and_the_key_is_free_for_any_call(keys: IdempotencyService, status: int) -> None:
    keys.end(claimed(keys, "first"), Answer(status, JSON, b'{"message":"No."}'))
    keys.end(claimed(keys, "second"), Answer(status, JSON, b'{"message":"No."}'))
    claimed(keys, "third", b"another request")


SECRET_BODIES: list[tuple[Any, Any]] = [
    ({"data": {"id": 1, "token": "b2b_x"}}, {"data": {"id": 1, "token": None}}),
    ({"token": "b2b_x"}, {"token": None}),
    (
        {"data": {"secret": "whsec_x", "url": "https://example.com"}},
        {"data": {"secret": None, "url": "https://example.com"}},
    ),
    ({"data": {"password": "12345678"}}, {"data": {"password": None}}),
    ({"data": {"link": "https://example.com/in/abc"}}, {"data": {"link": None}}),
    ({"data": [{"token": "a"}, {"token": "b"}]}, {"data": [{"token": None}, {"token": None}]}),
    ({"data": [[{"deep": {"deeper": [{"secret": "x"}]}}]]}, {"data": [[{"deep": {"deeper": [{"secret": None}]}}]]}),
    ({"data": {"token": {"value": "x", "id": 3}}}, {"data": {"token": None}}),
    ({"data": {"link": ["x", "y"]}}, {"data": {"link": None}}),
    ({"data": {"secret": 12345}}, {"data": {"secret": None}}),
    (
        {"data": {"token": "x", "secret": "y", "password": "z", "link": "w"}},
        {"data": dict.fromkeys(["token", "secret", "password", "link"])},
    ),
    ([{"token": "b2b_x"}], [{"token": None}]),
]


@pytest.mark.parametrize(("body", "replayed"), SECRET_BODIES)
def test_a_secret_is_null_in_a_replay_and_nowhere_in_the_table(
    keys: IdempotencyService, table: Table, body: Any, replayed: Any
) -> None:
    claim = claimed(keys, "first")
    keys.end(claim, Answer(201, JSON, json.dumps(body).encode()))
    again = keys.begin(1, SECRET, "key", REQUEST, "second")
    assert isinstance(again, Answer)
    assert json.loads(again.body) == replayed
    item = table.get(idempotency(1, claim.key_digest))
    assert item is not None
    assert json.loads(zlib.decompress(bytes(item["body"]))) == replayed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"data":{"id":1}}',
        b'{ "data" : {"id": 1.0e2} }',
        '{"data":{"name":"Zo\u00eb"}}'.encode(),
        b'{"data":{"name":"Zo\\u00eb"}}',
        b'{"data":[],"links":{"first":"/api/tokens?page=1"}}',
        b'{"data":{"name":"token","last_four":"abcd","tokens":3,"Token":"as named","secrets":[],"password_set":true}}',
        b'{"data":{"token":null}}',
        b'{"data":{"name":"secret: hunter2"}}',
    ],
)
def test_an_answer_without_secrets_is_replayed_to_the_byte(keys: IdempotencyService, body: bytes) -> None:
    answer = Answer(200, JSON, body)
    keys.end(claimed(keys, "first"), answer)
    assert keys.begin(1, SECRET, "key", REQUEST, "second") == answer


GUESSABLE = [
    b'POST\n/api/users\n\n{"name":"A","email":"a@example.com","password":"' + password + b'"}'
    for password in (
        *(b"12345678", b"password", b"qwertyui", b"letmein1", b"iloveyou", b"trustno1", b"sunshine", b"football"),
        *(b"baseball", b"superman", "p\u00e4ssw\u00f6rd".encode()),
    )
]


@pytest.mark.parametrize("request_", GUESSABLE, ids=range(len(GUESSABLE)))
def test_who_reads_the_table_can_test_no_guess_of_what_was_sent(
    keys: IdempotencyService, table: Table, request_: bytes
) -> None:
    """Not even knowing everything in the row but the token's secret."""
    claim = claimed(keys, "first", request_)
    item = table.get(idempotency(1, claim.key_digest))
    assert item is not None
    for known in (b"", b"1", claim.key_digest.encode(), b"first"):
        for digest in ("sha256", "sha1", "md5", "sha512"):
            assert item["fingerprint"] != hashlib.new(digest, known + request_).hexdigest()
            assert item["fingerprint"] != hmac.digest(known, request_, digest).hex()
    keys.release(claim)
    other = keys.begin(1, new_secret(), "key", request_, "another token")
    assert isinstance(other, Claim)
    assert other.fingerprint != claim.fingerprint


def _row(**fields: Any) -> dict[str, Any]:
    """As the release wrote it whose fingerprint was a plain hash, and whose answers were sealed by its own cipher."""
    plain = hashlib.sha256(REQUEST).hexdigest()
    return {"fingerprint": plain, "owner": "f" * 32} | {
        name: value for name, value in fields.items() if value is not None
    }


_SEALED = {"headers": json.dumps([["content-type", "application/json"]]), "body": bytes(range(64))}
FORMER_ROWS = {
    "kept 200": _row(status=200, **_SEALED),
    "kept 201": _row(status=201, **_SEALED),
    "kept 204": _row(status=204, headers="[]", body=bytes(24)),
    "kept 400": _row(status=400, **_SEALED),
    "kept 403": _row(status=403, **_SEALED),
    "kept 404": _row(status=404, **_SEALED),
    "kept 409": _row(status=409, **_SEALED),
    "kept 422": _row(status=422, **_SEALED),
    "under way": _row(busy_until="2999-01-01T00:00:00.000000Z"),
    "given up": _row(busy_until="2001-01-01T00:00:00.000000Z"),
    "done and given up": _row(busy_until="1970-01-01T00:00:00.000000Z", done=True),
    "done and under way": _row(busy_until="2999-01-01T00:00:00.000000Z", done=True),
    "done and kept": _row(status=200, done=True, **_SEALED),
}


@pytest.mark.parametrize("row", FORMER_ROWS.values(), ids=FORMER_ROWS.keys())
def test_what_a_former_release_has_carried_out_is_never_carried_out_again(
    world: World, keys: IdempotencyService, table: Table, row: dict[str, Any]
) -> None:
    key = idempotency(1, hashlib.sha256(b"key").hexdigest())
    until = world.clock() + timedelta(hours=24)
    table.write(put(key, row | {"ttl": int(until.timestamp())}))
    for hours in (0, 1, 22.9):
        world.clock.advance(hours=hours)
        with pytest.raises(Conflict) as refused:
            keys.begin(1, SECRET, "key", REQUEST, "repeats")
        assert refused.value.code == "idempotency_key_reused"
    world.clock.advance(hours=0.2)
    claimed(keys, "a day later")
