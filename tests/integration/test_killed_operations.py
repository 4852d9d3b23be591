"""Operations whose worker is killed again and again while they run: each ends as if nothing had been."""

import logging
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.integration.crowd import crowd, granted, refused
from tests.integration.desk import NAMES, enrolling
from tests.integration.killing import Killed, stratified
from tests.integration.recount import recount
from tests.integration.stacks import MARK, answered, await_end_of, sync_catalogue
from tests.local_stack import LocalStack, await_that

from b2b.domain.catalogue.products import Product
from b2b.domain.identity.users import User
from b2b.storage.keys import SortRange

KILLS = 5
# Of the mass expiry: those whose enrollment Thinkific will not change, and those whose account the school has deleted
# and Thinkific will not make again.
REFUSED, BANNED = 4, 3
END = "2031-06-30T23:59:59"

_log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    data = tmp_path_factory.mktemp("killed") / "data"
    environment = {MARK: "killed", "THINKIFIC_RATE_PER_MINUTE": "600000"}
    stack = LocalStack(data, "--workers", "1", "--sweep-every", "0.5", environment=environment)
    try:
        sync_catalogue(stack)
        with stack.api() as api, stack.simulator() as thinkific:
            yield Killed(stack, api, thinkific)
    finally:
        code = stack.stop()
    assert code == 0, stack.said()
    await_end_of("killed")


@pytest.fixture(autouse=True)
def nothing_is_miscounted(killed: Killed) -> Iterator[None]:
    yield
    assert recount(killed.desk.school) == []


def test_a_mass_expiry_ends_right_however_often_its_worker_is_killed(killed: Killed, many_students: int) -> None:
    draw = random.Random(2000)
    course = killed.courses[0]
    emails = [f"many-{number}@example.com" for number in range(many_students)]
    user = enroll_many(killed, "many@example.com", emails, course)
    accounts = {user["email"]: user["id"] for user in killed.state()["users"]}
    enrolled = {row["user_email"]: row["id"] for row in killed.state()["enrollments"]}
    failing = draw.sample(emails, REFUSED + BANNED)
    unchangeable, banned = failing[:REFUSED], failing[REFUSED:]
    for email in banned:
        killed.school.remove_user(accounts[email])
    ids = "|".join(str(enrolled[email]) for email in unchangeable)
    never = {"kind": "error_before", "status": 422, "times": 1_000_000}
    no_change, no_account = {"method": "PUT", "path": f"^/enrollments/({ids})$"}, {"method": "POST", "path": "^/users$"}

    change = {"product": course.productable_id, "type": "date", "expiry_date": "2031-06-30"}
    with killed.slow(never | no_change, never | no_account):
        mark = killed.school.mark()
        started = time.monotonic()
        operation_id = answered(killed.api.post(f"/users/enrollments/{user.id}", json=change))["operation"]["id"]

        def progress() -> float:
            """Of its three parts: each wish written, each carried out, each counted."""
            operation = killed.operation(operation_id)
            carried_out = min(many_students, killed.count_calls(mark, "PUT", "^/enrollments/"))
            counted: int = operation["done"] + operation["failed"]
            return float(operation["total"] + carried_out + counted) / (3 * many_students)

        killed.kill_at(stratified(draw, KILLS, 0.9), progress)
        operation = killed.await_final(operation_id)
        _log.info("ended after %.0f s", time.monotonic() - started)

    assert (operation["status"], operation["total"]) == ("partial", many_students)
    assert (operation["done"], operation["failed"]) == (many_students - len(failing), len(failing))
    students = {student["email"]: student for student in killed.all_of("/students")}
    failures = {failure["email"]: failure for failure in operation["failures"]}
    assert failures.keys() == {*failing}
    for email, failure in failures.items():
        assert failure["student_id"] == students[email]["id"]
        assert failure["error"] == "Thinkific: Bad Request"
    for email in emails:
        (enrollment,) = students[email]["enrollments"]
        assert enrollment["status"] == ("failed" if email in failing else "active")
        assert enrollment["error"] == (failures[email]["error"] if email in failing else None)
        assert enrollment["expiry_date"].startswith(END)
    spared = dict.fromkeys(unchangeable, None) | dict.fromkeys(banned, "no user")
    assert ends_in_thinkific(killed, emails) == dict.fromkeys(emails, END) | spared

    # Thinkific has relented: the same again does what was left, and nothing else.
    mark = killed.school.mark()
    operation_id = answered(killed.api.post(f"/users/enrollments/{user.id}", json=change))["operation"]["id"]
    operation = killed.await_final(operation_id)
    assert (operation["status"], operation["total"], operation["done"]) == ("succeeded", many_students, many_students)
    assert ends_in_thinkific(killed, emails) == dict.fromkeys(emails, END)
    assert killed.count_calls(mark, "PUT", "") == REFUSED
    assert killed.count_calls(mark, "POST", "^/users$") == killed.count_calls(mark, "POST", "^/enrollments$") == BANNED


