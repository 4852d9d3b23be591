"""How long functions take to start: CPU time of a process that imports a handler and ends, against a process that
imports what nobody could leave out.

A handler may make its DynamoDB client when it is first asked for one; the denominators make theirs. So a handler is
judged twice: as it is imported, and *with its client*, ready for the first call, which is the harder of the two.

All subjects are run from byte code compiled alike, take turns, and get the same environment. The interpreter's own
start is in every figure and shown by itself. Its end is in none: Lambda keeps a process.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.artifact import Artifact, freshly_compiled, naively_zipped
from tests.bench.processes import TELL_READY, CpuTime, cpu_time, instructions, output
from tests.bench.progress import Progress
from tests.bench.report import Figure, Goal, Section, number, paragraph, table
from tests.bench.sampling import Ratio, Samples, interleaved, ratio, spread
from tests.functions import of_kind

API_GOAL = Goal(1.15, stretch=0.95, unit="x")
WORKER_GOAL = Goal(1.10, unit="x")
ARTIFACT_GOAL = Goal(1.05, unit="x")

WORKERS = (*of_kind("workers"), *of_kind("schedules"))
_WEB = ("fastapi", "starlette", "mangum")

_NOTHING = "the interpreter alone"
_API_LEAST = "import fastapi, mangum; DynamoDB client"
_WORKER_LEAST = "Powertools batch; DynamoDB client"
_USERS = "api.users.handler, as imported"
_USERS_READY = "api.users.handler and its client"
_FRESH = "api.users.handler, freshly compiled"
_ZIPPED = "api.users.handler, zipped with time stamps"

_CLIENT = "import boto3; boto3.client('dynamodb')"
_BATCH = "from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response"
# As our own handlers do it.
_PEER = "import gc; gc.disable(); import tests.bench.peers.{0}; gc.freeze(); gc.enable()"
_PEERS = {
    "handwritten": "peer: hand-written, pydantic only",
    "starlette_mangum": "peer: Starlette + Mangum",
    "powertools_resolver": "peer: Powertools resolver",
    "fastapi_mangum": "peer: FastAPI + Mangum, nothing of ours",
}


@dataclass(frozen=True, slots=True)
class Start:
    """A process to be measured: the statements, and the tree it runs from (None: the artifact itself).

    ``stock``: from packages as they come, as a function does that takes boto3 from Lambda's own Python.
    """

    statements: str
    tree: Path | None = None
    stock: bool = False


class Starts:
    """The processes, and what each took when it was ready (in ``samples``) and with its end (in ``wholes``)."""

    def __init__(self, artifact: Artifact, folder: Path) -> None:
        self._artifact = artifact
        self._all = _starts(artifact, folder)
        self.samples: dict[str, list[float]] = {}
        self.wholes: dict[str, list[float]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def time(self, rounds: int, progress: Progress) -> None:
        taken: dict[str, list[CpuTime]] = {name: [] for name in self._all}
        warm_ups = 2

        def run(name: str, start: Start) -> float:
            taken[name].append(cpu_time(*self._process(start, TELL_READY)))
            return taken[name][-1].ready

        def say(turn: int) -> None:
            progress.go_on(f"init: round {turn} of {rounds}, {len(self)} processes each")

        measures = {name: partial(run, name, start) for name, start in self._all.items()}
        self.samples = interleaved(measures, rounds, warm_ups=warm_ups, on_round=say)
        self.wholes = {name: [each.whole for each in times[warm_ups:]] for name, times in taken.items()}

    def count(self, progress: Progress) -> None:
        """Instructions instead: the same every time, so once is enough. The processes have no end then."""
        for number_, (name, start) in enumerate(self._all.items(), start=1):
            progress.go_on(f"init: callgrind counts {number_} of {len(self)}: {name}")
            self.samples[name] = [float(instructions(*self._process(start, "import os; os._exit(0)")))]
        self.wholes = self.samples

    def _process(self, start: Start, end: str) -> tuple[list[str], Mapping[str, str]]:
        code = f"{start.statements}; {end}"
        return self._artifact.command("-c", code), self._artifact.environment(start.tree, stock=start.stock)


def measure(artifact: Artifact, folder: Path, progress: Progress, *, rounds: int, callgrind: bool) -> Section:
    web = [name for name in WORKERS if _imports_web(artifact, name)]
    starts = Starts(artifact, folder)
    if callgrind:
        starts.count(progress)
    else:
        starts.time(rounds, progress)
    figures, slowest = _figures(starts.samples)
    api = [_NOTHING, _API_LEAST, *_PEERS.values(), _USERS, _USERS_READY, _FRESH, _ZIPPED]
    workers = [name for worker in WORKERS for name in (_imported(worker), _ready(worker))]
    lines = [
        *_lines("API functions", starts, api, _API_LEAST, callgrind=callgrind),
        "",
        *_lines("Workers", starts, [_WORKER_LEAST, *workers], _WORKER_LEAST, callgrind=callgrind),
        "",
        *paragraph(
            f"Judged: users, and the slowest worker ({slowest}): a promise about a worker holds for each of them. As",
            "imported and, since the denominators have made their DynamoDB client, with theirs. `whole`: the ratio",
            "with the end of the process, which Lambda never comes to, and in which gc.freeze() spares ours much.",
            f"fastapi, starlette or mangum are in sys.modules of: {', '.join(web) or 'no worker'}.",
            f"{'Instructions, one run each' if callgrind else f'{rounds} rounds'}; {artifact.note}.",
        ),
    ]
    return Section("Init", figures, lines)


def _starts(artifact: Artifact, folder: Path) -> dict[str, Start]:
    fresh = freshly_compiled(artifact, folder / "fresh")
    zipped = naively_zipped(artifact, folder / "zipped")
    users = "import api.users.handler"
    return {
        _NOTHING: Start("pass"),
        _API_LEAST: Start(f"import fastapi, mangum; {_CLIENT}", stock=True),
        **{title: Start(_PEER.format(name), stock=True) for name, title in _PEERS.items()},
        _USERS: Start(users),
        _USERS_READY: Start(f"{users}; from b2b.wiring.api import api_services; api_services().records.table"),
        _FRESH: Start(users, fresh),
        _ZIPPED: Start(users, zipped),
        _WORKER_LEAST: Start(f"{_BATCH}; {_CLIENT}", stock=True),
        **{_imported(name): Start(f"import {name}.handler") for name in WORKERS},
        **{_ready(name): Start(f"import {name}.handler as h; h._services.records.table") for name in WORKERS},
    }


def _imported(worker: str) -> str:
    return f"{worker}.handler, as imported"


def _ready(worker: str) -> str:
    return f"{worker}.handler and its client"


def _imports_web(artifact: Artifact, worker: str) -> bool:
    code = f"import sys; import {worker}.handler; print(*sorted({set(_WEB)!r} & set(sys.modules)))"
    return bool(output(artifact.command("-c", code), artifact.environment()).strip())


def _figures(samples: Samples) -> tuple[list[Figure], str]:
    """And the slowest worker."""
    workers = {name: ratio(samples, _ready(name), _WORKER_LEAST) for name in WORKERS}
    slowest = max(workers, key=lambda name: workers[name].value)

    def figure(what: str, found: Ratio, goal: Goal) -> Figure:
        return Figure(what, found.value, goal, found.noise)

    return [
        figure("init: users / (fastapi, mangum, client)", ratio(samples, _USERS, _API_LEAST), API_GOAL),
        figure("init: users with its client / the same", ratio(samples, _USERS_READY, _API_LEAST), API_GOAL),
        figure(
            "init: slowest worker / (batch, client)", ratio(samples, _imported(slowest), _WORKER_LEAST), WORKER_GOAL
        ),
        figure("init: slowest worker with its client / the same", workers[slowest], WORKER_GOAL),
        figure("init: the artifact / the same tree freshly compiled", ratio(samples, _USERS, _FRESH), ARTIFACT_GOAL),
    ], slowest


def _lines(title: str, starts: Starts, names: Sequence[str], to: str, *, callgrind: bool) -> list[str]:
    rows = [[title, "million instructions" if callgrind else "CPU ms", "+/-", "ratio", "whole"]]
    for name in names:
        taken = starts.samples[name]
        median = statistics.median(taken)
        rows.append(
            [
                name,
                f"{median / 1e6:.0f}" if callgrind else f"{median * 1000:.1f}",
                "" if callgrind else f"{spread(taken) / median:.1%}",
                number(ratio(starts.samples, name, to).value, API_GOAL),
                "" if callgrind else number(ratio(starts.wholes, name, to).value, API_GOAL),
            ]
        )
    return table(rows)
