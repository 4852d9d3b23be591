"""``b2b migrate-data``: what it says, and that it may be stopped anywhere and run again at any time."""

import threading
from typing import Any

import pytest
from tests.emulated import Emulated, new_school
from tests.integration.desk import NAMES, Desk
from tests.integration.recount import recount, without_form
from tests.releases.earlier import STUDENT_IDS, USER_IDS, fill, items, rows_of

from b2b.domain.identity.emails import Holding
from b2b.domain.identity.users import Role
from b2b.domain.kinds import Kind
from b2b.services.identity.users import UserFields
from b2b.storage import keys, schema
from b2b.storage.actions import EXISTS, Update, put
from b2b_cli import migrating
from b2b_cli.errors import CommandError
from b2b_cli.local.emulator import Emulator
from b2b_cli.migrating import Rows, migrate

OLDER, YOUNGER = "re\u0301mi@example.com", "rémi@example.com"
DONE = f"Every row is of today's form, which is number {schema.VERSION}."


class Migrating:
    """The command on one school; ``said`` is what the last run printed."""

    def __init__(self, school: Emulated) -> None:
        self.school = school
        self.desk = Desk(school)
        self.said: list[str] = []
        self.shown: list[str] = []

    def __call__(self, *, again: bool = False, dynamodb: Any = None) -> bool:
        self.said.clear()
        rows = Rows(dynamodb or self.school.dynamodb, self.school.resources.table_name)
        return migrate(rows, self.said.append, self.shown.append, again=again)


@pytest.fixture
def migrating_school(school: Emulated) -> Migrating:
    """Of the earlier release."""
    fill(school, items())
    return Migrating(school)


def test_every_row_says_its_form_in_the_end(migrating_school: Migrating) -> None:
    store = migrating_school.desk.store
    assert store.migrations.is_due()
    migrating_school()
    assert without_form(migrating_school.school) == []
    assert recount(migrating_school.school) == []
    assert not store.migrations.is_due()
    assert {store.users.get(user_id).email_holding for user_id in USER_IDS.values()} == {Holding.OWN, Holding.NONE}  # type: ignore[union-attr] # there


def test_two_records_with_one_address_are_told_and_the_rest_is_done(migrating_school: Migrating) -> None:
    assert not migrating_school()
    assert migrating_school.said[-5] == DONE
    told = "\n".join(migrating_school.said[-4:])
    for ids, kind in ((STUDENT_IDS, "students"), (USER_IDS, "users")):
        pair = f"{ids[OLDER]} and {ids[YOUNGER]}"
        assert f"Two {kind} have one e-mail address, maybe in two spellings: {pair}." in told
        assert f"PUT /api/{kind}/{ids[YOUNGER]}" in told
    assert "@" not in told


def test_the_pair_is_told_until_somebody_parts_it(migrating_school: Migrating) -> None:
    desk = migrating_school.desk
    migrating_school()
    assert not migrating_school()
    assert migrating_school.said[0] == DONE
    # One takes another address, the other's older twin goes.
    desk.students.update(STUDENT_IDS[YOUNGER], NAMES, "another@example.com")
    desk.students.delete(STUDENT_IDS["ada@bücher.example"])
    admin = desk.users.find_by_email("admin@example.com").user
    for email in (OLDER, "ada@xn--bcher-kva.example"):
        desk.user_removal.delete(USER_IDS[email], acting_user_id=admin.id)
    desk.finish_removals()
    assert migrating_school()
    # Whoever is left is found by the address again.
    assert desk.users.find_by_email(OLDER).user.id == USER_IDS[YOUNGER]
    assert (
        desk.store.lookups.find(student_email="ada@bücher.example").student_id
        == STUDENT_IDS["ada@xn--bcher-kva.example"]
    )
    assert recount(migrating_school.school) == []


def test_a_second_run_changes_nothing(migrating_school: Migrating) -> None:
    migrating_school()
    rows = list(rows_of(migrating_school.school))
    migrating_school()
    assert list(rows_of(migrating_school.school)) == rows
    migrating_school(again=True)
    assert "0 brought to today's form" in "\n".join(migrating_school.said)
    assert list(rows_of(migrating_school.school)) == rows


def test_rows_that_the_earlier_release_wrote_after_it_are_found_by_again(migrating_school: Migrating) -> None:
    migrating_school()
    late = [row for row in items() if row["pk"]["S"] in ("SETTINGS", "PRODUCT#2000001")]
    fill(migrating_school.school, late)
    migrating_school()
    assert len(without_form(migrating_school.school)) == len(late)
    migrating_school(again=True)
    assert without_form(migrating_school.school) == []


PRICES = {
    # Reads of the table before and after.
    "ada.lovelace@example.com": (2, 1),
    "weiß@example.com": (1, 1),
    "nobody@example.com": (1, 1),
    "niemand.weiß@example.com": (2, 1),
}


