"""Guards and records that contradict each other: found and mended by ``b2b recount``, and then the API works again."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from tests.emulated import Emulated
from tests.integration import guard_flaws
from tests.integration.crowd import crowd, refused
from tests.integration.desk import NAMES, Desk, enrolling
from tests.integration.guard_flaws import ACCOUNT, ADA, BOB, CASES, CLIENT, NOBODY, Case, School
from tests.integration.mending import contradictions, mend
from tests.integration.recount import recount
from tests.releases.earlier import fill, items, rows_of

from b2b.domain.catalogue.products import ProductableType, ProductSource
from b2b.domain.errors import B2BError, BrokenInvariant, InvalidInput, NotFound, TooManyRequests
from b2b.domain.identity.tokens import digest
from b2b.domain.kinds import Kind
from b2b.domain.work.upstream import CatalogueEntry
from b2b.services.catalogue.entries import ProductEntries
from b2b.services.identity.users import UserFields
from b2b.services.integrity.uniqueness import UniquenessService
from b2b.storage import keys
from b2b.storage.integrity.uniqueness import Uniqueness
from b2b.storage.items import unmarshal
from b2b.storage.keys import Key
from b2b.storage.store import Store
from b2b.storage.table import Table
from b2b_cli.migrating import Rows, migrate
from b2b_cli.migration_steps import STEPS
from b2b_cli.recounting import recount as counted_anew


@pytest.fixture
def broken(school: Emulated) -> School:
    return School(Desk(school))


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.flaw.__name__)


@each_case
def test_each_flaw_breaks_its_call(broken: School, case: Case) -> None:
    case.flaw(broken)
    with pytest.raises((B2BError, BrokenInvariant, KeyError, AssertionError)):
        case.call(broken)


@each_case
def test_each_flaw_is_found_and_mended_and_the_call_works_again(broken: School, case: Case) -> None:
    assert contradictions(broken.desk, at_rest=True) == []
    case.flaw(broken)
    flaw, summary = contradictions(broken.desk, at_rest=True)
    assert case.said in flaw
    assert summary.startswith("1 contradiction between records")
    assert "@" not in flaw
    assert mend(broken.desk)
    assert contradictions(broken.desk, at_rest=True) == []
    assert recount(broken.desk.school) == []
    case.call(broken)
    assert recount(broken.desk.school) == []
    assert contradictions(broken.desk, at_rest=True) == []


Claimed = Callable[[School, Key, int, int], None]


def held_for_the_older(broken: School, guard: Key, older: int, younger: int) -> None:
    broken.put(guard, owner_id=older)


def held_for_the_younger(broken: School, guard: Key, older: int, younger: int) -> None:
    broken.put(guard, owner_id=younger)


def held_for_neither(broken: School, guard: Key, older: int, younger: int) -> None:
    broken.put(guard, owner_id=NOBODY)


def held_for_no_one(broken: School, guard: Key, older: int, younger: int) -> None:
    if broken.table.get(guard):
        broken.lose(guard)


each_holder = pytest.mark.parametrize(
    "claimed", [held_for_the_older, held_for_the_younger, held_for_neither, held_for_no_one]
)


@each_holder
@pytest.mark.parametrize("kind", ["users", "students"])
def test_the_older_of_two_keeps_the_address_and_the_younger_is_told(
    broken: School, claimed: Claimed, kind: str
) -> None:
    desk = broken.desk
    if kind == "users":
        older, younger = broken.client.id, desk.add_user("double@example.com").id
        guard, lost, record = keys.user_email(CLIENT), keys.user_email("double@example.com"), keys.user(younger)
        email = CLIENT
    else:
        older, younger = broken.ada, broken.bob
        guard, lost, record = keys.student_email(ADA), keys.student_email(BOB), keys.student(younger)
        email = ADA
    broken.change(record, email=email.upper())
    broken.lose(lost)
    claimed(broken, guard, older, younger)

    (flaw, _) = contradictions(desk, at_rest=True)
    one = kind.removesuffix("s")
    assert f"{one} {older} and {one} {younger} share an e-mail address" in flaw[0].lower() + flaw[1:]
    told, summary = contradictions(desk, repair=True, at_rest=True)
    assert f"PUT /api/{kind}/{younger}" in told
    assert summary == "1 contradiction between records, 0 mended."
    assert "@" not in told
    assert contradictions(desk, at_rest=True) == []
    assert recount(desk.school) == []

    lookup = desk.store.lookups.find(user_email=email, student_email=email)
    assert (lookup.user_id if kind == "users" else lookup.student_id) == older
    if kind == "users":
        desk.users.update(younger, UserFields(), "double@example.com")
    else:
        desk.students.update(younger, NAMES, BOB)
    assert migrate(_rows(desk), lambda _: None, lambda _: None, again=False)
    assert contradictions(desk, at_rest=True) == []
    assert recount(desk.school) == []


@each_holder
def test_the_older_of_two_students_keeps_the_user_in_thinkific_and_the_younger_is_told(
    broken: School, claimed: Claimed
) -> None:
    desk = broken.desk
    broken.change(keys.student(broken.bob), thinkific_id=ACCOUNT)
    claimed(broken, keys.account(ACCOUNT), broken.ada, broken.bob)
    assert "share user 55 in Thinkific" in contradictions(desk, at_rest=True)[0]
    told, _ = contradictions(desk, repair=True, at_rest=True)
    assert f"It stays with student {broken.ada}. Delete student {broken.bob}" in told
    assert desk.store.students.account(ACCOUNT).owner_id == broken.ada
    desk.students.delete(broken.bob)
    assert contradictions(desk, at_rest=True) == []
    desk.finish_removals()
    assert desk.store.students.account(ACCOUNT).owner_id == broken.ada


def test_a_second_token_with_one_id_can_be_revoked_after_the_first(broken: School) -> None:
    """As happens when the last id given out is lost."""
    desk = broken.desk
    broken.lose(keys.last_id(Kind.TOKENS))
    second, _ = desk.tokens.create("Second", user_id=broken.client.id)
    assert second.id == broken.token.id
    told, _ = contradictions(desk, repair=True, at_rest=True)
    assert "share token id 1" in told
    assert "DELETE /api/tokens/1" in told
    desk.tokens.revoke(1, broken.everything)
    assert mend(desk)
    desk.tokens.revoke(1, broken.everything)
    for digest_of_one in (broken.token.digest, second.digest):
        assert desk.store.tokens.find(digest_of_one) is None
    assert contradictions(desk, at_rest=True) == []


def test_what_is_left_behind_on_purpose_is_no_flaw(broken: School) -> None:
    """The account of a deleted student, a deleted product, a course that another product sells."""
    desk = broken.desk
    desk.students.delete(broken.ada)
    desk.finish_removals()
    broken.refresh(broken.other_course, status="deleted")
    entry = CatalogueEntry(
        id=1003, productable_id=1, productable_type="Course", name="Again", status="published", slug=None
    )
    entries = ProductEntries(desk.store, lambda: datetime.now(UTC))
    (known,) = desk.store.products.known([entry])
    entries.save_entry(entry, ProductSource.REST, known)
    selling = desk.store.products.find_selling(ProductableType.COURSE, 1)
    assert selling is not None
    assert selling.id == 1003
    assert contradictions(desk, at_rest=True) == []


def test_a_token_id_that_leads_to_no_token_goes(broken: School) -> None:
    broken.put(keys.token_id(NOBODY), digest=digest("no token"))
    assert contradictions(broken.desk, at_rest=True)[0].startswith("Token id 999 is held for a token, which does not")
    assert mend(broken.desk)
    assert broken.table.get(keys.token_id(NOBODY)) is None
    assert contradictions(broken.desk, at_rest=True) == []


def test_many_flaws_at_once_are_mended_in_one_run(broken: School) -> None:
    together = (
        guard_flaws.a_users_address_is_held_for_nobody_known,
        guard_flaws.an_address_is_held_for_a_student_with_another,
        guard_flaws.a_user_has_lost_its_address,
        guard_flaws.a_students_address_is_held_for_another,
        guard_flaws.an_account_is_noted_with_another_student,
        guard_flaws.a_token_has_lost_its_id,
        guard_flaws.a_course_is_sold_by_a_product_that_is_gone,
        guard_flaws.a_product_is_not_found_by_thinkifics_id,
    )
    for flaw in together:
        flaw(broken)
    assert len(contradictions(broken.desk, at_rest=True)) == len(together) + 1
    assert mend(broken.desk)
    assert contradictions(broken.desk, at_rest=True) == []
    assert recount(broken.desk.school) == []


def test_rows_of_an_earlier_release_are_no_flaw_before_amid_and_after_their_migration(school: Emulated) -> None:
    fill(school, items())
    desk = Desk(school)
    assert contradictions(desk, at_rest=True) == []
    desk.store.migrations.begin(STEPS[0].leads_to)
    for part in range(3):
        for raw in list(islice(rows_of(school), part, None, 4)):
            item = unmarshal(raw)
            STEPS[0].convert(desk.store, Key(item["pk"], item["sk"]), item)
        assert contradictions(desk, at_rest=True) == []
    migrate(_rows(desk), lambda _: None, lambda _: None, again=False)
    assert contradictions(desk, repair=True, at_rest=True) == []


def test_looking_amid_others_writes_finds_nothing_and_a_repair_spoils_nothing(broken: School) -> None:
    """Addresses, students, tokens and products come, change and go while every fourth thread looks or mends."""
    desk = broken.desk
    boss = desk.add_user("boss@example.com")

    def work(number: int) -> None:
        for step in range(4):
            email = f"p{(number + step) % 5}@example.com"
            with suppress(InvalidInput, TooManyRequests, NotFound):
                user = desk.users.upsert(email, UserFields())[0].user
                desk.users.update(user.id, UserFields(), f"p{(number + step + 1) % 5}@example.com")
                token, _ = desk.tokens.create("Brief", user_id=boss.id)
                student = desk.students.upsert(email, NAMES, enrolling(user, [broken.course]))[0].student
                desk.students.update(student.id, NAMES, f"q{number}@example.com")
                broken.refresh(broken.hidden, name=f"Hidden {number}.{step}")
                desk.tokens.revoke(token.id, broken.everything)
                desk.students.delete(student.id)

    def look(number: int) -> None:
        assert contradictions(desk, repair=number % 8 == 0) == []

    answers = crowd(lambda number: work(number) if number % 4 else look(number), range(16))
    assert refused(answers) == []
    desk.finish_removals()
    assert contradictions(desk, at_rest=True) == []
    assert recount(desk.school) == []


def test_a_repair_amid_others_writes_mends_what_is_broken(broken: School) -> None:
    """The address is taken by others the moment it is free, and two operators repair at once."""
    desk = broken.desk
    guard_flaws.an_address_is_held_for_a_user_with_another(broken)
    guard_flaws.a_user_has_lost_its_address(broken)

    def act(number: int) -> None:
        if number < 2:
            contradictions(desk, repair=True)
            return
        for _ in range(3):
            with suppress(InvalidInput, TooManyRequests, BrokenInvariant):
                desk.users.create("new@example.com", UserFields())
            with suppress(InvalidInput, TooManyRequests, BrokenInvariant):
                desk.users.update(broken.client.id, UserFields(), f"moved{number}@example.com")

    assert refused(crowd(act, range(8))) == []
    assert mend(desk)
    assert contradictions(desk, at_rest=True) == []
    assert counted_anew(desk.recount, lambda _: None, lambda _: None, repair=True)
    assert recount(desk.school) == []


class ReadOneByOne:
    """A client whose BatchGetItem reads its items in this order, and lets ``write`` in after the first.

    DynamoDB promises no more: "BatchGetItem isn't atomic" (API reference, BatchGetItem).
    """

    def __init__(self, client: Any, write: Callable[[], object], *, descending: bool) -> None:
        self._client = client
        self._write: Callable[[], object] | None = write
        self._descending = descending

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's name
        ((table, request),) = RequestItems.items()
        found = []
        for key in sorted(request["Keys"], key=str, reverse=self._descending):
            answer = self._client.batch_get_item(RequestItems={table: request | {"Keys": [key]}})
            found += answer["Responses"].get(table, [])
            write, self._write = self._write, None
            if write is not None:
                write()
        return {"Responses": {table: found}}


def moved(broken: School) -> tuple[Key, Key, Callable[[], object]]:
    guard, record = keys.user_email(CLIENT), keys.user(broken.client.id)
    return guard, record, lambda: broken.desk.users.update(broken.client.id, UserFields(), "moved@example.com")


def moved_there(broken: School) -> tuple[Key, Key, Callable[[], object]]:
    guard, record = keys.student_email("moved@example.com"), keys.student(broken.ada)
    return guard, record, lambda: broken.desk.students.update(broken.ada, NAMES, "moved@example.com")


def deleted(broken: School) -> tuple[Key, Key, Callable[[], object]]:
    return keys.student_email(ADA), keys.student(broken.ada), lambda: broken.desk.students.delete(broken.ada)


def linked(broken: School) -> tuple[Key, Key, Callable[[], object]]:
    return keys.account(77), keys.student(broken.bob), lambda: broken.link(broken.bob, 77)


def revoked(broken: School) -> tuple[Key, Key, Callable[[], object]]:
    guard, record = keys.token_id(broken.token.id), keys.token(broken.token.digest)
    return guard, record, lambda: broken.desk.tokens.revoke(broken.token.id, broken.everything)


def renamed(broken: School) -> tuple[Key, Key, Callable[[], object]]:
    guard, record = keys.productable(ProductableType.COURSE, 1), keys.product(broken.course.id)
    return guard, record, lambda: broken.refresh(broken.course, name="Another name")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("write", [moved, moved_there, deleted, linked, revoked, renamed])
def test_a_write_between_two_reads_of_one_look_is_no_flaw(
    broken: School, write: Callable[[School], tuple[Key, Key, Callable[[], object]]], descending: bool
) -> None:
    guard, record, write_now = write(broken)
    client: Any = ReadOneByOne(broken.desk.school.dynamodb, write_now, descending=descending)
    table = Table(client, broken.desk.school.resources.table_name)
    service = UniquenessService(Store(table), Uniqueness(table))
    assert service.find_breach(guard, {record}) is None


def _rows(desk: Desk) -> Rows:
    return Rows(desk.school.dynamodb, desk.school.resources.table_name)
