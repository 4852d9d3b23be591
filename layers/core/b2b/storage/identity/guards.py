"""E-mail guards: the item under an address's key that names the record which has the address.

Users and students have guards of their own, so that one person may be both. Records of schema 1 have theirs under
another key (``former_key``), which may be where another address's guard belongs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from b2b.domain.identity.emails import HasEmail, Holding, email_key, held_key
from b2b.domain.kinds import Kind
from b2b.storage import keys, schema
from b2b.storage.actions import ABSENT, Action, Update, delete, put
from b2b.storage.items import Item
from b2b.storage.keys import Key

# The first form in which a record's guard stands under today's key.
KEYED = 2
OWNER = "owner_id"

# On a record whose address an older one has.
HELD_BY = "email_held_by"
_IS_FORMER = Attr(schema.ATTRIBUTE).not_exists()

_KEYS: dict[Kind, Callable[[str], Key]] = {Kind.USERS: keys.user_email, Kind.STUDENTS: keys.student_email}
_RECORDS: dict[Kind, Callable[[int], Key]] = {Kind.USERS: keys.user, Kind.STUDENTS: keys.student}


@dataclass(frozen=True, slots=True)
class Holder:
    """A user or a student, as far as the address goes."""

    kind: Kind
    id: int
    email: str
    email_holding: Holding

    @property
    def guard(self) -> Key | None:
        """Where its guard stands."""
        key = held_key(self)
        return None if key is None else guard_key(self.kind, key)

    @property
    def proper_guard(self) -> Key:
        """Where it belongs."""
        return guard_key(self.kind, email_key(self.email))


def guard_key(kind: Kind, key: str) -> Key:
    return _KEYS[kind](key)


def record_key(kind: Kind, record_id: int) -> Key:
    return _RECORDS[kind](record_id)


def holding_of(item: Item) -> Holding:
    """Of a user's or a student's item."""
    if schema.version_of(item) < KEYED:
        return Holding.FORMER
    return Holding.NONE if HELD_BY in item else Holding.OWN


def holder_from_item(kind: Kind, item: Item) -> Holder:
    return Holder(kind, item["id"], item["email"], holding_of(item))


# Members of transactions.


def claim(kind: Kind, record: HasEmail) -> Action:
    """The address is the record's. Refused when a record has it."""
    return put(guard_key(kind, email_key(record.email)), {OWNER: record.id}, when=ABSENT)


def release(kind: Kind, record: HasEmail) -> list[Action]:
    """The address is free. Refused when it is no longer the record's."""
    key = held_key(record)
    return [] if key is None else [remove(guard_key(kind, key), record.id)]


def change_address(kind: Kind, before: HasEmail, after: HasEmail, update: Update) -> list[Action]:
    """What another e-mail takes beside ``update``, the record's own. The new one has been looked up."""
    is_former = before.email_holding is Holding.FORMER
    key = email_key(after.email)
    if before.email == after.email or (key == email_key(before.email) and not is_former):
        return []
    if is_former:
        update.set(**{schema.ATTRIBUTE: KEYED})
    update.remove(HELD_BY)
    if key == held_key(before):
        return [take_over(guard_key(kind, key), before.id, previous=before.id)]
    return [claim(kind, after), *release(kind, before)]


def take_over(guard: Key, owner_id: int, *, previous: int) -> Action:
    return put(guard, {OWNER: owner_id}, when=Attr(OWNER).eq(previous))


def remove(guard: Key, owner_id: int) -> Action:
    return delete(guard, when=Attr(OWNER).eq(owner_id))


def remove_former(guard: Key, owner_id: int) -> Action:
    """Only while nobody has brought it to today's form."""
    return delete(guard, when=Attr(OWNER).eq(owner_id) & _IS_FORMER)


def keyed(holder: Holder, *, held_by: int | None = None) -> Action:
    """The record is of today's form, its address that of the older record ``held_by``, if any.

    Refused when its e-mail, or the form, has changed meanwhile.
    """
    update = Update(record_key(holder.kind, holder.id)).set(**{HELD_BY: held_by})
    unchanged = Attr("email").eq(holder.email)
    if holder.email_holding is Holding.FORMER:
        return update.set(**{schema.ATTRIBUTE: KEYED}).when(unchanged & _IS_FORMER)
    return update.when(unchanged & Attr(schema.ATTRIBUTE).exists())
