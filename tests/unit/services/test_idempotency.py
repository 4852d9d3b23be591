"""Calls with an idempotency key whose caller, or whose carrier, does not live to see the end."""

import zlib

import pytest
from tests.unit.services.world import World, reference

from b2b.domain.errors import Conflict
from b2b.domain.idempotency import Claim
from b2b.domain.products import Product
from b2b.domain.tokens import new_secret
from b2b.domain.users import GrantTerms, User
from b2b.services.idempotency import Answer, IdempotencyService
from b2b.storage.keys import idempotency
from b2b.storage.table import Table

TERMS = GrantTerms(active=True, enrollment_days=0)
REQUEST = b"POST /api/users/seat/1 {...}"
SECRET = new_secret()
SERVER_ERROR = Answer(500, (), b"")


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
    keys.end(second, SECRET, Answer(200, (), b"{}"))
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


def test_a_server_error_after_adding_lets_the_next_try_answer_without_adding(
    world: World, boss: User, course: Product, keys: IdempotencyService
) -> None:
    first = claimed(keys, "first")
    add_five(world, boss, course, first)
    keys.end(first, SECRET, SERVER_ERROR)
    assert add_five(world, boss, course, claimed(keys, "second")) == 5


def test_a_server_error_before_adding_frees_the_key_for_any_call(keys: IdempotencyService) -> None:
    keys.end(claimed(keys, "first"), SECRET, SERVER_ERROR)
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


def test_a_kept_answer_is_read_with_the_callers_token_only(
    world: World, keys: IdempotencyService, table: Table
) -> None:
    """It may hold a new token, or a student who is deleted before it is."""
    body = b'{"data": {"token": "b2b_secret", "email": "ada@example.com"}}' * 20
    claim = claimed(keys, "first")
    keys.end(claim, SECRET, Answer(201, (), body))
    kept = table.get(idempotency(1, claim.key_digest))
    assert kept is not None
    stored = bytes(kept["body"])
    with pytest.raises(zlib.error):
        zlib.decompress(stored[16:])
    with pytest.raises(zlib.error):
        keys.begin(1, new_secret(), "key", REQUEST, "another token")
    assert keys.begin(1, SECRET, "key", REQUEST, "again") == Answer(201, (), body)
    # The same once more leaves nothing that could be compared.
    world.clock.advance(days=2)
    keys.end(claimed(keys, "later"), SECRET, Answer(201, (), body))
    again = table.get(idempotency(1, claim.key_digest))
    assert again is not None
    assert bytes(again["body"]) != stored
