"""A warm ``POST`` through the users' handler, against the same work without a framework.

Measured: from the API Gateway event to the answer for it, as CPU time of the process, in Lambda's Python, on what is
built. In the path: Mangum; request id, log line and idempotency check (``b2b.http.entry``, ``idempotency``); FastAPI's
routing and dependencies; the token's check (its form, its SHA-256, the remembered token, its scope); reading, parsing
and checking the body; presenting the user; FastAPI's check and serialization of the answer.

Not in the path: the table. The token is remembered, and the service that finds the user is canned, the same object for
all. Nor the runtime's own client, which fetches the event and sends the answer.
"""

import json
import statistics

from tests.bench.artifact import Artifact
from tests.bench.processes import output
from tests.bench.report import Figure, Goal, Section, table
from tests.bench.sampling import Samples, ratio, spread

GOAL = Goal(24, stretch=15, unit="x", digits=1)
_FIRST = "handwritten"
_NAMES = {
    "handwritten": "hand-written, pydantic only",
    "handwritten, logged": "hand-written, one Powertools log line",
    "starlette": "Starlette + Mangum",
    "starlette, logged": "Starlette + Mangum, one log line",
    "powertools": "Powertools resolver with validation",
    "powertools, logged": "Powertools resolver, one log line",
    "fastapi": "FastAPI + Mangum, nothing of ours",
    "fastapi, logged": "FastAPI + Mangum, one log line",
    "ours, unlogged": "api.users.handler without its log line",
    "ours": "api.users.handler",
}


def measure(artifact: Artifact, *, rounds: int, calls: int) -> Section:
    samples = _samples(artifact, rounds, calls)
    ours = ratio(samples, "ours", _FIRST)
    figure = Figure("warm POST with one log line / hand-written handler", ours.value, GOAL, ours.noise)
    rows = [["POST /api/users/search, warm", "CPU us", "+/-", "ratio"]]
    for name, title in _NAMES.items():
        taken = samples[name]
        median = statistics.median(taken)
        rows.append(
            [title, f"{median * 1e6:.1f}", f"{spread(taken) / median:.1%}", f"{ratio(samples, name, _FIRST).value:.1f}"]
        )
    notes = ["", f"{rounds} rounds of {calls} calls each; {artifact.note}"]
    return Section("Warm call", [figure], [*table(rows), *notes])


def _samples(artifact: Artifact, rounds: int, calls: int) -> Samples:
    command = artifact.command("-m", "tests.bench.warming", str(rounds), str(calls))
    samples: dict[str, list[float]] = json.loads(output(command, artifact.environment()))
    return samples
