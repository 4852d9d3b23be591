"""Operations whose Thinkific is away, or who meet a fault that nobody foresaw."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.unit.services.world import World

from b2b.domain.errors import TooManyRequests, WriteConflict
from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.domain.work.operations import Operation, OperationStatus, OperationType
from b2b.domain.work.upstream import AnswerLost, BudgetSpent, ThinkificDown
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker, Step


class Troubled:
    """A runner that meets its troubles one after the other, then is done with its one student."""

    def __init__(self, *troubles: Exception) -> None:
        self._troubles = [*troubles]

    def step(self, operation: Operation) -> Step:
        if self._troubles:
            raise self._troubles.pop(0)
        return Step(replace(operation, total=1, done=1).finished())


Advance = Callable[[], AdvanceOutcome]


@pytest.fixture
def troubled(world: World) -> Callable[..., tuple[str, Advance]]:
    def start(*troubles: Exception) -> tuple[str, Advance]:
        operation = world.operations.start(CatalogueSyncState())
        runner = Troubled(*troubles)
        worker = OperationWorker(
            world.store, world.notifier, {OperationType.CATALOGUE_SYNC: runner}, lambda: None, world.clock
        )
        return operation.id, lambda: worker.advance(operation.id, lambda: 60.0)

    return start


def test_failed_attempts_are_further_and_further_apart(
    world: World, troubled: Callable[..., tuple[str, Advance]]
) -> None:
    down = ThinkificDown("down", retry_after=5)
    operation_id, advance = troubled(*[down] * 10, AnswerLost("lost"))
    delays = []
    for _ in range(11):
        assert advance() is AdvanceOutcome.POSTPONED
        delays.append(world.sqs.sent[-1].delay)
        # Repair does not come before the message.
        world.clock.advance(seconds=delays[-1] + 1)
        assert world.repair.enqueue_overdue() == 0
    assert delays[0] == 5
    assert 128 <= delays[-1] <= 256
    assert advance() is AdvanceOutcome.FINISHED
    operation, _ = world.operations.get(operation_id)
    assert (operation.status, operation.attempts) == (OperationStatus.SUCCEEDED, 0)


def test_waiting_for_the_budget_is_no_failed_attempt(
    world: World, troubled: Callable[..., tuple[str, Advance]]
) -> None:
    operation_id, advance = troubled(*[BudgetSpent("spent", retry_after=3)] * 6)
    for _ in range(6):
        assert advance() is AdvanceOutcome.POSTPONED
        assert world.sqs.sent[-1].delay == 3
    assert world.operations.get(operation_id)[0].attempts == 0


def test_a_message_that_is_lost_after_a_pause_is_sent_again(
    world: World, troubled: Callable[..., tuple[str, Advance]]
) -> None:
    _, advance = troubled(BudgetSpent("spent", retry_after=600))
    advance()
    world.clock.advance(seconds=600 + 181)
    assert world.repair.enqueue_overdue() == 1


def test_what_nobody_foresaw_is_left_to_the_queue_for_an_hour(
    world: World, troubled: Callable[..., tuple[str, Advance]]
) -> None:
    operation_id, advance = troubled(RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        advance()
    world.clock.advance(minutes=59)
    assert world.repair.enqueue_overdue() == 0
    world.clock.advance(minutes=2)
    assert world.repair.enqueue_overdue() == 1
    assert advance() is AdvanceOutcome.FINISHED
    assert world.operations.get(operation_id)[0].status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize("conflict", [WriteConflict(), TooManyRequests(retry_after=1)])
def test_whom_others_never_let_through_is_further_and_further_apart_and_says_so(
    world: World, troubled: Callable[..., tuple[str, Advance]], conflict: Exception
) -> None:
    operation_id, advance = troubled(*[conflict] * 8)
    assert advance() is AdvanceOutcome.POSTPONED
    assert world.operations.get(operation_id)[0].error is None
    for _ in range(7):
        assert advance() is AdvanceOutcome.POSTPONED
    assert 16 <= world.sqs.sent[-1].delay <= 32
    assert "changed by others" in str(world.operations.get(operation_id)[0].error)
    assert advance() is AdvanceOutcome.FINISHED
    operation, _ = world.operations.get(operation_id)
    assert (operation.status, operation.attempts, operation.error) == (OperationStatus.SUCCEEDED, 0, None)


def test_all_that_a_runner_asks_of_thinkific_leaves_the_burst_to_single_enrollments(world: World) -> None:
    is_in_bulk = False
    seen = []

    @contextmanager
    def in_bulk() -> Iterator[None]:
        nonlocal is_in_bulk
        is_in_bulk = True
        yield
        is_in_bulk = False

    class Watching:
        def step(self, operation: Operation) -> Step:
            seen.append(is_in_bulk)
            return Step(replace(operation, total=1, done=1).finished())

    runners = {OperationType.CATALOGUE_SYNC: Watching()}
    worker = OperationWorker(world.store, world.notifier, runners, lambda: None, world.clock, in_bulk=in_bulk)
    assert worker.advance(world.operations.start(CatalogueSyncState()).id, lambda: 60.0) is AdvanceOutcome.FINISHED
    assert seen == [True]
    assert not is_in_bulk
