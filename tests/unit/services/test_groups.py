"""Finding or making a group while Thinkific's lists lag behind its writes."""

from collections.abc import Callable

import pytest
from tests.unit.services.world import World

from b2b.domain.work.operations import Operation, OperationStatus, OperationType
from b2b.services.enrollment.groups import GroupImport, GroupService
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker

LAG_SECONDS = 4


class Groups:
    """A user's group, on its way."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.user = world.user()
        service = GroupService(world.store, world.operations, world.clock)
        self.operation_id = service.assign(self.user.id, "Acme", sync=False).id
        runners = {OperationType.GROUP_IMPORT: GroupImport(world.store, world.thinkific, world.retries, world.clock)}
        self._worker = OperationWorker(world.store, world.notifier, runners, lambda: None, world.clock)

    def advance(self) -> AdvanceOutcome:
        return self._worker.advance(self.operation_id, lambda: 60.0)

    def come_back(self) -> AdvanceOutcome:
        """When the message that was left is there."""
        self.world.clock.advance(seconds=self.world.sqs.sent[-1].delay)
        return self.advance()

    @property
    def operation(self) -> Operation:
        return self.world.operations.get(self.operation_id)[0]

    def made(self) -> int:
        """How many groups Thinkific has."""
        return len(self.world.upstream.call("GET", "/groups")["items"])


def lagging(open_world: Callable[..., World], seconds: float = LAG_SECONDS, **switches: str) -> Groups:
    world = open_world(**switches)
    world.upstream.control("PUT", "/faults", stale_seconds=seconds)
    return Groups(world)


def test_a_group_that_another_has_just_made_is_waited_for(open_world: Callable[..., World]) -> None:
    groups = lagging(open_world)
    groups.world.upstream.call("POST", "/groups", name="Acme")
    assert groups.advance() is AdvanceOutcome.POSTPONED
    assert groups.come_back() is AdvanceOutcome.FINISHED
    assert groups.operation.status is OperationStatus.SUCCEEDED
    assert groups.made() == 1


@pytest.mark.parametrize("duplicates", ["reject", "allow"])
def test_a_lost_answer_makes_no_second_group(open_world: Callable[..., World], duplicates: str) -> None:
    groups = lagging(open_world, group_dup_name=duplicates)
    groups.world.upstream.fault("reset_after", "POST", "^/groups$")
    assert groups.advance() is AdvanceOutcome.POSTPONED
    assert groups.come_back() is AdvanceOutcome.FINISHED
    groups.world.clock.advance(seconds=LAG_SECONDS)
    assert groups.made() == 1


def test_a_name_that_is_taken_and_never_shown_fails_in_the_end(open_world: Callable[..., World]) -> None:
    groups = lagging(open_world, seconds=86400.0)
    groups.world.upstream.call("POST", "/groups", name="Acme")
    looks = 1
    assert groups.advance() is AdvanceOutcome.POSTPONED
    while groups.come_back() is AdvanceOutcome.POSTPONED:
        looks += 1
    assert looks == 12
    assert groups.operation.status is OperationStatus.FAILED
    assert "taken" in str(groups.operation.error)
