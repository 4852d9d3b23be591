"""Requests to DynamoDB for each call of the API, counted where botocore sends, on the emulator.

The token has been seen in the last seconds, as it has for whoever calls more than once; what an unknown one costs is
shown beside it.
"""

from pathlib import Path

from tests.bench.report import Figure, Goal, Section, table
from tests.emulated import new_school, running_emulator
from tests.integration.round_trips import Api, Call, Trips

_STUDENTS = 10
_ASKED = Trips(0)

GOALS = {
    "GET of a user": Goal(2, 2, digits=0),
    "GET of a student": Goal(2, 2, digits=0),
    "POST of a student with 2 enrollments": Goal(6, 5, digits=0),
    "enroll in 1": Goal(5, 4, digits=0),
}


def measure(folder: Path) -> Section:
    with running_emulator(folder) as emulator:
        api = Api(new_school(emulator), students=_STUDENTS)
        unknown: dict[str, Trips] = {}
        for what, call in _calls(1).items():
            api.new_desk()
            unknown[what] = api.trips(call)
        remembered = {what: api.trips(call) for what, call in _calls(2).items()}
    rows = [["DynamoDB requests (+ messages to SQS)", "token remembered", "token unknown"]]
    rows += [[what, _told(remembered[what]), _told(unknown[what])] for what in GOALS]
    note = (
        "An unknown token costs a read, and once a minute a write that notes its use (which the first call here has)."
    )
    figures = [Figure(f"round trips: {what}", remembered[what].table, goal) for what, goal in GOALS.items()]
    return Section("Round trips", figures, [*table(rows), "", note])


def _calls(turn: int) -> dict[str, Call]:
    """Another student and another course each ``turn``, so that none is known already."""
    person = {"first_name": "Ada", "last_name": "Lovelace", "user_email": "client@example.com"}
    new = person | {"email": f"new-{turn}@example.com", "enrollments": [1, 2]}
    known = {"email": "eve@example.com", "user_email": "client@example.com", "enrollments": [2 + turn]}
    calls = (
        Call("GET", "/api/users/{id}", _ASKED, path="/api/users/{user}"),
        Call("GET", "/api/students/{id}", _ASKED, path="/api/students/{student}"),
        Call("POST", "/api/students", _ASKED, new, status=201),
        Call("POST", "/api/students/enroll", _ASKED, known),
    )
    return dict(zip(GOALS, calls, strict=True))


def _told(trips: Trips) -> str:
    return f"{trips.table} + {trips.queues}" if trips.queues else str(trips.table)