def test_a_group_import_brings_each_member_once(killed: Killed) -> None:
    emails = [f"member-{number}@example.com" for number in range(160)]
    killed.school.add_group("Globex")

    def add_member(email: str) -> int:
        account = killed.school.add_user(first_name="Ada", last_name="Lovelace", email=email)
        killed.school.add_to_group(account, "Globex")
        return int(account["id"])

    accounts = dict(zip(emails, granted(crowd(add_member, emails, threads=8)), strict=True))
    user = killed.desk.add_user("globex@example.com")
    body = {"name": "Globex", "sync": True}
    operation_id = answered(killed.api.post(f"/users/group/{user.id}", json=body))["operation"]["id"]
    killed.kill_at(stratified(random.Random(160), 3, 0.9), lambda: len(killed.students_of(user)) / len(emails))
    operation = killed.await_final(operation_id)

    assert (operation["status"], operation["total"], operation["done"]) == ("succeeded", len(emails), len(emails))
    students = [student for student in killed.all_of("/students") if student["email"] in accounts]
    assert {student["email"]: student["thinkific_id"] for student in students} == accounts
    assert killed.students_of(user) == [student["id"] for student in students]
    assert all([found["id"] for found in student["users"]] == [user.id] for student in students)
    assert Counter(found["email"] for found in killed.state()["users"]) >= Counter(emails)


def test_a_deleted_user_takes_its_students_along(killed: Killed) -> None:
    """In Thinkific too; those that another user shares stay, there as well."""
    course = killed.courses[1]
    own = [f"own-{number}@example.com" for number in range(60)]
    shared = [f"shared-{number}@example.com" for number in range(20)]
    leaving = enroll_many(killed, "leaving@example.com", [*own, *shared], course)
    staying = killed.desk.add_user("staying@example.com")
    for email in shared:
        killed.desk.students.associate(email, staying.email)
    ids = {student["email"]: student["id"] for student in killed.all_of("/students")}
    on = {"delete_students_with_user": True, "delete_students_in_thinkific": True}
    answered(killed.api.put("/settings", json=on))
    mark = killed.school.mark()

    def progress() -> float:
        """Of the two parts: students taken from the user, accounts deleted."""
        left, deleted = len(killed.students_of(leaving)), killed.count_calls(mark, "DELETE", "^/users/")
        return (len(own) + len(shared) - left + deleted) / (2 * len(own) + len(shared))

    with killed.slow():
        assert killed.api.delete(f"/users/{leaving.id}").status_code == 204
        killed.kill_at(stratified(random.Random(60), 3, 0.9), progress)
        await_that(lambda: not killed.open_operations(), seconds=120, what="The end of every operation")
    answered(killed.api.put("/settings", json=dict.fromkeys(on, False)))

    assert killed.api.get(f"/users/{leaving.id}").status_code == 404
    assert killed.desk.table.query(f"USER#{leaving.id}", SortRange("A", "Z")) == []
    for email in own:
        assert killed.api.get(f"/students/{ids[email]}").status_code == 404
        assert killed.desk.table.query(f"STUDENT#{ids[email]}", SortRange("A", "Z")) == []
    for email in shared:
        student = answered(killed.api.get(f"/students/{ids[email]}"))["data"]
        assert [found["id"] for found in student["users"]] == [staying.id]
        assert [found["status"] for found in student["enrollments"]] == ["active"]
    emails = Counter(found["email"] for found in killed.state()["users"])
    assert {emails[email] for email in own} == {0}
    assert {emails[email] for email in shared} == {1}


