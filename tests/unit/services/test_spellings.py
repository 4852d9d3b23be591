"""One address in several spellings: in the table, and in Thinkific.

Nobody knows whether Thinkific tells capitals apart when it looks for an address.
"""

from typing import Any

import httpx
import pytest
from tests.unit.services.test_accounts import accounts, delete_there_too
from tests.unit.services.world import NAMES, World

from b2b.domain.errors import InvalidInput
from b2b.domain.identity.users import User
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.services.identity.users import UserFields

ONE_PERSON = [
    ("ada@example.com", "ADA@Example.COM"),
    ("é@example.com", "e\u0301@example.com"),
    ("É@example.com", "e\u0301@example.com"),
    ("ΟΔΟΣ@example.com", "οδος@example.com"),
    ("weiß@example.com", "WEI\u1e9e@example.com"),
    ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ("ada@xn--bcher-kva.example", "ADA@BÜCHER.example"),
    ("ada@straße.example", "ada@XN--STRAE-OQA.example"),
    ("用户@例子.公司", "用户@xn--fsqu00a.xn--55qx5d"),
    ("\u0958@example.com", "\u0915\u093c@example.com"),
]
TWO_PERSONS = [
    ("weiß@example.com", "weiss@example.com"),
    ("ada@straße.example", "ada@strasse.example"),
    ("οδος@example.com", "οδοσ@example.com"),
    ("\u0131@example.com", "i@example.com"),
    ("İ@example.com", "i@example.com"),
    ("é@example.com", "e@example.com"),
    ("ß@example.com", "ss@example.com"),
    ("ŉ@example.com", "\u02bcn@example.com"),
    ("\u0430da@example.com", "ada@example.com"),
    ("ada@xn--bcher-kva.example", "ada@bucher.example"),
]


@pytest.mark.parametrize(("first", "second"), ONE_PERSON)
def test_two_spellings_name_one_user_and_one_student(world: World, boss: User, first: str, second: str) -> None:
    user = world.users.create(first, UserFields()).user
    assert world.users.find_by_email(second).user == user
    with pytest.raises(InvalidInput):
        world.users.create(second, UserFields())
    student = world.enroll(boss, email=first).student
    again = world.enroll(boss, email=second).student
    assert (again.id, again.email) == (student.id, first)


@pytest.mark.parametrize(("first", "second"), ONE_PERSON)
def test_a_spelling_may_be_changed(world: World, boss: User, first: str, second: str) -> None:
    user = world.users.create(first, UserFields()).user
    assert world.users.update(user.id, UserFields(), second).user.email == second
    assert world.users.find_by_email(first).user.id == user.id
    student_id = world.enroll(boss, email=first).student.id
    assert world.students.update(student_id, NAMES, second).student.email == second
    assert world.enroll(boss, email=first).student.id == student_id


@pytest.mark.parametrize(("first", "second"), TWO_PERSONS)
def test_two_addresses_are_two_users_and_two_students(world: World, boss: User, first: str, second: str) -> None:
    users = {world.users.create(email, UserFields()).user.id for email in (first, second)}
    students = {world.enroll(boss, email=email).student.id for email in (first, second)}
    assert (len(users), len(students)) == (2, 2)


class TellsCapitalsApart(httpx.BaseTransport):
    """Thinkific, which finds an account by the very spelling it keeps, and makes no second one in any."""

    def __init__(self, world: World) -> None:
        self._transport = world.upstream.http._transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        wanted = request.url.params.get("query[email]")
        if wanted is None:
            return response
        response.read()
        body: dict[str, Any] = response.json()
        items = [item for item in body["items"] if item["email"] == wanted]
        return httpx.Response(200, json=body | {"items": items})


def tell_capitals_apart(world: World) -> None:
    http = httpx.Client(
        transport=TellsCapitalsApart(world), base_url=world.upstream.http.base_url, headers=world.upstream.http.headers
    )
    world.thinkific = world.thinkific_over(http)
    world.sync = world.worker("worker-1", world.thinkific)


@pytest.mark.parametrize(
    "typed",
    [
        "Ada@example.com",
        "ada@Example.com",
        "ADA@EXAMPLE.COM",
        "aDa@example.com",
        "Ada.Lovelace+1@Example.com",
        "Weiß@example.com",
        "ÉMILE@example.com",
        "ΑΔΑ@example.com",
        "Ада@example.com",
        "ada@BÜCHER.example",
    ],
)
def test_an_account_kept_in_small_letters_is_found_by_another_spelling(world: World, boss: User, typed: str) -> None:
    there = world.upstream.call("POST", "/users", first_name="A", last_name="K", email=typed.lower())["id"]
    tell_capitals_apart(world)
    student_id = world.enroll(boss, world.course(), email=typed).student.id
    world.upstream.forget_calls()
    assert world.look(student_id) is SyncOutcome.FULFILLED
    assert world.record(student_id).student.thinkific_id == there
    assert world.upstream.calls()[:3] == ["GET /users", "POST /users", "GET /users"]


def test_an_account_kept_with_capitals_is_found_by_them(world: World, boss: User) -> None:
    world.upstream.switch(email_case="insensitive")
    world.upstream.control("PUT", "/faults", stale_seconds=20)
    there = world.upstream.call("POST", "/users", first_name="A", last_name="K", email="Ada@Example.com")["id"]
    tell_capitals_apart(world)
    student_id = world.enroll(boss, world.course(), email="Ada@Example.com").student.id
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert world.record(student_id).student.thinkific_id == there


def test_an_account_kept_in_small_letters_is_deleted_with_its_student(world: World, boss: User) -> None:
    world.upstream.call("POST", "/users", first_name="A", last_name="K", email="ada@example.com")
    tell_capitals_apart(world)
    student_id = world.enroll(boss, email="Ada@Example.com").student.id
    delete_there_too(world, world.record(student_id))
    assert accounts(world) == {}
