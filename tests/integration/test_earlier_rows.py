"""A school whose rows the earlier release has written, used by this one: before, amid and after `b2b migrate-data`."""

from itertools import islice

import pytest
from tests.emulated import Emulated, new_school
from tests.integration.desk import NAMES, Desk, enrolling, reference
from tests.integration.recount import recount
from tests.releases.earlier import STUDENT_IDS, USER_IDS, WireItem, fill, items, rows_of
from tests.releases.make_fixture import AWKWARD

from b2b.domain.errors import InvalidInput, NotFound
from b2b.domain.identity.emails import is_email
from b2b.domain.identity.users import User
from b2b.domain.kinds import Kind
from b2b.services.enrollment.expiries import ExpiryChange
from b2b.services.identity.users import UserFields
from b2b.services.pages import PageRequest
from b2b.storage.items import unmarshal
from b2b.storage.keys import Key
from b2b_cli.local.emulator import Emulator
from b2b_cli.migrating import Rows, migrate
from b2b_cli.migration_steps import STEPS

# Of an address that the earlier release told apart from an older one's, the older's.
OLDER = {"rémi@example.com": "re\u0301mi@example.com", "ada@xn--bcher-kva.example": "ada@bücher.example"}
ACCEPTED = [email for email in AWKWARD if is_email(email)]
REFUSED = [email for email in AWKWARD if not is_email(email)]
OTHER_SPELLINGS = {
    "WEI\u1e9e@example.com": "weiß@example.com",
    "ada.lovelace@example.com": "ADA.Lovelace@Example.com",
    "οδος@example.com": "ΟΔΟΣ@example.com",
    "i\u0307lker@example.com": "İlker@example.com",
    "RÉMI@example.com": "re\u0301mi@example.com",
    "Re\u0301mi@example.com": "re\u0301mi@example.com",
    "ada@BÜCHER.example": "ada@bücher.example",
    "ADA@XN--BCHER-KVA.example": "ada@bücher.example",
    "grace@xn--strae-oqa.example": "grace@straße.example",
    "kelvin@example.com": "\u212aelvin@example.com",
}
# Whom the earlier release took for somebody else.
NEWCOMERS = [
    "weiss@example.com",
    "οδοσ@example.com",
    "grace@strasse.example",
    "zero@example.com",
    "soft@example.com",
    "finn@example.com",
    "ilker@example.com",
    "remi@example.com",
    "ada@bucher.example",
    "\u03b9@example.com",
]


def before(school: Emulated) -> None:
    """Nothing has been migrated."""
    del school


def amid(school: Emulated) -> None:
    """Every second row has been looked at."""
    desk = Desk(school)
    desk.store.migrations.begin(2)
    for raw in list(islice(rows_of(school), 0, None, 2)):
        item = unmarshal(raw)
        STEPS[0].convert(desk.store, Key(item["pk"], item["sk"]), item)


def after(school: Emulated) -> None:
    rows = Rows(school.dynamodb, school.resources.table_name)
    assert not migrate(rows, lambda _: None, lambda _: None, again=False)


@pytest.fixture(scope="module", params=[before, amid, after], ids=lambda state: state.__name__)
def rows(emulator: Emulator, request: pytest.FixtureRequest) -> list[WireItem]:
    """Of the school in one of these states."""
    school = new_school(emulator)
    fill(school, items())
    request.param(school)
    return [*rows_of(school)]


@pytest.fixture
def desk(school: Emulated, rows: list[WireItem]) -> Desk:
    fill(school, rows)
    return Desk(school)


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.users.get(USER_IDS["ADA.Lovelace@Example.com"]).user


def test_everybody_is_there_under_the_same_id(desk: Desk) -> None:
    for email in AWKWARD:
        assert desk.users.get(USER_IDS[email]).user.email == email
        view = desk.students.get(STUDENT_IDS[email])
        assert view.student.email == email
        assert view.enrollments
    assert len(desk.users.list_page(PageRequest(1, 100)).records) == len(AWKWARD) + 1
    assert recount(desk.school) == []


def test_everybody_is_found_by_the_address_as_typed(desk: Desk) -> None:
    for email in ACCEPTED:
        owner = OLDER.get(email, email)
        assert desk.users.find_by_email(email).user.id == USER_IDS[owner]
        assert desk.store.lookups.find(student_email=email).student_id == STUDENT_IDS[owner]
    assert recount(desk.school) == []


@pytest.mark.parametrize("order", [1, -1])
def test_everybody_is_found_by_another_spelling(desk: Desk, order: int) -> None:
    for spelling in [*OTHER_SPELLINGS][::order]:
        email = OTHER_SPELLINGS[spelling]
        assert desk.users.find_by_email(spelling).user.id == USER_IDS[email]
        assert desk.store.lookups.find(student_email=spelling).student_id == STUDENT_IDS[email]
    assert recount(desk.school) == []


def test_an_address_that_is_taken_is_refused_in_every_spelling(desk: Desk) -> None:
    for email in [*ACCEPTED, *OTHER_SPELLINGS]:
        with pytest.raises(InvalidInput):
            desk.users.create(email, UserFields())
    assert recount(desk.school) == []


def test_an_upsert_changes_who_is_there(desk: Desk, boss: User) -> None:
    for email in [*ACCEPTED, *OTHER_SPELLINGS]:
        view, created = desk.students.upsert(email, NAMES, enrolling(boss, ()))
        owner = OTHER_SPELLINGS.get(email) or OLDER.get(email, email)
        assert (view.student.id, view.student.email, created) == (STUDENT_IDS[owner], owner, False)
        assert not desk.users.upsert(email, UserFields(name="Another"))[1]
    assert recount(desk.school) == []


