"""What the calls of a month's mix consume, each measured on a small school in the emulator; and what follows a call:
the look of the sync at a new student, and the runs of the schedules.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from tests.bench.capacity import Consumed, Meter
from tests.bench.crowds import seed_crowd
from tests.bench.gateway import Gateway
from tests.emulated import Emulated, new_school, running_emulator
from tests.integration.round_trips import Office
from tests.unit.clock import Clock
from tests.unit.in_process import InProcess
from tests.unit.services.upstream import Upstream
from tests.unit.services.world import World

from b2b.domain.work.budget import Budget
from b2b.services.enrollment.sweep import SweepService
from b2b.services.integrity.recount import RecountService
from b2b.storage.work.budget import BudgetItem
from b2b.wiring.aws import PATIENTLY
from b2b_cli.local.emulator import Emulator
from b2b_cli.simulator import Store

STUDENTS = 100
_TIMES = 10
_NAMES = {"first_name": "Ada", "last_name": "Lovelace"}


@dataclass(frozen=True, slots=True)
class Use:
    """Of one call, look or run. ``cpu_seconds``: of our process on this machine. ``upstream``: calls to Thinkific."""

    consumed: Consumed
    cpu_seconds: float
    upstream: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """``calls``: by the name that the mix has for them; ``schedules``: by the function."""

    calls: dict[str, Use]
    look: Use
    schedules: dict[str, Use]


def measured(folder: Path) -> Measured:
    with running_emulator(folder) as emulator:
        calls = _calls(emulator)
        look, schedules = _behind_the_calls(emulator)
    return Measured(calls, look, schedules)


def _calls(emulator: Emulator) -> dict[str, Use]:
    school = new_school(emulator)
    crowd = seed_crowd(school, STUDENTS)
    client = _as_the_product_has_it(emulator, school)
    gateway, meter = Gateway(Office(client), crowd.secret), Meter(client)
    numbers = itertools.count(1)
    gateway.call("GET", "/api/users")  # reads the token

    def call(method: str, path: str, body: Callable[[int], dict[str, Any]] | None = None) -> Use:
        def once() -> None:
            number = next(numbers)
            gateway.call(
                method, path.format(user=crowd.client.id, student=number % STUDENTS + 1), body and body(number)
            )

        return _use(once, meter)

    def new_student(number: int) -> dict[str, Any]:
        person = _NAMES | {"email": f"new-{number}@example.com", "user_email": crowd.client.email}
        return person | {"enrollments": [crowd.courses[0].productable_id]}

    return {
        "GET student": call("GET", "/api/students/{student}"),
        "GET user": call("GET", "/api/users/{user}"),
        "GET students, a page of 15": call("GET", "/api/students"),
        "POST student, new, 1 enrollment": call("POST", "/api/students", new_student),
        "POST users/upsert, new": call("POST", "/api/users/upsert", lambda number: {"email": f"u{number}@example.com"}),
        "POST users/upsert, known": call(
            "POST", "/api/users/upsert", lambda number: {"email": crowd.client.email, "name": f"Client {number}"}
        ),
    }


def _behind_the_calls(emulator: Emulator) -> tuple[Use, dict[str, Use]]:
    """The sync with a simulated Thinkific in this process, and the schedules with nothing to do."""
    client = _as_the_product_has_it(emulator, new_school(emulator))
    meter, clock, store = Meter(client), Clock(), Store()
    with asyncio.Runner() as runner:
        upstream = Upstream(store, clock, partial(_open, runner))
        world = World(client.table, upstream, clock)
        # In the table, as it is deployed.
        world.budget = Budget(BudgetItem(client.table), rate=100, now=clock.seconds)
        sync = world.worker("bench", world.thinkific_over(upstream.http))
        user, course = world.user(), world.course()
        upstream.forget_calls()
        numbers = itertools.count(1)

        def look() -> None:
            assert sync.sync_student(next(numbers), lambda: 60.0).value == "fulfilled"

        for number in range(_TIMES + 1):
            assert world.enroll(user, course, email=f"pupil-{number}@example.com").student.id == number + 1
            clock.advance(minutes=1)
        looked = _use(look, meter)
        looked = replace(looked, upstream=round(len(upstream.calls()) / (_TIMES + 1)))
        schedules: dict[str, Use] = {
            "repair": _use(world.repair.enqueue_overdue, meter),
            "sweep": _use(partial(SweepService(world.store, clock).sweep, lambda: 60.0), meter),
            "recount": _use(partial(RecountService(world.store, clock).continue_walk, lambda: 300.0), meter),
        }
    store.close()
    return looked, schedules


def _open(runner: asyncio.Runner, app: Any, **options: Any) -> httpx.Client:
    return httpx.Client(transport=InProcess(app, runner), **options)


def _as_the_product_has_it(emulator: Emulator, school: Emulated) -> Emulated:
    return replace(school, dynamodb=emulator.client("dynamodb", PATIENTLY), sqs=emulator.client("sqs", PATIENTLY))


def _use(work: Callable[[], object], meter: Meter) -> Use:
    """The mean of some runs, after one that warms up (of the recount: the one that walks; then it rests a day)."""
    work()
    meter.take()
    began = time.process_time()
    for _ in range(_TIMES):
        work()
    seconds = (time.process_time() - began) / _TIMES
    sum_ = meter.take()
    return Use(
        Consumed(
            trips=round(sum_.trips / _TIMES),
            read_units=sum_.read_units / _TIMES,
            write_units=sum_.write_units / _TIMES,
            rows=round(sum_.rows / _TIMES),
            messages=round(sum_.messages / _TIMES),
        ),
        seconds,
    )
