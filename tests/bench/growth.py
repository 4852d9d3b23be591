"""What a call costs among 100 and among 100,000 students: in round trips, request units and our own CPU time.

Tables in one emulator, filled with the rows that storage makes; the calls are about a client who has a tenth of all
students. CPU time is our own, from the gateway's event to the answer, with the emulator's answers to that very call
given again: the emulator takes longer for reasons of its own (it looks at every row of a partition), and whoever waits
longer finds colder caches.
"""

import gc
import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from botocore.config import Config
from tests.bench.capacity import Consumed, Meter
from tests.bench.crowds import Crowd, seed_crowd
from tests.bench.gateway import Answer, Gateway, answered
from tests.bench.progress import Progress
from tests.bench.replay import Recorder, Tape
from tests.bench.report import Figure, Goal, Section, paragraph, table
from tests.bench.sampling import Ratio, Samples, interleaved, ratio
from tests.emulated import Emulated, new_school, running_emulator
from tests.integration.round_trips import Office

from b2b.wiring.aws import PATIENTLY
from b2b_cli.local.emulator import Emulator

SIZES = (100, 10_000, 100_000)
QUICK_SIZES = (100, 2_000)
GOAL = Goal(1.2, stretch=1.05, unit="x")

_NAMES = {"first_name": "Ada", "last_name": "Lovelace"}
_PATIENCE = Config(read_timeout=120, retries={"mode": "standard", "total_max_attempts": 1})

GET_USER = "GET user"
GET_STUDENT = "GET student"
POST_STUDENT = "POST student, 2 enrollments"
ENROLL = "enroll in 1"
FIRST_PAGE = "GET students, first page"
BY_CURSOR = "GET students, by cursor"
CALLS = (GET_USER, GET_STUDENT, POST_STUDENT, ENROLL, FIRST_PAGE, BY_CURSOR)

Json = dict[str, Any]
Request = tuple[str, str, Json | None]


@dataclass(slots=True)
class Scale:
    """One table, and the calls that are made to it. Each call that writes is about somebody new."""

    crowd: Crowd
    gateway: Gateway
    recorder: Recorder
    metered: Gateway
    meter: Meter
    cursor: str
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def request(self, what: str) -> Request:
        number = next(self.numbers)
        crowd = self.crowd
        courses = [course.productable_id for course in crowd.courses]
        if what == GET_USER:
            return "GET", f"/api/users/{crowd.client.id}", None
        if what == GET_STUDENT:
            # From the middle of the list on, and around.
            return "GET", f"/api/students/{(crowd.students // 2 + number) % crowd.students + 1}", None
        if what == FIRST_PAGE:
            return "GET", "/api/students", None
        if what == BY_CURSOR:
            return "GET", self.cursor, None
        person = {"email": f"new-{number}@example.com", "user_email": crowd.client.email}
        post = ("POST", "/api/students", _NAMES | person | {"enrollments": courses[:2]})
        if what == POST_STUDENT:
            return post
        self.gateway.call("POST", "/api/students", _NAMES | person | {"enrollments": courses[:1]})
        return "POST", "/api/students/enroll", person | {"enrollments": courses[1:2]}


def measure(folder: Path, progress: Progress, *, sizes: tuple[int, ...], rounds: int, calls: int) -> Section:
    with running_emulator(folder) as emulator:
        scales = {size: _scale(emulator, size, progress) for size in sizes}
        gc.collect()
        gc.freeze()
        consumed = {(what, size): _consumed(scale, what) for what in CALLS for size, scale in scales.items()}
        samples = _samples(scales, progress, rounds, calls)
        gc.unfreeze()
    least, most = min(sizes), max(sizes)
    ratios = {what: ratio(samples, f"{what}/{most}", f"{what}/{least}") for what in CALLS}
    figures = _figures(consumed, ratios, least, most)
    return Section(
        f"Growth from {least:,} to {most:,} students", figures, [*_lines(consumed, samples, ratios, sizes), *_NOTES]
    )


_NOTES = (
    "",
    *paragraph(
        "Trips are requests to DynamoDB, units its request units (reads by the rows' sizes, writes as the emulator",
        "reports them). CPU: our own, without the network and the emulator.",
    ),
)