def test_who_was_taken_for_somebody_else_may_come(desk: Desk, boss: User) -> None:
    for email in NEWCOMERS:
        with pytest.raises(NotFound):
            desk.users.find_by_email(email)
        user = desk.users.create(email, UserFields()).user
        student_id = desk.add_student(email, boss)
        assert desk.users.find_by_email(email).user.id == user.id
        assert desk.store.lookups.find(student_email=email).student_id == student_id
    for email in ACCEPTED:
        assert desk.users.find_by_email(email).user.id == USER_IDS[OLDER.get(email, email)]
    assert recount(desk.school) == []


def test_a_newcomer_need_not_be_looked_for_first(desk: Desk, boss: User) -> None:
    ids = {desk.add_student(email, boss) for email in NEWCOMERS}
    assert len(ids) == len(NEWCOMERS)
    assert not ids & set(STUDENT_IDS.values())
    assert recount(desk.school) == []


@pytest.mark.parametrize("with_look", [True, False])
def test_everybody_may_take_another_address(desk: Desk, *, with_look: bool) -> None:
    for number, email in enumerate(AWKWARD):
        if with_look and is_email(email) and email not in OLDER:
            desk.users.find_by_email(email)
        new = f"new-{number}@example.com"
        assert desk.users.update(USER_IDS[email], UserFields(), new).user.email == new
        assert desk.students.update(STUDENT_IDS[email], NAMES, new).student.email == new
        assert desk.users.find_by_email(new).user.id == USER_IDS[email]
        assert desk.store.lookups.find(student_email=new).student_id == STUDENT_IDS[email]
    assert recount(desk.school) == []


def test_everybody_may_keep_the_address_when_the_name_changes(desk: Desk) -> None:
    for email in AWKWARD:
        assert desk.users.update(USER_IDS[email], UserFields(name="Another"), email).user.name == "Another"
        assert desk.students.update(STUDENT_IDS[email], NAMES, email).student.first_name == NAMES.first_name
    assert recount(desk.school) == []


def test_everybody_may_spell_the_address_otherwise(desk: Desk) -> None:
    for spelling, email in OTHER_SPELLINGS.items():
        assert desk.users.update(USER_IDS[email], UserFields(), spelling).user.email == spelling
        assert desk.students.update(STUDENT_IDS[email], NAMES, spelling).student.email == spelling
        assert desk.users.find_by_email(spelling).user.id == USER_IDS[email]
    for younger, older in OLDER.items():
        assert desk.students.update(STUDENT_IDS[younger], NAMES, younger.upper()).student.email == younger.upper()
        assert desk.store.lookups.find(student_email=younger).student_id == STUDENT_IDS[older]
    assert recount(desk.school) == []


def test_an_address_that_was_given_up_is_free(desk: Desk, boss: User) -> None:
    for number, email in enumerate(ACCEPTED):
        if email in OLDER or email in OLDER.values():
            continue
        desk.students.update(STUDENT_IDS[email], NAMES, f"new-{number}@example.com")
        assert desk.add_student(email, boss) not in STUDENT_IDS.values()
    assert recount(desk.school) == []


def test_whoever_had_to_share_an_address_works_by_the_id(desk: Desk) -> None:
    for younger, older in OLDER.items():
        student_id = STUDENT_IDS[younger]
        desk.users.find_by_email(younger)
        assert desk.students.get(student_id).student.email == younger
        assert desk.users.get(USER_IDS[younger]).user.email == younger
        desk.students.delete(STUDENT_IDS[older])
        desk.students.delete(student_id)
        with pytest.raises(NotFound):
            desk.students.get(student_id)
        assert desk.store.lookups.find(student_email=younger).student_id is None
    desk.finish_removals()
    assert recount(desk.school) == []


def test_everybody_may_be_deleted(desk: Desk, boss: User) -> None:
    admin = desk.users.find_by_email("admin@example.com").user
    for email in AWKWARD:
        desk.students.delete(STUDENT_IDS[email])
        desk.user_removal.delete(USER_IDS[email], acting_user_id=admin.id)
    desk.finish_removals()
    assert recount(desk.school) == []
    for email in set(ACCEPTED) - OLDER.keys():
        assert desk.store.lookups.find(user_email=email, student_email=email).user_id is None
        assert desk.users.create(email, UserFields()).user.id > max(USER_IDS.values())


@pytest.mark.parametrize("email", REFUSED)
def test_an_address_that_would_be_refused_today_keeps_its_rows_at_work(desk: Desk, boss: User, email: str) -> None:
    student_id, user_id = STUDENT_IDS[email], USER_IDS[email]
    user = desk.users.get(user_id).user
    view = desk.students.get(student_id)
    course = view.enrollments[0][1]
    desk.grant(user, course, 3)
    desk.removals.dissociate(student_id, user_id)
    operation = desk.expiries.change_expiry(user_id, reference(course), ExpiryChange(kind="no_expiry"))
    assert operation.id
    renamed = desk.students.update(student_id, NAMES, "seen@example.com").student
    assert desk.students.enroll(renamed.email, enrolling(boss, [course])).student.id == student_id
    assert recount(desk.school) == []


def test_the_recount_and_the_lists_find_nothing_wrong(desk: Desk) -> None:
    report = desk.recount.continue_walk(lambda: 1000.0)
    assert report is None or report.drifts == []
    assert desk.store.counters.total(Kind.STUDENTS) == desk.store.listing.count(Kind.STUDENTS)
