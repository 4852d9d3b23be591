"""Users with their grants and the seats taken, by user."""

from collections.abc import Iterable
from datetime import datetime

from boto3.dynamodb.conditions import Attr, ConditionBase

from b2b.domain import timestamps
from b2b.domain.identity.users import Grant, GrantTerms, Group, Role, User
from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.actions import ABSENT, EXISTS, Action, Update, check, delete, put
from b2b.storage.identity import guards
from b2b.storage.items import Item
from b2b.storage.keys import Key
from b2b.storage.table import Table


class Users:
    """``seat_writes`` counts the writes to a record's counter, for the recount."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, user_id: int) -> User | None:
        item = self._table.get(keys.user(user_id))
        return user_from_item(item) if item else None

    def get_with_grants(self, user_id: int) -> tuple[User, list[Grant]] | None:
        """The user and the grants it was given, by product id, in one query."""
        return _with_grants(self._table.query(keys.user_partition(user_id), keys.USER_WITH_GRANTS))

    def get_each_with_grants(self, user_ids: Iterable[int]) -> list[tuple[User, list[Grant]]]:
        partitions = [keys.user_partition(user_id) for user_id in user_ids]
        records = [_with_grants(rows) for rows in self._table.query_each(partitions, keys.USER_WITH_GRANTS)]
        return [record for record in records if record is not None]

    def get_grants(self, pairs: Iterable[tuple[int, int]]) -> list[Grant]:
        """Those there are of the given pairs of user and product, granted or not."""
        found = self._table.get_many(keys.grant(user_id, product_id) for user_id, product_id in pairs)
        return [grant_from_item(item) for item in found.values()]

    # Members of transactions.

    def add_user(self, user: User, password_hash: str | None) -> list[Action]:
        """The new user with its guard, by which no e-mail is used twice."""
        return [
            guards.claim(Kind.USERS, user),
            put(keys.user(user.id), _item(user) | {"password_hash": password_hash}, when=ABSENT),
        ]

    def change_user(self, before: User, after: User, password_hash: str | None) -> list[Action]:
        """Name, e-mail, limit and, if given, password. Refused when any of them changed meanwhile."""
        update = Update(keys.user(before.id)).set(
            name=after.name,
            email=after.email,
            max_seats=after.max_seats,
            updated_at=timestamps.to_text(after.updated_at),
        )
        if password_hash is not None:
            update.set(password_hash=password_hash)
        moves = guards.change_address(Kind.USERS, before, after, update)
        return [update.when(EXISTS & Attr("updated_at").eq(timestamps.to_text(before.updated_at))), *moves]

    def remove(self, user: User) -> list[Action]:
        """The user itself and its guard, not what hangs on it. Refused when its e-mail changed meanwhile."""
        return [
            delete(keys.user(user.id), when=EXISTS & Attr("email").eq(user.email)),
            *guards.release(Kind.USERS, user),
        ]

    def delete_grants(self, user_id: int) -> None:
        """What is left of a user that was removed, its students aside."""
        for row in self._table.query(keys.user_partition(user_id), keys.USER_WITH_GRANTS):
            self._table.write(delete(Key(row[keys.PARTITION], row[keys.SORT])))

    def user_must_exist(self, user_id: int) -> Action:
        return check(keys.user(user_id), EXISTS)

    def set_group(self, user_id: int, group: Group, now: datetime) -> Action:
        """For students who come under the user from now on."""
        update = Update(keys.user(user_id)).set(group_name=group.name, group_id=group.id)
        return update.set(updated_at=timestamps.to_text(now)).when(EXISTS)

    def set_group_id(self, user_id: int, group: Group) -> bool:
        """Thinkific's id of the group; False when the user has another one by now."""
        update = Update(keys.user(user_id)).set(group_id=group.id)
        return self._table.succeeds(update.when(EXISTS & Attr("group_name").eq(group.name)))

    def count_student(self, user_id: int, change: int, *, within_limit: bool = False) -> Action:
        """One more or one fewer student associated; ``within_limit`` refuses what goes beyond ``max_seats``."""
        condition: ConditionBase = EXISTS
        if within_limit:
            condition = condition & _has_free_seat()
        return Update(keys.user(user_id)).add(seats_used=change, seat_writes=1).when(condition)

    def count_enqueued(self, user_id: int, now: datetime) -> Action:
        """One more student of the user, in this minute, for whom the sync was enqueued."""
        minute = int(now.timestamp()) // 60
        return Update(keys.enqueued_students(user_id, minute)).set(ttl=(minute + 2) * 60).add(students=1).always()

    def set_grant(self, grant: Grant, terms: GrantTerms, max_seats: int | None, now: datetime) -> Action:
        return _terms(grant, terms, now).set(max_seats=max_seats).always()

    def add_to_grant(self, grant: Grant, terms: GrantTerms, add_seats: int, now: datetime) -> Action:
        """Seats on top of what the grant has; from 0 where there is none. Unlimited stays unlimited.

        Refused when the grant became limited, unlimited or granted since ``grant`` was read.
        """
        update = _terms(grant, terms, now)
        if not grant.granted:
            return update.set(max_seats=add_seats).when(Attr("granted").not_exists())
        limit = Attr("max_seats")
        if grant.max_seats is None:
            return update.when(Attr("granted").exists() & limit.not_exists())
        return update.add(max_seats=add_seats).when(Attr("granted").exists() & limit.exists())

    def take_seat(
        self, user_id: int, product_id: int, student_id: int, now: datetime, *, within_limit: bool = False
    ) -> list[Action]:
        """The seat row and its count. Refused when the seat is taken, or none is free and that matters."""
        update = (
            Update(keys.grant(user_id, product_id), may_create=True)
            .set_if_absent(user_id=user_id, product_id=product_id)
            .add(seats_used=1, seat_writes=1)
        )
        if within_limit:
            counted = update.when(Attr("granted").exists() & Attr("active").eq(True) & _has_free_seat())
        else:
            counted = update.always()
        row = {"user_id": user_id, "product_id": product_id, "student_id": student_id}
        taken_at = {"created_at": timestamps.to_text(now)}
        return [put(keys.seat(user_id, product_id, student_id), row | taken_at, when=ABSENT), counted]

    def release_seat(self, user_id: int, product_id: int, student_id: int, *, user_exists: bool = True) -> list[Action]:
        """The seat row and its count; of a user that is gone only the row is left to remove."""
        row = delete(keys.seat(user_id, product_id, student_id), when=EXISTS)
        if not user_exists:
            return [row]
        return [row, Update(keys.grant(user_id, product_id)).add(seats_used=-1, seat_writes=1).when(EXISTS)]


