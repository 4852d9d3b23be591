"""What is unique: which guards a record claims, which record a guard is held for, and where the two differ.

E-mail addresses, users in Thinkific, token ids, and the ids that a product is found by. What schema 1 has written is
left to the migration.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from b2b.domain.identity.emails import Holding
from b2b.domain.kinds import Kind
from b2b.storage import keys, schema
from b2b.storage.catalogue.products import copy_keys, product_from_item
from b2b.storage.identity import guards
from b2b.storage.identity.guards import KEYED, OWNER
from b2b.storage.items import Item
from b2b.storage.keys import Key

Items = Mapping[Key, Item]

# All that ``ties`` looks at.
ATTRIBUTES = (
    *(keys.PARTITION, keys.SORT, schema.ATTRIBUTE, OWNER, guards.HELD_BY),
    *("id", "email", "thinkific_id", "digest", "product"),
)


class Flaw(StrEnum):
    STRAY = "a guard is held for a record that is gone, or does not have what it guards"
    UNHELD = "the guard of a record is gone, or is held for another one"
    SHARED = "two records have the same"
    OUTDATED = "the copy of a product differs from the product"


class Tie(NamedTuple):
    """Between a guard and a record; with each there is the other. ``content``: what both hold."""

    guard: Key
    record: Key
    content: object = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A guard and records that contradict each other. ``owners``: who has what it guards, the oldest first.

    ``seen``: the guard and the records, those that there are, as they were at one moment. The keys may hold an e-mail
    address or a digest; ``str`` does not.
    """

    flaw: Flaw
    guard: Key = field(repr=False)
    holder: Key | None = field(repr=False)
    owners: tuple[Key, ...] = field(repr=False)
    seen: Items = field(repr=False, compare=False)

    @property
    def records(self) -> set[Key]:
        return {*self.owners} if self.holder is None else {self.holder, *self.owners}

    @property
    def holder_exists(self) -> bool:
        return self.holder in self.seen

    @property
    def advice(self) -> str | None:
        """What a person has to do about it; None of what can be mended."""
        if self.flaw is not Flaw.SHARED or self.holder != self.owners[0]:
            return None
        oldest, other, *_ = (_name(owner, self.seen) for owner in self.owners)
        if keys.is_account(self.guard):
            number = keys.last_number(self.owners[1])
            return (
                f"It stays with {oldest}. Delete {other} (DELETE /api/students/{number}), which leaves that user "
                "alone, and add the person again."
            )
        if keys.is_token_id(self.guard):
            number = keys.last_number(self.guard)
            return f"Revoke it (DELETE /api/tokens/{number}), then run this again: the other can be revoked then."
        return None

    def __str__(self) -> str:
        thing = _thing(self.guard)
        holder = "no record" if self.holder is None else _name(self.holder, self.seen)
        gone = "" if self.holder is None or self.holder_exists else ", which does not exist"
        owners = " and ".join(_name(owner, self.seen) for owner in self.owners)
        match self.flaw:
            case Flaw.STRAY:
                text = f"{thing} is held for {holder}{gone or ', which does not have it'}."
            case Flaw.UNHELD:
                text = (
                    f"{owners} {'has' if len(self.owners) == 1 else 'share'} {thing}, which is held for {holder}{gone}."
                )
            case Flaw.SHARED:
                text = f"{owners} share {thing}."
            case Flaw.OUTDATED:
                text = f"{thing} leads to an outdated copy of {holder}."
        return text[0].upper() + text[1:]


def claimed_ties(key: Key, item: Item) -> Iterator[Tie]:
    """Of a record, with each guard that is its."""
    content = product_from_item(item) if keys.is_product(key) else None
    for guard in claims(key, item):
        yield Tie(guard, key, content)


def held_tie(key: Key, item: Item) -> Tie | None:
    """Of a guard, with the record that it is held for."""
    record = holder_of(key, item)
    if record is None:
        return None
    return Tie(key, record, product_from_item(item) if _is_of_product(key) else None)


def claims(key: Key, item: Item) -> list[Key]:
    """The guards that must be held for the record."""
    if keys.is_user(key):
        return _address(Kind.USERS, item)
    if keys.is_student(key):
        account = item.get("thinkific_id")
        return [*_address(Kind.STUDENTS, item), *([] if account is None else [keys.account(account)])]
    if keys.is_token(key):
        return [keys.token_id(item["id"])]
    return _product_claims(key, item) if keys.is_product(key) else []


