"""The calls a minute that all workers share: never too many, whoever asks. Time is a number that waiting moves on."""

import threading

import pytest
from tests.emulated import Emulated
from tests.integration.crowd import crowd

from b2b.domain.work.budget import WINDOW_SECONDS, Budget
from b2b.storage.work.budget import BudgetItem

RATE = 40
WORKERS = range(6)


class Time:
    """One time for all workers; it moves on when a worker waits."""

    def __init__(self) -> None:
        self._now = 1_000_000.0
        self._lock = threading.Lock()

    def now(self) -> float:
        with self._lock:
            return self._now

    def wait_until(self, moment: float) -> None:
        with self._lock:
            self._now = max(self._now, moment)


class Worker:
    """A process's own budget over the shared item. ``granted``: the moments for which it got a call."""

    def __init__(self, school: Emulated, time: Time) -> None:
        self._time = time
        self._asked_at = 0.0
        self.granted: list[float] = []
        self.budget = Budget(BudgetItem(school.table), rate=RATE, now=self._now)

    def take(self) -> None:
        wait = self.budget.take()
        if wait is None:
            self.granted.append(self._asked_at)
        else:
            self._time.wait_until(self._asked_at + wait.seconds)

    def _now(self) -> float:
        self._asked_at = self._time.now()
        return self._asked_at


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def workers(school: Emulated, time: Time) -> list[Worker]:
    return [Worker(school, time) for _ in WORKERS]


def granted_by(workers: list[Worker]) -> list[float]:
    return sorted(moment for worker in workers for moment in worker.granted)


def busiest_window(moments: list[float]) -> int:
    """The most calls in any 60 seconds."""
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - WINDOW_SECONDS:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_no_minute_holds_more_calls_than_the_rate(workers: list[Worker], time: Time) -> None:
    began = time.now()

    def work(worker: Worker) -> None:
        while time.now() < began + 2 * WINDOW_SECONDS:
            worker.take()

    crowd(work, workers)
    moments = granted_by(workers)
    assert busiest_window(moments) <= RATE
    # And hardly fewer: the rate is there to be used.
    assert len(moments) >= 2 * RATE * 0.9


def test_a_429_seen_by_one_worker_holds_all(workers: list[Worker], time: Time) -> None:
    """One of them learns, amid the others' calls, that nothing goes for 30 seconds."""
    began = time.now()
    held: list[float] = []

    def work(number: int) -> None:
        worker = workers[number]
        while time.now() < began + 60:
            if number == 0 and not held and time.now() >= began + 10:
                asked = time.now()
                worker.budget.back_off(30)
                # Calls granted up to here may have been granted before it was written.
                held.extend((asked, time.now()))
            worker.take()

    crowd(work, WORKERS)
    asked, written = held
    moments = granted_by(workers)
    assert [moment for moment in moments if written < moment < asked + 30] == []
    assert any(moment < asked for moment in moments)
    assert any(moment >= asked + 30 for moment in moments)
