"""API tokens: who is calling, and what for."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from b2b.domain.errors import ConditionFailed, Forbidden, InvalidInput, NotFound, TooManyRequests, Unauthenticated
from b2b.domain.identity import tokens
from b2b.domain.identity.tokens import SCOPES, Principal, Token, earlier_end
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now
from b2b.services.contention import retry_conflicts
from b2b.services.pages import UNLIMITED, Page, PageRequest, SizeLimit, page_of, read_page

if TYPE_CHECKING:
    from b2b.storage.listing import ListPage
    from b2b.storage.store import Store

# A revoked token may be good for this long where it has just been seen; the contract allows 60 s.
_REMEMBERED_SECONDS = 5.0
_MOST_REMEMBERED = 1_000
_USE_NOTED_EVERY = timedelta(seconds=60)


class TokenService:
    """``requests_per_minute``: of one token; 0 = no limit of our own."""

    def __init__(
        self,
        store: "Store",
        *,
        requests_per_minute: int = 0,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._requests_per_minute = requests_per_minute
        self._clock = clock
        self._monotonic = monotonic
        self._remembered: OrderedDict[str, tuple[float, Token]] = OrderedDict()

    def authenticate(self, secret: str) -> Principal:
        """Raises Unauthenticated for a token that is wrong, expired or revoked, TooManyRequests above the limit."""
        token = self._good(secret)
        self._count(token, self._clock())
        return Principal(token.id, token.user_id, token.scopes, token.expires_at)

    def identify(self, secret: str) -> int:
        """The id of a good token, without counting a request. Raises Unauthenticated."""
        return self._good(secret).id

    def _good(self, secret: str) -> Token:
        token = self._find(tokens.digest(secret)) if tokens.is_well_formed(secret) else None
        if token is None or token.is_expired(self._clock()):
            raise Unauthenticated
        return token

    def list_page(
        self, request: PageRequest, size_limit: SizeLimit[Token] = UNLIMITED, *, viewer: Principal
    ) -> Page[Token]:
        """Those that ``viewer`` sees."""
        if viewer.sees_all_tokens:
            return read_page(self._store, Kind.TOKENS, request, self._load, size_limit)
        # Tokens are few, and the index does not know their scopes.
        visible = [token for token in self._store.tokens.all() if viewer.sees(token)]
        return page_of(visible, request, lambda token: token.id, size_limit)

    def must_see(self, token_id: int, viewer: Principal) -> None:
        """Raises NotFound."""
        self._visible(token_id, viewer)

    def create(
        self,
        name: str,
        *,
        user_id: int,
        scopes: Iterable[str] = SCOPES,
        maker: Principal | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[Token, str]:
        """A token and its secret, which is not kept.

        ``maker``: the token that asks, None = the operator. The new one may do no more, else Forbidden is raised, and
        ends no later. Raises Unauthenticated when the user or the maker is gone: what a token is still good for, for a
        few seconds, ends with them.
        """
        wanted = frozenset(scopes)
        if maker is not None and not wanted <= maker.scopes:
            raise Forbidden
        now = self._clock()
        if expires_at is not None and expires_at <= now:
            raise InvalidInput.field("expires_at", "The expires at field must be a date in the future.")
        secret = tokens.new_secret()
        token = Token(
            id=self._store.counters.next_id(Kind.TOKENS),
            name=name,
            scopes=wanted,
            user_id=user_id,
            digest=tokens.digest(secret),
            last_four=secret[-4:],
            created_at=now,
            expires_at=earlier_end(expires_at, maker.expires_at if maker else None),
        )
        retry_conflicts(lambda: self._add(token, maker))
        return token, secret

    def revoke(self, token_id: int, by: Principal) -> None:
        """Raises NotFound, also for a token that ``by`` does not see."""
        retry_conflicts(lambda: self._remove(self._visible(token_id, by)))

    def revoke_all_of(self, user_id: int) -> None:
        """Tokens act as their user; those of one that is gone act as nobody."""
        for token in self._store.tokens.all():
            if token.user_id == user_id:
                retry_conflicts(partial(self._remove_if_there, token))

    def _add(self, token: Token, maker: Principal | None) -> None:
        changes = [*self._store.tokens.add_token(token), self._store.counters.count(Kind.TOKENS, token.id, +1)]
        guards = [self._store.users.user_must_exist(token.user_id)]
        if maker is not None:
            guards.append(self._store.tokens.token_must_exist(maker.token_id))
        try:
            self._store.transact([*changes, *guards])
        except ConditionFailed as refused:
            if any(position >= len(changes) for position in refused.failed):
                raise Unauthenticated from None
            raise

    def _visible(self, token_id: int, viewer: Principal) -> Token:
        token = self._store.tokens.get(token_id)
        if token is None or not viewer.sees(token):
            raise NotFound(f"There is no token with the id {token_id}.")
        return token

    def _remove_if_there(self, token: Token) -> None:
        if self._store.tokens.get(token.id) is not None:
            self._remove(token)

    def _remove(self, token: Token) -> None:
        count = self._store.counters.count(Kind.TOKENS, token.id, -1)
        self._store.transact([*self._store.tokens.remove(token), count])
        self._remembered.pop(token.digest, None)

    def _find(self, digest: str) -> Token | None:
        moment = self._monotonic()
        until, token = self._remembered.get(digest, (0.0, None))
        if token is not None and moment < until:
            return token
        token = self._store.tokens.find(digest)
        if token is None:
            self._remembered.pop(digest, None)
            return None
        self._note_use(token)
        self._remembered[digest] = (moment + _REMEMBERED_SECONDS, token)
        while len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return token

    def _note_use(self, token: Token) -> None:
        now = self._clock()
        if token.last_used_at is None or now - token.last_used_at >= _USE_NOTED_EVERY:
            self._store.tokens.mark_used(token, now)

    def _count(self, token: Token, now: datetime) -> None:
        if not self._requests_per_minute:
            return
        if self._store.tokens.count_request(token.id, now) > self._requests_per_minute:
            raise TooManyRequests(retry_after=60 - now.second)

    def _load(self, page: "ListPage") -> dict[int, Token]:
        return {token.id: token for token in self._store.tokens.from_rows(page.rows)}