def user_from_item(item: Item) -> User:
    group_name = item.get("group_name")
    return User(
        id=item["id"],
        name=item["name"],
        email=item["email"],
        email_holding=guards.holding_of(item),
        role=Role(item["role"]),
        max_seats=item.get("max_seats"),
        seats_used=item.get("seats_used", 0),
        group=Group(name=group_name, id=item.get("group_id")) if group_name is not None else None,
        created_at=timestamps.from_text(item["created_at"]),
        updated_at=timestamps.from_text(item["updated_at"]),
    )


def _item(user: User) -> Item:
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": user.role.value,
        "max_seats": user.max_seats,
        "seats_used": user.seats_used,
        "group_name": user.group.name if user.group else None,
        "group_id": user.group.id if user.group else None,
        "created_at": timestamps.to_text(user.created_at),
        "updated_at": timestamps.to_text(user.updated_at),
        keys.LIST_PARTITION: Kind.USERS,
        keys.LIST_SORT: keys.padded(user.id),
    }


def _with_grants(rows: list[Item]) -> tuple[User, list[Grant]] | None:
    if not rows or rows[0][keys.SORT] != "A#USER":
        return None
    grants = [grant_from_item(row) for row in rows[1:]]
    return user_from_item(rows[0]), [grant for grant in grants if grant.granted]


def grant_from_item(item: Item) -> Grant:
    granted = "granted" in item
    return Grant(
        user_id=item["user_id"],
        product_id=item["product_id"],
        granted=granted,
        active=item.get("active", False),
        max_seats=item.get("max_seats") if granted else 0,
        seats_used=item.get("seats_used", 0),
        enrollment_days=item.get("enrollment_days", 0),
        reusable=item.get("reusable", False),
    )


def _terms(grant: Grant, terms: GrantTerms, now: datetime) -> Update:
    update = Update(keys.grant(grant.user_id, grant.product_id), may_create=True).set(
        user_id=grant.user_id,
        product_id=grant.product_id,
        granted=True,
        active=terms.active,
        enrollment_days=terms.enrollment_days,
        updated_at=timestamps.to_text(now),
    )
    if terms.reusable is not None:
        update.set(reusable=terms.reusable)
    return update


def _has_free_seat() -> ConditionBase:
    # An unlimited record has no max_seats; a new one no seats_used, which then counts as 0.
    unlimited = Attr("max_seats").not_exists()
    unused = Attr("seats_used").not_exists() & Attr("max_seats").gt(0)
    return unlimited | unused | Attr("seats_used").lt(Attr("max_seats"))
