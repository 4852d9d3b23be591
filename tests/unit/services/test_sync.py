"""One worker at a time for a student: leases, wishes that change, messages that come twice."""

from collections import Counter
from datetime import timedelta

import httpx
import pytest
from tests.in_memory.sqs import Sent
from tests.unit.services.world import World

from b2b.domain.errors import WriteConflict
from b2b.domain.identity.users import User
from b2b.services.enrollment.reconciliation import LEASE
from b2b.services.enrollment.sync import repair
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.storage import keys


def test_a_fulfilled_wish_is_gone_and_a_second_message_does_nothing(world: World, boss: User) -> None:
    student_id = world.brought(boss, world.course())
    assert world.record(student_id).wish is None
    assert world.look(student_id) is SyncOutcome.NOT_NOW
    assert world.upstream.calls() == []


@pytest.mark.parametrize("student_id", [1, 10**9])
def test_a_message_about_nobody_does_nothing(world: World, student_id: int) -> None:
    assert world.look(student_id) is SyncOutcome.NOT_NOW


def test_a_second_worker_leaves_the_student_to_the_first(world: World, boss: User) -> None:
    student_id = world.enroll(boss, world.course()).student.id
    world.store.wishes.lease(student_id, "worker-2", world.clock(), world.clock() + LEASE)
    assert world.look(student_id) is SyncOutcome.NOT_NOW
    assert world.upstream.calls() == []


def test_a_lease_that_ran_out_is_taken_over(world: World, boss: User) -> None:
    student_id = world.enroll(boss, world.course()).student.id
    world.store.wishes.lease(student_id, "worker-2", world.clock(), world.clock() + LEASE)
    world.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert world.look(student_id) is SyncOutcome.FULFILLED


