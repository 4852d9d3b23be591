"""The budget, by several workers that share one ledger as they share one item of the table."""

from bisect import bisect_right
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ledger import Ledger

from b2b.domain.work.budget import WINDOW_SECONDS, Budget, Wait

# A float of seconds since 1970 is exact to a quarter of a microsecond, and the arrival time adds hundreds of them up.
EPSILON = 1e-4


class Workers:
    """``count`` workers under one clock, and when each call was granted."""

    def __init__(self, rate: int, count: int = 1, start: float = 1_773_144_000.0) -> None:
        self.now = start
        self.ledger = Ledger()
        self.budgets = [Budget(self.ledger, rate=rate, now=lambda: self.now) for _ in range(count)]
        self.granted: list[float] = []

    def take(self, worker: int = 0) -> Wait | None:
        wait = self.budgets[worker % len(self.budgets)].take()
        if wait is None:
            self.granted.append(self.now)
        return wait

    def hungry(self, seconds: float) -> None:
        """All take whenever they may, for so long."""
        end = self.now + seconds
        turn = 0
        while self.now < end:
            wait = self.take(turn)
            turn += 1
            if wait is not None:
                self.now += wait.seconds + EPSILON

    def busiest_minute(self) -> int:
        ends = [moment + WINDOW_SECONDS - EPSILON for moment in self.granted]
        return max(
            (bisect_right(self.granted, end) - start for start, end in enumerate(ends)),
            default=0,
        )


@given(
    rate=st.integers(1, 300),
    count=st.integers(1, 5),
    steps=st.lists(st.tuples(st.integers(0, 4), st.floats(0, 40), st.booleans()), max_size=120),
)
def test_no_minute_ever_holds_more_calls_than_the_rate(
    rate: int, count: int, steps: list[tuple[int, float, bool]]
) -> None:
    workers = Workers(rate, count)
    for worker, pause, waits in steps:
        wait = workers.take(worker)
        workers.now += wait.seconds if wait is not None and waits else pause
    assert workers.busiest_minute() <= rate


@given(rate=st.integers(1, 150), count=st.integers(1, 4))
def test_no_minute_of_the_hungriest_workers_holds_more_calls_than_the_rate(rate: int, count: int) -> None:
    workers = Workers(rate, count)
    workers.hungry(150)
    assert workers.busiest_minute() <= rate


@pytest.mark.parametrize("rate", [40, 60, 100, 120, 1000])
@pytest.mark.parametrize("count", [1, 3])
def test_hungry_workers_use_nine_tenths_of_the_rate(rate: int, count: int) -> None:
    workers = Workers(rate, count)
    workers.hungry(600)
    assert len(workers.granted) >= 0.9 * rate * 10


def test_a_new_student_is_brought_without_a_pause() -> None:
    workers = Workers(100)
    assert [workers.take() for _ in range(4)] == [None] * 4
    assert isinstance(workers.take(), Wait)


def test_calls_in_bulk_leave_the_burst_to_others() -> None:
    workers = Workers(100)
    first, second = workers.budgets[0].take(bulk=True), workers.budgets[0].take(bulk=True)
    assert first is None
    assert isinstance(second, Wait)
    assert [workers.take() for _ in range(3)] == [None] * 3


@given(turns=st.lists(st.tuples(st.booleans(), st.floats(0, 5)), max_size=200))
def test_bulk_and_single_calls_together_keep_the_rate(turns: list[tuple[bool, float]]) -> None:
    workers = Workers(60)
    for bulk, pause in turns:
        if workers.budgets[0].take(bulk=bulk) is None:
            workers.granted.append(workers.now)
        workers.now += pause
    assert workers.busiest_minute() <= 60


def test_after_the_wait_the_call_is_granted() -> None:
    workers = Workers(60)
    while (wait := workers.take()) is None:
        pass
    workers.now += wait.seconds + EPSILON
    assert workers.take() is None


def test_what_one_worker_takes_is_taken_for_all() -> None:
    workers = Workers(10, count=2)
    while workers.take(0) is None:
        pass
    assert isinstance(workers.take(1), Wait)


def test_a_worker_that_knows_an_old_state_is_put_right_by_the_ledger() -> None:
    workers = Workers(100, count=2)
    for worker in (0, 1, 0, 1):
        assert workers.take(worker) is None
    assert workers.ledger.state.version == 4


def test_a_granted_call_costs_no_read() -> None:
    workers = Workers(100)
    workers.take()
    assert workers.ledger.reads == 0


def test_a_hold_keeps_everyone_waiting_for_its_time() -> None:
    workers = Workers(100, count=2)
    workers.budgets[0].back_off(30)
    wait = workers.take(1)
    assert wait is not None
    assert wait.seconds == pytest.approx(30)
    assert wait.pause_reason is None
    workers.now += 30 + EPSILON
    assert workers.take(1) is None


def test_a_shorter_hold_does_not_cut_a_longer_one() -> None:
    workers = Workers(100)
    workers.budgets[0].back_off(60)
    workers.budgets[0].back_off(5)
    wait = workers.take()
    assert wait is not None
    assert wait.seconds == pytest.approx(60)


def test_after_a_hold_the_rate_still_holds() -> None:
    workers = Workers(50, count=2)
    workers.hungry(20)
    workers.budgets[1].back_off(7)
    workers.hungry(120)
    assert workers.busiest_minute() <= 50


def test_a_pause_stops_everyone_for_a_minute_and_says_so() -> None:
    workers = Workers(100, count=2)
    workers.budgets[0].pause("Thinkific answered 401")
    wait = workers.take(1)
    assert wait is not None
    assert wait.pause_reason == "Thinkific answered 401"
    assert wait.seconds == pytest.approx(60)
    assert workers.ledger.state.pause_reason == "Thinkific answered 401"


def test_after_a_pause_a_call_is_let_through_to_see_whether_it_is_mended() -> None:
    workers = Workers(100)
    workers.budgets[0].pause("Thinkific answered 401")
    workers.now += 60 + EPSILON
    assert workers.take() is None


def test_a_pause_that_a_person_lifted_is_over_at_once() -> None:
    workers = Workers(100)
    workers.budgets[0].pause("Thinkific answered 401")
    lifted = workers.ledger.state
    workers.ledger.state = replace(lifted, version=lifted.version + 1, paused_until=0.0)
    assert workers.take() is None


def test_a_pause_that_is_lifted_is_over_for_all() -> None:
    workers = Workers(100, count=2)
    workers.budgets[0].pause("Thinkific answered 401")
    workers.take(1)
    workers.budgets[0].resume()
    assert workers.budgets[1].pause_reason is None
    assert workers.take(1) is None


def test_a_call_despite_the_pause_is_counted_and_leaves_the_others_paused() -> None:
    workers = Workers(10, count=2)
    workers.budgets[0].pause("Thinkific answered 401")
    assert workers.budgets[1].take(despite_pause=True) is None
    later = workers.budgets[1].take(despite_pause=True)
    assert later is not None
    assert later.pause_reason is None
    wait = workers.take(0)
    assert wait is not None
    assert wait.pause_reason == "Thinkific answered 401"


def test_the_state_is_what_the_ledger_holds() -> None:
    workers = Workers(100)
    workers.take()
    assert workers.budgets[0].state() == workers.ledger.state


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_below_one_call_a_minute_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="at least 1 call a minute"):
        Budget(Ledger(), rate=rate, now=lambda: 0.0)