def _scale(emulator: Emulator, size: int, progress: Progress) -> Scale:
    progress.begin(f"growth: filling a table with {size:,} students")
    school = new_school(emulator)
    crowd = seed_crowd(
        school, size, lambda rows: progress.go_on(f"growth: {rows:,} of {6 * size:,} rows of {size:,} students")
    )
    # With the product's settings of the client, and another one to count with: counting costs time.
    plain, metered = (_client(emulator, school) for _ in range(2))
    gateway, counting = (Gateway(Office(made), crowd.secret) for made in (plain, metered))
    first = gateway.call("GET", f"/api/students?page={max(1, size // 2 // 15)}")
    cursor = first.body["links"]["next"].partition("/api/")[2]
    return Scale(crowd, gateway, Recorder(plain), counting, Meter(metered), f"/api/{cursor}")


def _client(emulator: Emulator, school: Emulated) -> Emulated:
    config = PATIENTLY.merge(_PATIENCE)
    return replace(school, dynamodb=emulator.client("dynamodb", config), sqs=emulator.client("sqs", config))


def _consumed(scale: Scale, what: str) -> Consumed:
    request = scale.request(what)
    # The first call reads the token too.
    scale.metered.call(*scale.request(GET_STUDENT))
    scale.meter.take()
    scale.metered.call(*request)
    return scale.meter.take()


def _samples(scales: Mapping[int, Scale], progress: Progress, rounds: int, calls: int) -> Samples:
    measures: dict[str, Callable[[], float]] = {}
    for what in CALLS:
        for size, scale in scales.items():
            event = scale.gateway.event(*scale.request(what))
            tape = scale.recorder.record(partial(_send, scale.gateway, what, event))
            measures[f"{what}/{size}"] = partial(_cpu_seconds_a_call, scale, what, event, tape, calls)
    return interleaved(
        measures, rounds, on_round=lambda turn: progress.go_on(f"growth: round {turn} of {rounds} of calls")
    )


def _cpu_seconds_a_call(scale: Scale, what: str, event: Json, tape: Tape, calls: int) -> float:
    send = partial(_send, scale.gateway, what, event)
    began = time.process_time()
    for _ in range(calls):
        scale.recorder.replay(tape, send)
    return (time.process_time() - began) / calls


def _send(gateway: Gateway, what: str, event: Json) -> None:
    _check(what, answered(gateway.send(event)))


def _check(what: str, answer: Answer) -> None:
    if what == POST_STUDENT:
        assert answer.status == 201, answer
    elif what == ENROLL:
        assert len(answer.body["data"]["enrollments"]) == 2, answer
    elif what in (FIRST_PAGE, BY_CURSOR):
        assert len(answer.body["data"]) == 15, answer


def _figures(
    consumed: Mapping[tuple[str, int], Consumed], ratios: Mapping[str, Ratio], least: int, most: int
) -> list[Figure]:
    """The call that grows most stands for all of them."""

    def grows(value: Callable[[Consumed], float]) -> float:
        return max(value(consumed[what, most]) / max(1, value(consumed[what, least])) for what in CALLS)

    worst = max(ratios.values(), key=lambda found: found.value)
    return [
        Figure("growth: round trips, the call that grows most", grows(lambda used: used.trips), GOAL),
        Figure("growth: request units, the call that grows most", grows(_units), GOAL),
        Figure("growth: our CPU time, the call that grows most", worst.value, GOAL, worst.noise),
    ]


def _units(used: Consumed) -> float:
    return used.read_units + used.write_units


def _lines(
    consumed: Mapping[tuple[str, int], Consumed], samples: Samples, ratios: Mapping[str, Ratio], sizes: tuple[int, ...]
) -> list[str]:
    head = ["", *(f"trips {size:,}" for size in sizes), *(f"units {size:,}" for size in sizes)]
    rows = [[*head, *(f"CPU ms {size:,}" for size in sizes), "CPU ratio", "+/-"]]
    for what in CALLS:
        each = [consumed[what, size] for size in sizes]
        times = [statistics.median(samples[f"{what}/{size}"]) * 1000 for size in sizes]
        rows.append(
            [
                what,
                *(str(used.trips) for used in each),
                *(f"{_units(used):g}" for used in each),
                *(f"{milliseconds:.2f}" for milliseconds in times),
                f"{ratios[what].value:.2f}",
                f"{ratios[what].noise:.1%}",
            ]
        )
    return table(rows)
