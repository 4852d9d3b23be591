"""Users and their grants."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from b2b.domain.catalogue.products import ProductReference, UnresolvedReference, no_longer_sold, resolve
from b2b.domain.errors import ConditionFailed, InvalidInput, NotFound
from b2b.domain.identity import emails
from b2b.domain.identity.users import Grant, GrantTerms, Role, User, UserView, no_grant
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import Clock, utc_now
from b2b.domain.work.idempotency import Claim
from b2b.services.contention import retry_conflicts
from b2b.services.identity.passwords import hash_password
from b2b.services.pages import UNLIMITED, Page, PageRequest, SizeLimit, read_page
from b2b.services.work.idempotency import in_progress

if TYPE_CHECKING:
    from b2b.storage.listing import ListPage
    from b2b.storage.lookups import Lookup
    from b2b.storage.store import Store


class Unset:
    """The type of UNSET: a field that a request does not mention, where None has a meaning of its own."""


UNSET = Unset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFields:
    """What a request says of a user; None, for ``max_seats`` UNSET, = not mentioned."""

    name: str | None = None
    password: str | None = None
    max_seats: int | Unset | None = UNSET


class UserService:
    def __init__(self, store: "Store", clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def list_page(self, request: PageRequest, size_limit: SizeLimit[UserView] = UNLIMITED) -> Page[UserView]:
        return read_page(self._store, Kind.USERS, request, self._load, size_limit)

    def get(self, user_id: int) -> UserView:
        """Raises NotFound."""
        found = self._store.users.get_with_grants(user_id)
        if found is None:
            raise _no_such_user(user_id)
        return self._views([found])[0]

    def user_must_exist(self, user_id: int) -> None:
        """Raises NotFound."""
        if self._store.users.get(user_id) is None:
            raise _no_such_user(user_id)

    def find_by_email(self, email: str) -> UserView:
        """Raises NotFound."""
        user_id = self._store.lookups.find(user_email=email).user_id
        found = self._store.users.get_with_grants(user_id) if user_id is not None else None
        if found is None:
            raise NotFound(f"There is no user with the e-mail {email}.")
        return self._views([found])[0]

    def create(self, email: str, fields: UserFields, *, role: Role = Role.USER) -> UserView:
        """Raises InvalidInput on ``email`` when it is taken."""
        password_hash = _hashed(fields.password)

        def attempt() -> UserView:
            lookup = self._store.lookups.find(user_email=email)
            if lookup.user_id is not None:
                raise InvalidInput.field("email", "The email has already been taken.")
            return UserView(self._add(email, fields, password_hash, role, lookup), ())

        return retry_conflicts(attempt)

    def upsert(self, email: str, fields: UserFields) -> tuple[UserView, bool]:
        """The user with the e-mail, created (True) or changed where ``fields`` says so."""
        password_hash = _hashed(fields.password)

        def attempt() -> tuple[UserView, bool]:
            lookup = self._store.lookups.find(user_email=email)
            if lookup.user_id is None:
                return UserView(self._add(email, fields, password_hash, Role.USER, lookup), ()), True
            found = self._store.users.get_with_grants(lookup.user_id)
            if found is None:
                raise self._store.lookups.missing_user(email, lookup.user_id)
            user, grants = found
            return self._views([(self._change(user, fields, password_hash), grants)])[0], False

        return retry_conflicts(attempt)

    def update(self, user_id: int, fields: UserFields, email: str | None) -> UserView:
        """Changes what is given. Raises NotFound, and InvalidInput on ``email`` when it is taken."""
        password_hash = _hashed(fields.password)

        def attempt() -> UserView:
            found = self._store.users.get_with_grants(user_id)
            if found is None:
                raise _no_such_user(user_id)
            user, grants = found
            if email is not None and self._is_taken(email, by_other_than=user):
                raise InvalidInput.field("email", "The email has already been taken.")
            return self._views([(self._change(user, fields, password_hash, email), grants)])[0]

        return retry_conflicts(attempt)

    def set_access(
        self, user_id: int, reference: ProductReference, terms: GrantTerms, max_seats: int | None
    ) -> UserView:
        """Sets the grant of a product: limit and terms. Last writer wins."""

        def attempt() -> None:
            grant = self._grant(user_id, reference, is_ended=not terms.active)
            action = self._store.users.set_grant(grant, terms, max_seats, self._clock())
            self._store.transact([self._store.users.user_must_exist(user_id), action])

        retry_conflicts(attempt)
        return self.get(user_id)

    def add_seats(
        self, user_id: int, reference: ProductReference, terms: GrantTerms, add_seats: int, once: Claim | None = None
    ) -> UserView:
        """Adds to the grant of a product, exactly, however many do so at once; sets the terms.

        ``once``: the caller's right to carry the call out. If somebody died who had it before, after adding and
        before saying so, nothing is added again. Raises Conflict when somebody else has it by now and is at it.
        """

        def attempt() -> None:
            grant = self._grant(user_id, reference)
            add = self._store.users.add_to_grant(grant, terms, add_seats, self._clock())
            actions = [self._store.users.user_must_exist(user_id), add]
            if once is None:
                self._store.transact(actions)
                return
            try:
                self._store.transact([*actions, self._store.idempotency.mark_done(once)])
            except ConditionFailed as refused:
                is_mark_refused = len(actions) in refused.failed
                if not is_mark_refused:
                    raise
                if not self._store.idempotency.is_done(once):
                    raise in_progress() from None

        retry_conflicts(attempt)
        return self.get(user_id)

    def _is_taken(self, email: str, *, by_other_than: User) -> bool:
        if email == by_other_than.email:
            return False
        owner = self._store.lookups.find(user_email=email).user_id
        return owner not in (None, by_other_than.id) and not emails.is_same_email(email, by_other_than.email)

    def _grant(self, user_id: int, reference: ProductReference, *, is_ended: bool = False) -> Grant:
        """The grant as it is, granted or not. Raises NotFound for the user, InvalidInput for the product.

        ``is_ended``: the grant that there is may be of a product that is gone from Thinkific.
        """
        candidates = self._store.lookups.find(product_numbers=[reference.number]).candidates[reference.number]
        try:
            product = resolve(reference, candidates, with_deleted=is_ended)
        except UnresolvedReference as error:
            self.user_must_exist(user_id)
            raise InvalidInput.field("thinkific_id", str(error)) from error
        related = self._store.lookups.related_records(user_ids=[user_id], grants_of=(user_id, [product.id]))
        if user_id not in related.users:
            raise _no_such_user(user_id)
        grant = related.grants.get(product.id)
        if grant is None and product.is_deleted:
            raise InvalidInput.field("thinkific_id", str(no_longer_sold(product, reference)))
        return grant or no_grant(user_id, product.id)

    def _add(self, email: str, fields: UserFields, password_hash: str | None, role: Role, lookup: "Lookup") -> User:
        now = self._clock()
        limit = fields.max_seats
        user = User(
            id=self._store.counters.next_id(Kind.USERS),
            name=fields.name if fields.name is not None else emails.local_part(email),
            email=email,
            role=role,
            max_seats=lookup.settings.default_max_seats if isinstance(limit, Unset) else limit,
            seats_used=0,
            group=None,
            created_at=now,
            updated_at=now,
        )
        count = self._store.counters.count(Kind.USERS, user.id, +1)
        self._store.transact([*self._store.users.add_user(user, password_hash), count])
        return user

    def _change(self, user: User, fields: UserFields, password_hash: str | None, email: str | None = None) -> User:
        limit = fields.max_seats
        changed = replace(
            user,
            name=fields.name if fields.name is not None else user.name,
            email=email if email is not None else user.email,
            max_seats=user.max_seats if isinstance(limit, Unset) else limit,
        )
        if changed == user and password_hash is None:
            return user
        changed = replace(changed, updated_at=self._clock())
        self._store.transact(self._store.users.change_user(user, changed, password_hash))
        return changed

    def _load(self, page: "ListPage") -> dict[int, UserView]:
        views = self._views(self._store.users.get_each_with_grants(page.ids))
        return {view.user.id: view for view in views}

    def _views(self, found: Iterable[tuple[User, list[Grant]]]) -> list[UserView]:
        records = [*found]
        product_ids = {grant.product_id for _, grants in records for grant in grants}
        products = self._store.lookups.related_records(product_ids=product_ids).products if product_ids else {}
        return [
            UserView(user, tuple((grant, products[grant.product_id]) for grant in grants)) for user, grants in records
        ]


def _hashed(password: str | None) -> str | None:
    return None if password is None else hash_password(password)


def _no_such_user(user_id: int) -> NotFound:
    return NotFound(f"There is no user with the id {user_id}.")
