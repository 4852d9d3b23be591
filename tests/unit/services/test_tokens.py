"""Tokens over the table."""

from datetime import timedelta

import pytest
from tests.unit.clock import Clock
from tests.unit.domain.records import user

from b2b.domain.errors import Forbidden, InvalidInput, NotFound, TooManyRequests, Unauthenticated
from b2b.domain.tokens import SCOPES, new_secret
from b2b.domain.users import User
from b2b.services.pages import PageRequest
from b2b.services.tokens import TokenService
from b2b.storage.store import Store
from b2b.storage.table import Table


class Monotonic:
    """A clock that only counts."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture(autouse=True)
def admin(table: Table) -> User:
    """Whom the tokens act as."""
    store, admin = Store(table), user(7)
    store.transact(store.users.add(admin, None))
    return admin


@pytest.fixture
def tokens(table: Table, clock: Clock, monotonic: Monotonic) -> TokenService:
    return TokenService(Store(table), clock=clock, monotonic=monotonic)


@pytest.fixture
def elsewhere(table: Table, clock: Clock) -> TokenService:
    """Another process over the same table."""
    return TokenService(Store(table), clock=clock)


def test_a_new_token_is_good_for_all_scopes_and_acts_as_its_user(tokens: TokenService) -> None:
    token, secret = tokens.create("Zapier", user_id=7)
    principal = tokens.authenticate(secret)
    assert (principal.token_id, principal.user_id, principal.scopes) == (token.id, 7, frozenset(SCOPES))
    assert token.last_four == secret[-4:]


def test_a_token_has_the_scopes_it_was_given(tokens: TokenService) -> None:
    _, secret = tokens.create("Zapier", user_id=7, scopes=["users:read"])
    assert tokens.authenticate(secret).scopes == {"users:read"}


def test_a_token_cannot_mint_one_with_a_scope_it_lacks(tokens: TokenService) -> None:
    with pytest.raises(Forbidden):
        tokens.create("Zapier", user_id=7, scopes=["users:read", "users:write"], allowed=["users:read", "tokens:write"])
    assert tokens.list_page(PageRequest(1, 15)).total == 0


@pytest.mark.parametrize("secret", ["", "x", "b2b_" + "0" * 46])
def test_what_is_no_secret_is_refused(tokens: TokenService, secret: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.authenticate(secret)


def test_a_secret_that_nobody_gave_out_is_refused(tokens: TokenService) -> None:
    with pytest.raises(Unauthenticated):
        tokens.authenticate(new_secret())


def test_a_token_ends_at_its_moment_though_it_was_just_seen(tokens: TokenService, clock: Clock) -> None:
    _, secret = tokens.create("Zapier", user_id=7, expires_at=clock() + timedelta(seconds=2))
    tokens.authenticate(secret)
    clock.advance(seconds=2)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(secret)


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_token_that_has_ended_already_is_not_made(tokens: TokenService, clock: Clock, seconds: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        tokens.create("Zapier", user_id=7, expires_at=clock() + timedelta(seconds=seconds))
    assert refused.value.errors.keys() == {"expires_at"}


def test_a_revoked_token_is_refused_at_once_where_it_was_revoked(tokens: TokenService) -> None:
    token, secret = tokens.create("Zapier", user_id=7)
    tokens.authenticate(secret)
    tokens.revoke(token.id)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(secret)


def test_a_revoked_token_is_refused_elsewhere_after_five_seconds(
    tokens: TokenService, elsewhere: TokenService, monotonic: Monotonic
) -> None:
    token, secret = tokens.create("Zapier", user_id=7)
    tokens.authenticate(secret)
    elsewhere.revoke(token.id)
    monotonic.seconds += 4.9
    tokens.authenticate(secret)
    monotonic.seconds += 0.2
    with pytest.raises(Unauthenticated):
        tokens.authenticate(secret)


def test_what_is_remembered_is_not_remembered_longer_by_being_used(
    tokens: TokenService, elsewhere: TokenService, monotonic: Monotonic
) -> None:
    token, secret = tokens.create("Zapier", user_id=7)
    tokens.authenticate(secret)
    elsewhere.revoke(token.id)
    for _ in range(4):
        monotonic.seconds += 1.2
        tokens.authenticate(secret)
    monotonic.seconds += 1.2
    with pytest.raises(Unauthenticated):
        tokens.authenticate(secret)


def test_an_unknown_token_is_not_remembered_as_unknown(tokens: TokenService, elsewhere: TokenService) -> None:
    with pytest.raises(Unauthenticated):
        tokens.authenticate(new_secret())
    _, secret = elsewhere.create("Zapier", user_id=7)
    assert tokens.authenticate(secret).user_id == 7


def test_revoking_what_is_not_there(tokens: TokenService) -> None:
    with pytest.raises(NotFound):
        tokens.revoke(1)
    token, _ = tokens.create("Zapier", user_id=7)
    tokens.revoke(token.id)
    with pytest.raises(NotFound):
        tokens.revoke(token.id)


def test_tokens_are_listed_without_their_secrets_until_revoked(tokens: TokenService) -> None:
    made = [tokens.create(name, user_id=7)[0] for name in ("A", "B", "C")]
    tokens.revoke(made[1].id)
    page = tokens.list_page(PageRequest(1, 15))
    assert ([token.name for token in page.records], page.total) == (["A", "C"], 2)


def test_the_last_use_is_noted_once_a_minute(tokens: TokenService, clock: Clock, monotonic: Monotonic) -> None:
    _, secret = tokens.create("Zapier", user_id=7)

    def last_used() -> object:
        return tokens.list_page(PageRequest(1, 15)).records[0].last_used_at

    assert last_used() is None
    tokens.authenticate(secret)
    first = clock()
    assert last_used() == first
    for passed, noted in ((30.0, first), (31.0, first + timedelta(seconds=61))):
        clock.advance(seconds=passed)
        monotonic.seconds += passed
        tokens.authenticate(secret)
        assert last_used() == noted


def test_requests_beyond_the_limit_of_a_minute_are_refused(table: Table, clock: Clock) -> None:
    limited = TokenService(Store(table), requests_per_minute=2, clock=clock)
    _, secret = limited.create("Zapier", user_id=7)
    clock.advance(seconds=40)
    for _ in range(2):
        limited.authenticate(secret)
    with pytest.raises(TooManyRequests) as refused:
        limited.authenticate(secret)
    assert refused.value.retry_after == 20
    clock.advance(seconds=20)
    limited.authenticate(secret)


def test_the_limit_is_each_tokens_own(table: Table, clock: Clock) -> None:
    limited = TokenService(Store(table), requests_per_minute=1, clock=clock)
    for name in ("A", "B"):
        limited.authenticate(limited.create(name, user_id=7)[1])


def test_what_the_token_of_a_user_that_is_gone_is_still_good_for_makes_no_token(
    table: Table, tokens: TokenService, admin: User
) -> None:
    _, secret = tokens.create("Zapier", user_id=admin.id)
    tokens.authenticate(secret)
    store = Store(table)
    store.transact(store.users.remove(admin))
    assert tokens.authenticate(secret).user_id == admin.id
    with pytest.raises(Unauthenticated):
        tokens.create("For later", user_id=admin.id)