def holder_of(key: Key, item: Item) -> Key | None:
    """The record that the guard is held for; None of what is no guard, or one of schema 1."""
    kind = email_kind(key)
    if kind is not None:
        return guards.record_key(kind, item[OWNER]) if schema.version_of(item) >= KEYED else None
    if keys.is_account(key):
        return keys.student(item[OWNER])
    if keys.is_token_id(key):
        return keys.token(item["digest"])
    return keys.product(product_from_item(item).id) if _is_of_product(key) else None


def email_kind(guard: Key) -> Kind | None:
    """Whose e-mail addresses it is one of; None of another guard."""
    if keys.is_user_email(guard):
        return Kind.USERS
    return Kind.STUDENTS if keys.is_student_email(guard) else None


def breach(guard: Key, seen: Items) -> Breach | None:
    """What is wrong with the guard. ``seen``: it and the records that it is about, those that there are."""
    item = seen.get(guard)
    holder = holder_of(guard, item) if item else None
    if item is not None and holder is None:
        return None  # of schema 1
    owners = sorted((key for key in seen if guard in claims(key, seen[key])), key=_by_age)
    flaw = _flaw(guard, holder, owners, seen)
    return None if flaw is None else Breach(flaw, guard, holder, tuple(owners), seen)


def _flaw(guard: Key, holder: Key | None, owners: Sequence[Key], seen: Items) -> Flaw | None:
    if holder is not None and holder in seen:
        if _is_outdated(guard, holder, seen):
            return Flaw.OUTDATED
        if keys.is_productable(guard) or _is_to_be_migrated(guard, holder, seen):
            # Of two products that sell a course one is found by it.
            return None
        if holder in owners:
            return Flaw.SHARED if len(owners) > 1 else None
    if owners:
        return Flaw.UNHELD
    # A student that is deleted, or loses its user in Thinkific, leaves the guard to whoever comes next. A product's
    # copy under an id that the product had before does no harm.
    may_be_left = keys.is_account(guard) or (holder in seen and _is_of_product(guard))
    return None if holder is None or may_be_left else Flaw.STRAY


def _is_outdated(guard: Key, holder: Key, seen: Items) -> bool:
    if not _is_of_product(guard):
        return False
    product = product_from_item(seen[holder])
    return guard in copy_keys(product) and product_from_item(seen[guard]) != product


def _is_to_be_migrated(guard: Key, holder: Key, seen: Items) -> bool:
    kind = email_kind(guard)
    if kind is None:
        return False
    record = guards.holder_from_item(kind, seen[holder])
    return record.email_holding is Holding.FORMER and guard in (record.guard, record.proper_guard)


def _address(kind: Kind, item: Item) -> list[Key]:
    holder = guards.holder_from_item(kind, item)
    return [holder.proper_guard] if holder.email_holding is Holding.OWN else []


def _product_claims(key: Key, item: Item) -> list[Key]:
    product = product_from_item(item)
    if keys.product(product.id) != key:
        return []  # a copy
    by_productable, *by_id = copy_keys(product)
    return [key, *by_id] if product.is_deleted else [key, by_productable, *by_id]


def _is_of_product(key: Key) -> bool:
    return keys.is_product(key) or keys.is_productable(key)


def _by_age(record: Key) -> tuple[int, Key]:
    return len(record.pk), record


def _thing(guard: Key) -> str:
    """In words that name no person."""
    if email_kind(guard) is not None:
        return "an e-mail address"
    number = keys.last_number(guard)
    if keys.is_account(guard):
        return f"user {number} in Thinkific"
    if keys.is_token_id(guard):
        return f"token id {number}"
    if keys.is_productable(guard):
        return f"{guard.pk.split('#')[1].lower()} {number}"
    return f"product id {number}"


def _name(record: Key, seen: Items) -> str:
    if keys.is_token(record):
        return f"token {seen[record]['id']}" if record in seen else "a token"
    return f"{record.pk.partition('#')[0].lower()} {keys.last_number(record)}"
