"""The log of API calls, so that a test can say what a client did, and how fast."""

import json
from collections.abc import Mapping
from typing import Any

from b2b_cli.simulator.store import Row, Store
from b2b_cli.simulator.wire import Call, write_time

KEPT = 200_000
"""The oldest calls beyond this number are dropped."""

_PRUNED_EVERY = 1_000
_LONGEST_BODY = 4_096
_WINDOW_MS = 60_000


def record(
    store: Store, call: Call, *, at: int, status: int | None, duration_ms: float, fault: str | None = None
) -> None:
    """Adds a call. A status of None means that no answer was sent."""
    call_id = store.insert(
        "calls",
        {
            "at": at,
            "method": call.method,
            "path": call.path,
            "query": json.dumps(call.query) if call.query else "",
            "body": _body_text(call),
            "status": status,
            "duration_ms": round(duration_ms, 3),
            "fault": fault,
        },
    )
    if call_id % _PRUNED_EVERY == 0:
        store.execute("delete from calls where id <= ?", call_id - KEPT)


def call_json(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": write_time(row["at"]),
        "method": row["method"],
        "path": row["path"],
        "query": json.loads(row["query"]) if row["query"] else {},
        "status": row["status"],
        "body": _read_body(row["body"]),
        "duration_ms": row["duration_ms"],
        "fault": row["fault"],
    }


def busiest_minute(times: list[int]) -> int:
    """The most calls in any 60 seconds; `times` in milliseconds, ascending."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - _WINDOW_MS:
            first += 1
        most = max(most, last - first + 1)
    return most


def _body_text(call: Call) -> str | None:
    if not call.body:
        return None
    text = json.dumps(_without_passwords(call.body))
    return text if len(text) <= _LONGEST_BODY else json.dumps(f"{len(text)} characters")


def _read_body(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _without_passwords(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_passwords(item) for name, item in value.items() if "password" not in name.lower()}
    if isinstance(value, list):
        return [_without_passwords(item) for item in value]
    return value
