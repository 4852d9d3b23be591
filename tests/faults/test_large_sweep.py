"""A hundred thousand enrollments end at once: the sweep stops in time, is killed, goes on, frees each seat once, and
costs as much for a row among a hundred thousand as among a thousand.

The emulator sweeps some 300 rows a second, fewer the more rows its indexes have. So of the 100,000 some thousands are
swept here, and all with ``--whole-sweep``; of the smaller numbers all.
"""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest
from tests.emulated import Emulated
from tests.faults.figures import Figures
from tests.faults.seeding import DueSchool, seed_due
from tests.faults.stacks import await_calmly
from tests.faults.sweeping import Sweeper, SweepRun

from b2b.domain.integrity.recount import drifts_of_user
from b2b.storage import keys
from b2b.storage.items import Item, unmarshal

MANY, SOME, FEW = 100_000, 10_000, 1_000
KILLS = 3
_SEATS_BEFORE_A_KILL = (100, 400)
_ROWS_IN_ONE_READ = 100
# The sweep takes up no row in its last five seconds.
_SPARE_SECONDS = 5.0
_LONG, _SHORT = 600.0, 25.0


class Sweep:
    def __init__(self, school: Emulated, due: DueSchool, draw: random.Random) -> None:
        self.school = school
        self.due = due
        self._draw = draw

    def left(self) -> int:
        return sum(self.school.table.count_due(shard) for shard in keys.expiry_shards())

    def kill_some(self) -> list[int]:
        """Run it and kill it midway, several times; how many were swept by each."""
        return [self._kill_one(self._draw.randint(*_SEATS_BEFORE_A_KILL)) for _ in range(KILLS)]

    def _kill_one(self, freed: int) -> int:
        enough = self._seats() - freed
        sweeper = Sweeper(self.school, seconds=_LONG)
        try:
            await_calmly(lambda: self._seats() <= enough, seconds=120, what=f"The freeing of {freed} seats")
        finally:
            sweeper.kill()
        return self.swept_once()

    def _seats(self) -> int:
        """Of the reusable grants: less to ask for than what is due."""
        pairs = [(user_id, self.due.reusable.id) for user_id in self.due.users]
        return sum(grant.seats_used for grant in self.school.store.users.get_grants(pairs))

    def run(self, *, seconds: float) -> SweepRun:
        """Bounded by its time."""
        run = Sweeper(self.school, seconds=seconds).finish(seconds=seconds + 30)
        assert run.failed == 0
        assert run.seconds <= seconds - _SPARE_SECONDS + 1
        return run

    def swept_once(self) -> int:
        """How many are swept; each once, with its seat freed where the grant is reusable, and every counter right."""
        swept = 0
        held: Counter[tuple[int, int]] = Counter()
        for row in self._enrollments():
            is_swept = "swept_version" in row
            swept += is_swept
            check_row(row, self.due, is_swept=is_swept)
            held.update((holder, row["product_id"]) for holder in row.get("seat_holders", ()))
        self._check_counters(held)
        return swept

    def _check_counters(self, held: Counter[tuple[int, int]]) -> None:
        for user_id in self.due.users:
            counted = self.school.store.recounts.counted(user_id)
            found = self.school.store.recounts.found(user_id)
            assert counted is not None
            for product in (self.due.reusable, self.due.used_up):
                seats = held[user_id, product.id]
                assert (counted.seats[product.id], found.seats.get(product.id, 0)) == (seats, seats)
            assert list(drifts_of_user(user_id, counted, found)) == []

    def _enrollments(self) -> list[Item]:
        places = (
            keys.enrollment(student_id, product.id)
            for product in (self.due.reusable, self.due.used_up)
            for student_id in self.due.students
        )
        batches = iter(lambda: list(islice(places, _ROWS_IN_ONE_READ)), [])
        with ThreadPoolExecutor(2) as pool:
            rows = [row for found in pool.map(self._read, batches) for row in found]
        assert len(rows) == self.due.rows
        return rows

    def _read(self, places: list[keys.Key]) -> list[Item]:
        name = self.school.resources.table_name
        wanted: Any = {
            "Keys": [{keys.PARTITION: {"S": key.pk}, keys.SORT: {"S": key.sk}} for key in places],
            "ProjectionExpression": "student_id,product_id,revision,version,swept_version,seat_holders,former_holders,"
            f"{keys.DUE_PARTITION}",
        }
        answer = self.school.dynamodb.batch_get_item(RequestItems={name: wanted})
        assert not answer.get("UnprocessedKeys")
        return [unmarshal(raw) for raw in answer["Responses"][name]]


def check_row(row: Item, due: DueSchool, *, is_swept: bool) -> None:
    holder = {due.user_of(row["student_id"])}
    is_freed = is_swept and row["product_id"] == due.reusable.id
    seen = row["version"], row["revision"], row.get("seat_holders", set()), row.get("former_holders", set())
    assert seen == (1, 2 if is_swept else 1, set() if is_freed else holder, holder if is_freed else set()), row
    assert (keys.DUE_PARTITION in row) is not is_swept, row


@pytest.fixture
def whole_sweep(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--whole-sweep"))


_calls_a_row: dict[int, float] = {}


@pytest.mark.parametrize("rows", [FEW, SOME, MANY])
def test_a_sweep_is_bounded_resumed_and_done_once(
    school: Emulated, rows: int, draw: random.Random, whole_sweep: bool, figures: Figures
) -> None:
    sweep = Sweep(school, seed_due(school, rows), draw)
    assert sweep.left() == rows
    killed_at = sweep.kill_some() if rows > FEW else []
    bounded = sweep.run(seconds=_SHORT)
    runs = [bounded]
    swept = sweep.swept_once()
    assert swept == sum(run.swept for run in runs) + (killed_at[-1] if killed_at else 0)
    while (rows < MANY or whole_sweep) and sweep.left():
        runs.append(sweep.run(seconds=60.0))
    if rows < MANY or whole_sweep:
        assert sweep.swept_once() == rows
        assert sweep.run(seconds=60.0).swept == 0

    calls: Counter[str] = Counter()
    for run in runs:
        calls.update(run.calls)
    done = sum(run.swept for run in runs)
    _calls_a_row[rows] = calls.total() / done
    figures.note(
        f"{rows:,} due",
        swept=rows - sweep.left(),
        kills=len(killed_at),
        bounded_run=f"{bounded.swept:,} rows in {bounded.seconds:.1f} s of {_SHORT:.0f}",
        calls_a_row=f"{_calls_a_row[rows]:.3f}",
        rows_a_second=done / sum(run.seconds for run in runs),
    )


def test_a_row_costs_the_same_however_many_are_due() -> None:
    costs = [_calls_a_row[rows] for rows in (FEW, SOME, MANY) if rows in _calls_a_row]
    assert len(costs) == 3, "needs the tests above"
    assert max(costs) <= 1.2 * min(costs)