def test_a_catalogue_sync_knows_all_that_is_sold(killed: Killed) -> None:
    old = [killed.school.add_course(name=f"Old {number}") for number in range(10)]
    sync_catalogue(killed.stack)
    for product in old[:5]:
        killed.school.remove(product)
    new = [killed.school.add_course(name=f"New {number}") for number in range(10)]
    bundles = [killed.school.add_bundle(*new[number % 5 :], name=f"Bundle {number}") for number in range(30)]

    mark = killed.school.mark()
    with killed.slow():
        operation_id = answered(killed.api.post("/products/sync"))["operation"]["id"]
        moments = stratified(random.Random(30), 3, 0.9)
        killed.kill_at(moments, lambda: killed.count_calls(mark, "GET", "^/bundles/") / len(bundles))
        operation = killed.await_final(operation_id)

    products = {product["id"]: product for product in killed.all_of("/products")}
    assert (operation["status"], operation["done"]) == ("succeeded", operation["total"])
    assert operation["total"] == len(products) - 5
    assert {products[product["id"]]["status"] for product in old[:5]} == {"deleted"}
    assert {products[product["id"]]["status"] for product in [*old[5:], *new, *bundles]} == {"published"}
    for number, bundle in enumerate(bundles):
        courses = sorted(course["productable_id"] for course in new[number % 5 :])
        assert products[bundle["id"]]["course_ids"] == courses


def enroll_many(killed: Killed, user_email: str, emails: list[str], course: Product) -> User:
    """A user with these students, who are in the course in Thinkific too."""
    user = killed.desk.add_user(user_email)
    wanted = enrolling(user, [course])
    before = killed.count_enrollments()
    started = time.monotonic()
    assert refused(crowd(lambda email: killed.desk.students.upsert(email, NAMES, wanted), emails)) == []
    written = time.monotonic()

    def confirmed() -> bool:
        records = killed.desk.store.students.get_each_record(killed.students_of(user))
        return not any(enrollment.is_open for record in records for enrollment in record.enrollments)

    there = before + len(emails)
    await_that(lambda: killed.count_enrollments() == there, seconds=180, what="That Thinkific has every enrollment")
    await_that(confirmed, what="That every enrollment is confirmed")
    seconds = (written - started, time.monotonic() - written)
    _log.info("%d students written in %.0f s, confirmed in %.0f s", len(emails), *seconds)
    return user


def ends_in_thinkific(killed: Killed, emails: list[str]) -> dict[str, str | None]:
    """When the one enrollment of the one account of each ends. Anything twice fails."""
    state = killed.state()
    accounts = Counter(user["email"] for user in state["users"])
    assert set(accounts.values()) <= {1}
    rows = Counter((row["user_id"], row["course_id"]) for row in state["enrollments"])
    assert set(rows.values()) <= {1}
    ends: dict[str, str | None] = {row["user_email"]: row["expiry_date"] for row in state["enrollments"]}
    found: dict[str, str | None] = {}
    for email in emails:
        end = ends.get(email, "no enrollment" if email in accounts else "no user")
        found[email] = end.removesuffix(".000Z") if end else None
    return found
