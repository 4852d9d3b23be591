"""Tokens over the table."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from tests.unit.clock import START, Clock
from tests.unit.domain.records import user

from b2b.domain.errors import Forbidden, InvalidInput, NotFound, TooManyRequests, Unauthenticated
from b2b.domain.identity.tokens import ALL_SCOPES, SCOPES, Principal, new_secret
from b2b.domain.identity.users import User
from b2b.services.identity.tokens import TokenService
from b2b.services.pages import PageRequest
from b2b.storage.store import Store
from b2b.storage.table import Table

# Sees every token; not one of those in the table.
OPERATOR = Principal(999, 7, ALL_SCOPES)


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
    store.transact(store.users.add_user(admin, None))
    return admin


@pytest.fixture
def tokens(table: Table, clock: Clock, monotonic: Monotonic) -> TokenService:
    return TokenService(Store(table), clock=clock, monotonic=monotonic)


@pytest.fixture
def elsewhere(table: Table, clock: Clock) -> TokenService:
    """Another process over the same table."""
    return TokenService(Store(table), clock=clock)


def made(
    tokens: TokenService, name: str = "Maker", *, scopes: Iterable[str] = SCOPES, expires_at: datetime | None = None
) -> Principal:
    """Who calls with a token that was just made."""
    return tokens.authenticate(tokens.create(name, user_id=7, scopes=scopes, expires_at=expires_at)[1])


def test_a_new_token_is_good_for_all_scopes_and_acts_as_its_user(tokens: TokenService) -> None:
    token, secret = tokens.create("Zapier", user_id=7)
    principal = tokens.authenticate(secret)
    assert (principal.token_id, principal.user_id, principal.scopes) == (token.id, 7, frozenset(SCOPES))
    assert token.last_four == secret[-4:]


def test_a_token_has_the_scopes_it_was_given(tokens: TokenService) -> None:
    _, secret = tokens.create("Zapier", user_id=7, scopes=["users:read"])
    assert tokens.authenticate(secret).scopes == {"users:read"}


def test_a_token_cannot_mint_one_with_a_scope_it_lacks(tokens: TokenService) -> None:
    maker = made(tokens, scopes=["users:read", "tokens:write"])
    with pytest.raises(Forbidden):
        tokens.create("Zapier", user_id=7, scopes=["users:read", "users:write"], maker=maker)
    assert tokens.list_page(PageRequest(1, 15), viewer=OPERATOR).total == 1


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
    tokens.revoke(token.id, OPERATOR)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(secret)


def test_a_revoked_token_is_refused_elsewhere_after_five_seconds(
    tokens: TokenService, elsewhere: TokenService, monotonic: Monotonic
) -> None:
    token, secret = tokens.create("Zapier", user_id=7)
    tokens.authenticate(secret)
    elsewhere.revoke(token.id, OPERATOR)
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
    elsewhere.revoke(token.id, OPERATOR)
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
        tokens.revoke(1, OPERATOR)
    token, _ = tokens.create("Zapier", user_id=7)
    tokens.revoke(token.id, OPERATOR)
    with pytest.raises(NotFound):
        tokens.revoke(token.id, OPERATOR)


def test_tokens_are_listed_without_their_secrets_until_revoked(tokens: TokenService) -> None:
    made = [tokens.create(name, user_id=7)[0] for name in ("A", "B", "C")]
    tokens.revoke(made[1].id, OPERATOR)
    page = tokens.list_page(PageRequest(1, 15), viewer=OPERATOR)
    assert ([token.name for token in page.records], page.total) == (["A", "C"], 2)


def test_the_last_use_is_noted_once_a_minute(tokens: TokenService, clock: Clock, monotonic: Monotonic) -> None:
    _, secret = tokens.create("Zapier", user_id=7)

    def last_used() -> object:
        return tokens.list_page(PageRequest(1, 15), viewer=OPERATOR).records[0].last_used_at

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


def test_what_a_revoked_token_is_still_good_for_makes_no_token(tokens: TokenService, elsewhere: TokenService) -> None:
    _, secret = tokens.create("Leaked", user_id=7)
    maker = tokens.authenticate(secret)
    elsewhere.revoke(maker.token_id, OPERATOR)
    assert tokens.authenticate(secret) == maker
    with pytest.raises(Unauthenticated):
        tokens.create("For later", user_id=7, maker=maker)
    assert tokens.list_page(PageRequest(1, 15), viewer=OPERATOR).total == 0


SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
# How long the maker is good for, what is asked for, and how long the new token is good for; None = without an end.
ENDS = [
    (None, None, None),
    (None, DAY, DAY),
    (None, 36_500 * DAY, 36_500 * DAY),
    (DAY, None, DAY),
    (DAY, DAY, DAY),
    (DAY, DAY + timedelta(microseconds=1), DAY),
    (DAY, DAY - timedelta(microseconds=1), DAY - timedelta(microseconds=1)),
    (DAY, 2 * DAY, DAY),
    (DAY, 36_500 * DAY, DAY),
    (DAY, SECOND, SECOND),
    (SECOND, DAY, SECOND),
    (SECOND, None, SECOND),
    (36_500 * DAY, None, 36_500 * DAY),
]


@pytest.mark.parametrize(("makers", "asked", "granted"), ENDS)
def test_a_token_ends_no_later_than_its_maker(
    tokens: TokenService, makers: timedelta | None, asked: timedelta | None, granted: timedelta | None
) -> None:
    def moment(span: timedelta | None) -> datetime | None:
        return None if span is None else START + span

    maker = made(tokens, expires_at=moment(makers))
    token, secret = tokens.create("Zapier", user_id=7, expires_at=moment(asked), maker=maker)
    assert token.expires_at == moment(granted)
    # Nor does one that the new one makes.
    again, _ = tokens.create("Zapier's", user_id=7, maker=tokens.authenticate(secret))
    assert again.expires_at == moment(granted)


@pytest.mark.parametrize("makers", [None, DAY])
def test_an_end_in_the_past_is_refused_whatever_the_makers(tokens: TokenService, makers: timedelta | None) -> None:
    maker = made(tokens, expires_at=None if makers is None else START + makers)
    with pytest.raises(InvalidInput):
        tokens.create("Zapier", user_id=7, expires_at=START - DAY, maker=maker)


READER = {"users:read", "students:read", "products:read"}
# The scopes of who looks, of the token, and whether it is seen.
SEEN = [
    (ALL_SCOPES, ALL_SCOPES, True),
    (ALL_SCOPES, {"users:read"}, True),
    (ALL_SCOPES, set(), True),
    ({"tokens:write"}, ALL_SCOPES, False),
    ({"tokens:write"}, {"users:read"}, False),
    ({"tokens:write"}, {"tokens:write"}, True),
    ({"tokens:write"}, {"tokens:write", "users:read"}, False),
    ({"tokens:write"}, set(), True),
    (READER | {"tokens:write"}, READER, True),
    (READER | {"tokens:write"}, READER | {"tokens:write"}, True),
    (READER | {"tokens:write"}, {"users:write"}, False),
    (READER | {"tokens:write"}, READER | {"users:write"}, False),
    (ALL_SCOPES - {"settings:write"}, ALL_SCOPES, False),
    (ALL_SCOPES - {"settings:write"}, ALL_SCOPES - {"settings:write"}, True),
    (ALL_SCOPES - {"settings:write"}, {"settings:write"}, False),
]


@pytest.mark.parametrize(("viewer", "scopes", "is_seen"), SEEN)
def test_who_may_do_less_than_a_token_neither_sees_nor_revokes_it(
    tokens: TokenService, viewer: set[str], scopes: set[str], is_seen: bool
) -> None:
    caller = Principal(999, 7, frozenset(viewer))
    token, secret = tokens.create("Other", user_id=7, scopes=scopes)
    page = tokens.list_page(PageRequest(1, 15), viewer=caller)
    assert ([found.id for found in page.records], page.total) == (([token.id], 1) if is_seen else ([], 0))
    if is_seen:
        tokens.must_see(token.id, caller)
        tokens.revoke(token.id, caller)
        with pytest.raises(Unauthenticated):
            tokens.authenticate(secret)
    else:
        for refused in (tokens.must_see, tokens.revoke):
            with pytest.raises(NotFound) as hidden:
                refused(token.id, caller)
            with pytest.raises(NotFound) as missing:
                refused(token.id + 1, caller)
            assert str(hidden.value).replace(str(token.id), "") == str(missing.value).replace(str(token.id + 1), "")
        tokens.authenticate(secret)


def test_who_revokes_its_own_token_cannot_call_any_more(tokens: TokenService, elsewhere: TokenService) -> None:
    _, secret = tokens.create("Own", user_id=7, scopes=["tokens:write"])
    caller = tokens.authenticate(secret)
    tokens.revoke(caller.token_id, caller)
    for service in (tokens, elsewhere):
        with pytest.raises(Unauthenticated):
            service.authenticate(secret)
    with pytest.raises(NotFound):
        tokens.revoke(caller.token_id, caller)


def test_a_use_that_is_noted_after_the_token_was_revoked_brings_nothing_back(
    table: Table, tokens: TokenService, clock: Clock
) -> None:
    token, _ = tokens.create("Used", user_id=7)
    tokens.revoke(token.id, OPERATOR)
    store = Store(table)
    store.tokens.mark_used(token, clock())
    assert (store.tokens.find(token.digest), store.tokens.get(token.id), store.tokens.all()) == (None, None, [])


@pytest.mark.parametrize("per_page", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("is_limited", [True, False])
def test_a_walk_sees_each_token_once_while_others_come_and_go(
    tokens: TokenService, per_page: int, is_limited: bool
) -> None:
    scopes = {"tokens:write", "users:read"}
    caller = Principal(999, 7, frozenset(scopes) if is_limited else ALL_SCOPES)
    created = [tokens.create("T", user_id=7, scopes=(scopes, SCOPES)[number % 2])[0] for number in range(12)]
    visible = [token.id for token in created if caller.sees(token)]
    doomed = visible[::3]
    request: PageRequest | None = PageRequest(1, per_page)
    seen: list[int] = []
    while request is not None:
        page = tokens.list_page(request, viewer=caller)
        assert page.total == len(tokens.list_page(PageRequest(1, 100), viewer=caller).records)
        seen += [token.id for token in page.records]
        if doomed and doomed[0] in seen:
            tokens.revoke(doomed.pop(0), caller)
            tokens.create("Invisible", user_id=7, scopes=["settings:write"])
        cursor = page.next_cursor
        request = None if cursor is None else PageRequest(cursor.page, per_page, cursor)
    assert [found for found in seen if found in set(visible)] == visible


@pytest.mark.parametrize(
    ("page", "per_page", "ids", "has_next"),
    [
        (1, 15, [1, 3, 5, 7, 9], False),
        (1, 5, [1, 3, 5, 7, 9], False),
        (1, 4, [1, 3, 5, 7], True),
        (2, 4, [9], False),
        (1, 1, [1], True),
        (3, 2, [9], False),
        (5, 1, [9], False),
        (6, 1, [], False),
        (2, 5, [], False),
        (10**9, 100, [], False),
    ],
)
def test_a_numbered_page_of_what_is_seen(
    tokens: TokenService, page: int, per_page: int, ids: list[int], has_next: bool
) -> None:
    for number in range(10):
        tokens.create("T", user_id=7, scopes=(["users:read"], SCOPES)[number % 2])
    shown = tokens.list_page(PageRequest(page, per_page), viewer=Principal(999, 7, frozenset({"users:read"})))
    assert ([token.id for token in shown.records], shown.total) == (ids, 5)
    assert (shown.next_cursor is not None) == has_next
