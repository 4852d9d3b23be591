"""Thinkific's lists lag behind its writes: who asks too soon what became of a lost answer does it twice."""

from collections.abc import Callable

import pytest
from tests.unit.services.world import World

from b2b.services.enrollment.sync.student import SyncOutcome

LAG_SECONDS = 4


@pytest.fixture
def lagging(open_world: Callable[..., World]) -> World:
    world = open_world(existing_enrollment="duplicate")
    world.upstream.control("PUT", "/faults", stale_seconds=LAG_SECONDS)
    return world


def test_a_new_wish_does_not_make_it_sooner(lagging: World) -> None:
    boss = lagging.user()
    lagging.upstream.fault("reset_after", "POST", "^/enrollments$")
    student_id = lagging.enroll(boss, lagging.course("A")).student.id
    assert lagging.look(student_id) is SyncOutcome.POSTPONED
    lagging.enroll(boss, lagging.course("B"))
    assert lagging.look(student_id) is SyncOutcome.NOT_NOW
    lagging.clock.advance(seconds=LAG_SECONDS + 1)
    assert lagging.settle(student_id) is SyncOutcome.FULFILLED
    lagging.clock.advance(seconds=LAG_SECONDS)
    assert len(lagging.upstream.enrollments()) == 2
