"""A worker that is killed at any of its calls to Thinkific: what it was at goes on within 90 seconds, once."""

import itertools

import httpx
import pytest
from tests.unit.services.world import World

from b2b.domain.identity.users import User
from b2b.services.enrollment.sync.student import SyncOutcome

CALLS = 6  # look-up, create, group, two courses, a bundle
REPAIR_EVERY_SECONDS = 60
GOES_ON_WITHIN_SECONDS = 90


class Killed(BaseException):
    """As SIGKILL: nothing of the program runs after it."""


class KilledAt(httpx.BaseTransport):
    """Kills the worker at one of its calls: ``arrived`` = after Thinkific has carried it out."""

    def __init__(self, world: World, number: int, *, arrived: bool) -> None:
        self._inner = world.upstream.http._transport
        self._numbers = itertools.count(1)
        self._number = number
        self._arrived = arrived

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_last = next(self._numbers) == self._number
        if is_last and not self._arrived:
            raise Killed
        answer = self._inner.handle_request(request)
        if is_last:
            raise Killed
        return answer


def kill(world: World, student_id: int, number: int, *, arrived: bool) -> None:
    http = world.upstream.http
    transport = KilledAt(world, number, arrived=arrived)
    dying = httpx.Client(transport=transport, base_url=http.base_url, headers=http.headers)
    with pytest.raises(Killed):
        world.worker("dying", world.thinkific_over(dying)).sync_student(student_id, lambda: 60.0)


@pytest.fixture
def boss(world: World) -> User:
    return world.user(group="Globex")


def enrolled(world: World, boss: User, *, bulk: bool) -> int:
    """A new student in two courses and a bundle, behind so many others of its user that it is bulk work."""
    products = (world.course("A"), world.course("B"), world.bundle())
    for number in range(5 if bulk else 0):
        world.enroll(boss, products[0], email=f"before{number}@example.com")
    student_id = world.enroll(boss, *products).student.id
    wish = world.record(student_id).wish
    assert wish is not None
    assert wish.bulk == bulk
    world.sqs.sent.clear()
    return student_id


@pytest.mark.parametrize("bulk", [False, True], ids=["single", "bulk"])
@pytest.mark.parametrize("arrived", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_a_killed_workers_student_goes_on_within_90_seconds_and_is_enrolled_once(
    world: World, boss: User, number: int, arrived: bool, bulk: bool
) -> None:
    world.upstream.switch(existing_enrollment="duplicate")
    student_id = enrolled(world, boss, bulk=bulk)
    kill(world, student_id, number, arrived=arrived)
    # The schedule of repair may have run just before the crash, so that two whole minutes lie ahead of the third run.
    killed_at = world.clock.seconds()
    rung_at = None
    while rung_at is None and world.clock.seconds() - killed_at < 2 * REPAIR_EVERY_SECONDS:
        world.clock.advance(seconds=1)
        if int(world.clock.seconds() - killed_at) % REPAIR_EVERY_SECONDS == REPAIR_EVERY_SECONDS // 2:
            world.repair.enqueue_overdue()
            if student_id in [sent.body["student_id"] for sent in world.sqs.sent]:
                rung_at = world.clock.seconds()
    assert rung_at is not None
    assert rung_at - killed_at <= GOES_ON_WITHIN_SECONDS
    # Bulk work would send it behind thousands of others once more.
    assert [sent.queue for sent in world.sqs.sent if sent.body["student_id"] == student_id] == ["sync"]

    assert world.settle(student_id) is SyncOutcome.FULFILLED
    rows = [row["course_id"] for row in world.upstream.enrollments(email="ada@example.com")]
    assert len(rows) == len(set(rows)) == 4
    assert len([user for user in world.upstream.users() if user["email"] == "ada@example.com"]) == 1
