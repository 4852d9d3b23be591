"""Pages over the table: their order, their cost, and that a walk sees each row once."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.aws import Aws
from tests.unit.services.world import World

from b2b.domain.identity.users import User, UserView
from b2b.domain.kinds import Kind
from b2b.services.pages import Page, PageRequest


@pytest.fixture
def asked(aws: Aws) -> Iterator[list[dict[str, Any]]]:
    """The queries that DynamoDB was sent."""
    sent: list[dict[str, Any]] = []

    def note(operation: str, call: dict[str, Any]) -> None:
        if operation == "Query":
            sent.append(call)

    with aws.watched(note):
        yield sent


def people(world: World, number: int) -> list[int]:
    return [world.user(f"boss{position}@example.com").id for position in range(number)]


def ids(page: Page[UserView]) -> list[int]:
    return [view.user.id for view in page.records]


@pytest.mark.parametrize("per_page", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("newest_first", [False, True])
def test_numbered_pages_cut_the_list(world: World, per_page: int, newest_first: bool) -> None:
    users = sorted(people(world, 7), reverse=newest_first)
    for number in range(1, 9):
        page = world.users.list_page(PageRequest(number, per_page, newest_first=newest_first))
        assert ids(page) == users[(number - 1) * per_page :][:per_page]
        assert (page.next_cursor is not None) == (number * per_page < 7)


@pytest.mark.parametrize("per_page", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_walk_by_cursor_sees_each_row_once_while_others_come_and_go(
    world: World, per_page: int, newest_first: bool
) -> None:
    users = people(world, 8)
    doomed = users[2]
    stay = [user for user in users if user != doomed]
    seen: list[int] = []
    request = PageRequest(1, per_page, newest_first=newest_first)
    while True:
        page = world.users.list_page(request)
        seen += ids(page)
        if len(seen) >= 2 and doomed:
            user = world.users.get(doomed).user
            world.store.transact(world.store.users.remove(user))
            world.user("late@example.com")
            doomed = 0
        if page.next_cursor is None:
            break
        request = PageRequest(page.next_cursor.page, per_page, page.next_cursor, newest_first)
    assert len(seen) == len(set(seen))
    assert [user for user in seen if user in stay] == sorted(stay, reverse=newest_first)


@pytest.mark.parametrize("per_page", [1, 100])
@pytest.mark.parametrize("page", [9, 10, 1_000, 10**6, 2**31 - 1, 2**31, 10**9])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_page_beyond_the_end_reads_nothing_of_the_list(
    world: World, asked: list[dict[str, Any]], page: int, per_page: int, newest_first: bool
) -> None:
    people(world, 8)
    asked.clear()
    found = world.users.list_page(PageRequest(page, per_page, newest_first=newest_first))
    assert (ids(found), found.total, found.next_cursor) == ([], 8, None)
    assert asked == []


def test_an_absurd_total_asks_dynamodb_for_no_more_than_it_takes(world: World, asked: list[dict[str, Any]]) -> None:
    people(world, 3)
    world.store.counters.correct_total(Kind.USERS, 10**12)
    asked.clear()
    assert ids(world.users.list_page(PageRequest(10**9, 100))) == []
    assert 0 < max(query["Limit"] for query in asked) < 2**31


class Narrow:
    """``most`` records fit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken: list[UserView] = []

    def take(self, record: UserView) -> bool:
        if self.taken and len(self.taken) >= self._most:
            return False
        self.taken.append(record)
        return True

    def estimate(self) -> int:
        return self._most - len(self.taken)


@pytest.mark.parametrize("most", [3, 29, 30, 31])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_page_without_room_ends_and_the_walk_goes_on(world: World, most: int, newest_first: bool) -> None:
    users = people(world, 30)
    seen: list[int] = []
    request = PageRequest(1, 100, newest_first=newest_first)
    while True:
        size_limit = Narrow(most)
        page = world.users.list_page(request, size_limit)
        assert size_limit.taken == page.records
        assert len(page.records) == min(most, 30 - len(seen))
        assert (page.position, page.total) == (len(seen), 30)
        seen += ids(page)
        if page.next_cursor is None:
            break
        request = PageRequest(page.next_cursor.page, 100, page.next_cursor, newest_first)
    assert seen == sorted(users, reverse=newest_first)


def test_what_has_no_room_is_not_loaded_either(world: World, asked: list[dict[str, Any]]) -> None:
    people(world, 40)
    asked.clear()
    world.users.list_page(PageRequest(1, 100), Narrow(25))
    # The list itself, 25 users, and the one by which it was seen that there is no more room.
    assert len(asked) == 1 + 25 + 1


@pytest.mark.parametrize(
    ("asked_for", "found"),
    [
        ("ada@example.com", True),
        ("ADA@example.com", True),
        ("ada@EXAMPLE.com", True),
        ("ada@example.co", False),
        ("da@example.com", False),
        ("ada@example.com.", False),
        ("ada", False),
        ("%", False),
        ("*@example.com", False),
        ("ada@example.com,eve@example.com", False),
        ("eve@example.com@example.com", False),
        ("ada @example.com", False),
    ],
)
def test_students_by_e_mail_are_that_one_or_none(world: World, boss: User, asked_for: str, found: bool) -> None:
    ada = world.enroll(boss, email="ada@example.com").student.id
    world.enroll(boss, email="eve@example.com")
    page = world.students.list_page(PageRequest(1, 15), email=asked_for)
    assert [view.student.id for view in page.records] == ([ada] if found else [])
    assert (page.total, page.next_cursor) == (int(found), None)
    assert not world.students.list_page(PageRequest(2, 15), email=asked_for).records