def test_after_an_abandoned_lease_the_next_worker_looks_before_it_writes(world: World, boss: User) -> None:
    """The dead worker's enrollment went through, its answer and all that should have been written down did not."""
    course = world.course()
    student_id = world.enroll(boss, course).student.id

    class Died(BaseException):
        """As a process that is killed."""

    class Dies(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = world.upstream.http._transport.handle_request(request)
            if (request.method, request.url.path) == ("POST", "/api/public/v1/enrollments"):
                raise Died
            return answer

    http = httpx.Client(transport=Dies(), base_url=world.upstream.http.base_url, headers=world.upstream.http.headers)
    with pytest.raises(Died):
        world.worker("worker-2", world.thinkific_over(http)).sync_student(student_id, lambda: 60.0)
    assert len(world.upstream.enrollments()) == 1
    world.upstream.switch(existing_enrollment="duplicate")
    world.upstream.forget_calls()
    world.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert world.upstream.calls() == ["GET /enrollments"]
    assert len(world.upstream.enrollments()) == 1


def test_a_wish_that_changed_meanwhile_is_looked_at_again(world: World, boss: User) -> None:
    first, second = world.course("A"), world.course("B")
    student_id = world.enroll(boss, first).student.id

    class Interrupts(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                world.enroll(boss, second)
            return world.upstream.http._transport.handle_request(request)

    http = httpx.Client(
        transport=Interrupts(), base_url=world.upstream.http.base_url, headers=world.upstream.http.headers
    )
    outcome = world.worker("worker-2", world.thinkific_over(http)).sync_student(student_id, lambda: 60.0)
    assert outcome is SyncOutcome.POSTPONED
    assert world.sqs.sent[-1].delay == 0
    assert world.settle(student_id) is SyncOutcome.FULFILLED
    assert [world.status(student_id, course) for course in (first, second)] == ["active", "active"]


def test_a_message_that_comes_too_early_does_nothing(world: World, boss: User) -> None:
    world.upstream.fault("rate_limited", seconds=30)
    student_id = world.enroll(boss, world.course()).student.id
    assert world.look(student_id) is SyncOutcome.POSTPONED
    world.upstream.forget_calls()
    assert world.look(student_id) is SyncOutcome.NOT_NOW
    assert world.upstream.calls() == []
    world.wait()
    assert world.look(student_id) is SyncOutcome.FULFILLED


def test_a_new_wish_does_not_wait_for_what_an_earlier_one_waits_for(world: World, boss: User) -> None:
    world.upstream.fault("error_before", "GET", status=503)
    student_id = world.enroll(boss, world.course("A")).student.id
    assert world.look(student_id) is SyncOutcome.POSTPONED
    world.enroll(boss, world.course("B"))
    assert world.look(student_id) is SyncOutcome.FULFILLED


def test_an_error_that_nobody_foresaw_goes_up_and_gives_the_wish_back(world: World, boss: User) -> None:
    course = world.course()
    student_id = world.enroll(boss, course).student.id

    def broken(_: httpx.Request) -> httpx.Response:
        raise RuntimeError("a bug")

    http = httpx.Client(transport=httpx.MockTransport(broken), base_url="http://t.example")
    with pytest.raises(RuntimeError):
        world.worker("worker-2", world.thinkific_over(http)).sync_student(student_id, lambda: 60.0)
    wish = world.record(student_id).wish
    assert wish is not None
    assert (wish.lease_owner, wish.attempts) == (None, 1)
    # The queue's own retries have it; repair keeps out of their way for an hour.
    world.clock.advance(minutes=59)
    assert world.repair.enqueue_overdue() == 0
    world.clock.advance(minutes=2)
    assert world.repair.enqueue_overdue() == 1
    assert world.look(student_id) is SyncOutcome.FULFILLED


def test_a_new_wish_forgets_the_failed_attempts_of_the_last(world: World, boss: User) -> None:
    world.upstream.fault("error_before", "GET", times=3, status=503)
    student_id = world.enroll(boss, world.course("A")).student.id
    for _ in range(3):
        assert world.look(student_id) is SyncOutcome.POSTPONED
        world.wait()
    world.enroll(boss, world.course("B"))
    wish = world.record(student_id).wish
    assert wish is not None
    assert wish.attempts == 0


# Messages that get lost


def test_enrolling_enqueues_the_student(world: World, boss: User) -> None:
    student_id = world.enroll(boss, world.course()).student.id
    assert world.sqs.sent == [Sent("sync", {"version": 1, "student_id": student_id}, 0)]


def test_a_queue_that_cannot_be_reached_fails_no_call(world: World, boss: User) -> None:
    world.sqs.broken = True
    view = world.enroll(boss, world.course())
    assert view.enrollments[0][0].is_open
    assert len(world.unsent) == 1


def test_repair_enqueues_a_wish_whose_message_was_lost(world: World, boss: User) -> None:
    world.sqs.broken = True
    student_id = world.enroll(boss, world.course()).student.id
    world.sqs.broken = False
    assert world.repair.enqueue_overdue() == 0
    world.clock.advance(seconds=61)
    assert world.repair.enqueue_overdue() == 1
    assert world.sqs.sent == [Sent("sync", {"version": 1, "student_id": student_id}, 0)]


def test_repair_enqueues_once_for_a_time(world: World, boss: User) -> None:
    world.enroll(boss, world.course())
    world.clock.advance(seconds=61)
    assert [world.repair.enqueue_overdue(), world.repair.enqueue_overdue()] == [1, 0]
    world.clock.advance(seconds=121)
    assert world.repair.enqueue_overdue() == 1


def test_repair_leaves_fulfilled_wishes_alone(world: World, boss: User) -> None:
    world.brought(boss, world.course())
    world.clock.advance(days=1)
    assert world.repair.enqueue_overdue() == 0


def test_repair_looks_after_a_wish_whose_worker_died(world: World, boss: User) -> None:
    student_id = world.enroll(boss, world.course()).student.id
    world.store.wishes.lease(student_id, "worker-2", world.clock(), world.clock() + LEASE)
    world.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert world.repair.enqueue_overdue() == 1


def test_a_backlog_keeps_repair_from_no_other_students(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As much of each shard as of any other; and bulk work is not enqueued over and over."""
    monkeypatch.setattr(repair, "_MOST_IN_ONE_RUN", 16)
    shards = len(keys.wish_shards())
    backlog = [shards * number for number in range(1, 21)]
    for student_id in backlog:
        world.store.write(world.store.wishes.add_wish(student_id, world.clock(), bulk=True))
    single = shards - 1
    world.store.write(world.store.wishes.add_wish(single, world.clock(), bulk=False))
    world.clock.advance(seconds=1)
    assert world.repair.enqueue_overdue() == 3
    assert single in [sent.body["student_id"] for sent in world.sqs.sent]
    for _ in range(9):
        world.clock.advance(seconds=60)
        world.repair.enqueue_overdue()
    enqueued = Counter(sent.body["student_id"] for sent in world.sqs.sent)
    assert [enqueued[student_id] for student_id in backlog] == [1] * len(backlog)
    assert enqueued[single] > 1


def test_whom_others_never_let_through_is_further_and_further_apart_and_says_so(
    world: World, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    student_id = world.enroll(boss, world.course()).student.id

    def refuse(*_: object, **__: object) -> None:
        raise WriteConflict

    with monkeypatch.context() as contended:
        contended.setattr(world.store._table, "transact", refuse)
        for _ in range(6):
            assert world.look(student_id) is SyncOutcome.POSTPONED
            world.wait()
    wish = world.record(student_id).wish
    assert wish is not None
    assert (wish.attempts, "changed by others" in str(wish.trouble)) == (6, True)
    assert 4 <= world.sqs.sent[-1].delay <= 8
    assert world.settle(student_id) is SyncOutcome.FULFILLED


def test_the_oldest_trouble_of_each_shard_is_shown(world: World) -> None:
    shards = len(keys.wish_shards())
    for number in range(1, 6):
        world.store.write(world.store.wishes.add_wish(shards * number, world.clock(), bulk=True))
    world.store.write(world.store.wishes.add_wish(1, world.clock(), bulk=False))
    now = world.clock()
    wish = world.store.wishes.lease(1, "worker", now, now + timedelta(seconds=45))
    world.store.wishes.postpone(wish, now, now, attempts=4, trouble="GET /users: status 500.")
    assert [found.student_id for found in world.store.wishes.longest_due(5) if found.trouble] == [1]


def test_repair_that_cannot_enqueue_says_so_and_loses_nothing(world: World, boss: User) -> None:
    world.enroll(boss, world.course())
    world.clock.advance(seconds=61)
    world.sqs.broken = True
    with pytest.raises(ConnectionError):
        world.repair.enqueue_overdue()
    world.sqs.broken = False
    world.clock.advance(seconds=121)
    assert world.repair.enqueue_overdue() == 1


@pytest.mark.parametrize(("seconds", "enqueued"), [([60, 60, 60], 3), ([60, 11, 9], 2), ([60, 9], 1), ([9], 0)])
def test_repair_stops_before_its_time_is_up_and_leaves_the_rest_to_the_next_run(
    world: World, boss: User, seconds: list[float], enqueued: int
) -> None:
    course = world.course()
    for number in range(3):
        world.enroll(boss, course, email=f"student{number}@example.com")
    world.clock.advance(seconds=61)
    left = iter(seconds)
    assert world.repair.enqueue_overdue(lambda: next(left)) == enqueued
    assert world.repair.enqueue_overdue() == 3 - enqueued


def test_a_postponed_wish_is_due_for_repair_after_its_message(world: World, boss: User) -> None:
    world.upstream.fault("rate_limited", seconds=100)
    student_id = world.enroll(boss, world.course()).student.id
    world.look(student_id)
    world.clock.advance(seconds=100)
    assert world.repair.enqueue_overdue() == 0
    world.clock.advance(seconds=100)
    assert world.repair.enqueue_overdue() == 1


def test_a_look_that_gets_further_starts_to_count_its_failures_anew(world: World, boss: User) -> None:
    """Else a student half of whose calls go wrong would wait ever longer, however much gets done."""
    world.upstream.fault("error_before", "GET", times=6, status=503)
    student_id = world.enroll(boss, world.course("A"), world.course("B")).student.id
    for _ in range(6):
        assert world.look(student_id) is SyncOutcome.POSTPONED
        world.wait()
    world.upstream.fault("error_before", "POST", "^/enrollments$", status=503)
    assert world.look(student_id) is SyncOutcome.POSTPONED
    wish = world.record(student_id).wish
    assert wish is not None
    assert wish.attempts == 1
    assert world.sqs.sent[-1].delay <= 6
    world.wait()
    assert world.settle(student_id) is SyncOutcome.FULFILLED
