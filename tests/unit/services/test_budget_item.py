"""The budget's state in the table, as two workers share it."""

from dataclasses import replace

from tests.unit.clock import Clock

from b2b.domain.work.budget import Budget, BudgetState, Wait
from b2b.storage.table import Table
from b2b.storage.work.budget import BudgetItem


def test_what_is_written_is_read_to_the_last_digit(table: Table) -> None:
    state = BudgetState(version=1, arrival=1_773_144_000.123457, paused_until=1_773_144_060.5, pause_reason="401")
    item = BudgetItem(table)
    assert item.replace(state) is None
    assert item.read() == state


def test_before_anything_is_written_the_budget_is_untouched(table: Table) -> None:
    assert BudgetItem(table).read() == BudgetState()


def test_only_the_next_version_is_written(table: Table) -> None:
    item = BudgetItem(table)
    first = BudgetState(version=1, arrival=1.0)
    item.replace(first)
    assert item.replace(replace(first, arrival=2.0)) == first
    assert item.replace(replace(first, version=3)) == first
    assert item.replace(replace(first, version=2, arrival=2.0)) is None


def test_workers_share_the_calls(table: Table, clock: Clock) -> None:
    workers = [Budget(BudgetItem(table), rate=60, now=clock.seconds) for _ in range(2)]
    taken = [workers[turn % 2].take() for turn in range(6)]
    assert taken[:4] == [None] * 4
    assert all(isinstance(wait, Wait) for wait in taken[4:])
