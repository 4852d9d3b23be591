"""The steps that bring rows of earlier releases to this one's form, oldest first.

A release that changes a form raises ``b2b.storage.schema.VERSION``, reads both forms for as long as a school may have
the old one, and adds its step here. A step is shown each item that is of a form below the one it leads to, and leaves
it in that form. The school works meanwhile, and the step may be killed and repeated at any point: so each change is
conditioned on what was read, and what is gone stays gone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.identity.guards import KEYED, OWNER
from b2b.storage.items import Item
from b2b.storage.keys import Key
from b2b.storage.store import Store


@dataclass(frozen=True, slots=True)
class Step:
    """``convert`` raises WriteConflict when others wrote to the item, and is then called again."""

    leads_to: int
    what: str
    convert: Callable[[Store, Key, Item], None]


def _key_addresses(store: Store, key: Key, item: Item) -> None:
    """Users and students go with their guards, guards with their users and students; the rest is as it was."""
    if keys.is_user(key):
        store.address_migration.migrate_address(Kind.USERS, item["id"])
    elif keys.is_student(key):
        store.address_migration.migrate_address(Kind.STUDENTS, item["id"])
    elif keys.is_user_email(key):
        store.address_migration.migrate_guard(Kind.USERS, key, item[OWNER])
    elif keys.is_student_email(key):
        store.address_migration.migrate_guard(Kind.STUDENTS, key, item[OWNER])
    else:
        store.migrations.mark(key, KEYED)


STEPS = (Step(KEYED, "e-mail addresses under their new keys", _key_addresses),)