def test_a_look_up_reads_once_more_until_all_is_migrated(migrating_school: Migrating) -> None:
    reads: list[str] = []
    dynamodb = migrating_school.school.dynamodb
    lookups = migrating_school.desk.store.lookups

    def price(email: str) -> int:
        reads.clear()
        lookups.find(student_email=email)
        return len(reads)

    lookups.find(student_email="weiß@example.com")  # the first look at a guard that is not in its place moves it
    dynamodb.meta.events.register("before-send.dynamodb", lambda **_: reads.append(""), unique_id="price")
    try:
        before = {email: price(email) for email in PRICES}
        migrating_school()
        after = {email: price(email) for email in PRICES}
    finally:
        dynamodb.meta.events.unregister("before-send.dynamodb", unique_id="price")
    assert before == {email: reads for email, (reads, _) in PRICES.items()}
    assert after == {email: reads for email, (_, reads) in PRICES.items()}


class Stumbling:
    """A client with which the first ``calls`` writes go well, and no other."""

    def __init__(self, client: Any, calls: int) -> None:
        self._client = client
        self._left = calls
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if name not in ("update_item", "put_item", "delete_item", "transact_write_items"):
            return getattr(self._client, name)
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise ConnectionError("The power is gone.")
        return getattr(self._client, name)


def test_a_run_that_stops_anywhere_is_carried_on(migrating_school: Migrating) -> None:
    runs = 0
    migrating._ROWS_IN_ONE_PAGE, was = 10, migrating._ROWS_IN_ONE_PAGE
    try:
        while True:
            try:
                migrating_school(dynamodb=Stumbling(migrating_school.school.dynamodb, 60))
            except ConnectionError:
                runs += 1
                assert recount(migrating_school.school) == []
                assert migrating_school.desk.users.find_by_email(YOUNGER).user.id == USER_IDS[OLDER]
            else:
                break
    finally:
        migrating._ROWS_IN_ONE_PAGE = was
    assert runs >= 5
    assert "An earlier run did not come to its end; this one goes on." in migrating_school.said
    assert without_form(migrating_school.school) == []


def test_a_second_look_at_every_row_is_carried_on_too(migrating_school: Migrating) -> None:
    migrating_school()
    fill(migrating_school.school, items())  # as if the earlier release had run in between
    with pytest.raises(ConnectionError):
        migrating_school(again=True, dynamodb=Stumbling(migrating_school.school.dynamodb, 30))
    assert migrating_school.desk.store.migrations.is_due()
    migrating_school()
    assert without_form(migrating_school.school) == []


def test_two_runs_at_once_do_no_harm(migrating_school: Migrating) -> None:
    other = Migrating(migrating_school.school)
    threads = [threading.Thread(target=run) for run in (migrating_school, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert DONE in migrating_school.said
    assert DONE in other.said
    assert without_form(migrating_school.school) == []
    assert recount(migrating_school.school) == []


def test_a_guard_whose_record_is_gone_is_taken_away(migrating_school: Migrating) -> None:
    key = {"S": "EMAIL#STUDENT#ghost@example.com"}
    fill(migrating_school.school, [{"pk": key, "sk": key, "owner_id": {"N": "999"}}])
    assert migrating_school.desk.store.lookups.find(student_email="ghost@example.com").student_id is None
    fill(migrating_school.school, [{"pk": key, "sk": key, "owner_id": {"N": "999"}}])
    migrating_school()
    assert recount(migrating_school.school) == []


def test_a_new_school_has_nothing_to_migrate(emulator: Emulator) -> None:
    command = Migrating(new_school(emulator))
    assert not command.desk.store.migrations.is_due()
    command.desk.store.migrations.note_new_school()
    command.desk.users.create("admin@example.com", UserFields(), role=Role.ADMIN)
    assert not command.desk.store.migrations.is_due()
    assert command()
    assert command.said == [DONE]


def test_rows_of_a_later_release_are_left_alone(migrating_school: Migrating) -> None:
    desk = migrating_school.desk
    desk.table.write(put(keys.MIGRATION, {"version": schema.VERSION + 1}))
    with pytest.raises(CommandError, match="a later release"):
        migrating_school()
    assert len(without_form(migrating_school.school)) == len(items())


def test_a_table_that_is_being_restored_is_left_alone(migrating_school: Migrating) -> None:
    migrating_school.desk.table.write(put(keys.RESTORE, {"limits": {}, "is_copying": True}))
    with pytest.raises(CommandError, match="b2b restore"):
        migrating_school()


def test_what_changes_while_it_is_looked_at_stays_changed(migrating_school: Migrating) -> None:
    """An item that is gone stays gone, one written meanwhile keeps what was written."""
    store, table = migrating_school.desk.store, migrating_school.desk.table
    gone = keys.product(1)
    store.migrations.mark(gone, schema.VERSION)
    assert table.get(gone) is None
    table.write(Update(keys.last_id(Kind.USERS)).set(schema=schema.VERSION + 5).when(EXISTS))
    store.migrations.mark(keys.last_id(Kind.USERS), schema.VERSION)
    found = table.get(keys.last_id(Kind.USERS))
    assert found is not None
    assert found["schema"] == schema.VERSION + 5
