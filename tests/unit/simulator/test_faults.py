from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.simulator.school import School

from b2b_cli.simulator.faults import CLOUDFLARE_STATUSES, Faults, FaultSchedule

BODY = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
EVERYTHING = {
    "cloudflare_5xx_rate": 0.2,
    "reset_before_rate": 0.1,
    "reset_after_rate": 0.1,
    "slow_rate": 0.1,
    "rate_limited_rate": 0.05,
}


def dealt(**faults: Any) -> list[tuple[str, int] | None]:
    schedule = FaultSchedule(Faults.model_validate(faults))
    faults_dealt = [schedule.deal("GET", "/users") for _ in range(2_000)]
    return [None if fault is None else (fault.kind, fault.status) for fault in faults_dealt]


def test_a_seed_repeats_its_faults() -> None:
    assert dealt(seed=7, **EVERYTHING) == dealt(seed=7, **EVERYTHING)
    assert dealt(seed=7, **EVERYTHING) != dealt(seed=8, **EVERYTHING)


def test_rates_are_kept() -> None:
    kinds = [fault[0] for fault in dealt(**EVERYTHING, rate_limited_burst=1) if fault]
    shares = {kind: kinds.count(kind) / 2_000 for kind in set(kinds)}
    assert shares == pytest.approx(
        {
            "error_before": 0.1,
            "error_after": 0.1,
            "reset_before": 0.1,
            "reset_after": 0.1,
            "slow": 0.1,
            "rate_limited": 0.05,
        },
        abs=0.03,
    )


@pytest.mark.parametrize(("share", "kind"), [(0, "error_before"), (1, "error_after")])
def test_whether_a_5xx_took_effect(share: float, kind: str) -> None:
    faults = dealt(cloudflare_5xx_rate=1, write_applied_share=share)
    assert {fault[0] for fault in faults if fault} == {kind}
    assert {fault[1] for fault in faults if fault} == set(CLOUDFLARE_STATUSES)


def test_bursts_last() -> None:
    limited = [fault is not None for fault in dealt(rate_limited_rate=0.02, rate_limited_burst=5)]
    runs = "".join("x" if hit else "." for hit in limited).strip("x").split(".")
    assert min(len(run) for run in runs if run) >= 5


@pytest.mark.parametrize(
    ("kind", "status", "applied"),
    [
        ("error_before", 520, False),
        ("error_after", 520, True),
        ("reset_before", None, False),
        ("reset_after", None, True),
        ("slow", 201, True),
        ("rate_limited", 429, False),
    ],
)
def test_the_next_calls(school: School, kind: str, status: int | None, applied: bool) -> None:
    planned = {"kind": kind, "method": "POST", "path": "^/users$", "seconds": 4}
    school.control("PUT", "/faults", json={"next": [planned]})
    assert school.items("/users") == []
    if status is None:
        with pytest.raises(ConnectionResetError):
            school.api("POST", "/users", json=BODY)
    else:
        response = school.api("POST", "/users", json=BODY)
        assert response.status_code == status
        if status == 520:
            assert response.text == "error code: 520"
            assert response.headers["content-type"].startswith("text/html")
    assert len(school.items("/users")) == applied
    assert school.slept == ([4] if kind == "slow" else [])
    (call,) = school.control("GET", "/calls", params={"method": "POST"})["calls"]
    assert (call["fault"], call["status"], call["duration_ms"] >= 4_000) == (kind, status, kind == "slow")
    assert school.control("GET", "/faults")["next"] == []


def test_planned_faults_are_used_up(school: School) -> None:
    planned = {"kind": "error_before", "status": 401, "path": "users", "times": 2}
    school.control("PUT", "/faults", json={"next": [planned]})
    answers = [school.api("GET", path) for path in ("/users", "/groups", "/users", "/users")]
    assert [answer.status_code for answer in answers] == [401, 200, 401, 200]
    assert answers[0].json() == {"error": "Authentication Error"}


def test_lists_miss_what_is_new(school: School) -> None:
    school.control("PUT", "/faults", json={"stale_seconds": 10})
    user = school.user()
    school.enrolled(user["id"], school.course())
    by_email = {"query[email]": "ada@example.com"}
    assert school.items("/users", **by_email) == school.items("/enrollments") == []
    assert school.api("GET", f"/users/{user['id']}").status_code == 200
    assert school.api("POST", "/users", json=BODY).status_code == 422
    school.time += 10
    assert len(school.items("/users", **by_email)) == len(school.items("/enrollments")) == 1


def test_faults_are_changed_in_part(school: School) -> None:
    school.control("PUT", "/faults", json={"seed": 3, "slow_rate": 0.5})
    changed = school.control("PUT", "/faults", json={"slow_rate": 0.25})
    assert (changed["seed"], changed["slow_rate"]) == (3, 0.25)
    assert school.control("DELETE", "/faults") == Faults().model_dump() | {"next": [], "graphql": []}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"slow_rate": 2}, "slow_rate"),
        ({"slow_rates": 1}, "slow_rates"),
        ({"slow_rate": 0.6, "reset_after_rate": 0.6}, "add up to more than 1"),
        ({"next": [{"kind": "fire"}]}, "next.0.kind"),
        ({"next": [{"kind": "slow", "path": "("}]}, "no regular expression"),
    ],
)
def test_faults_that_cannot_be(school: School, body: dict[str, Any], reason: str) -> None:
    response = school.request("PUT", "/_simulator/faults", json=body)
    assert response.status_code == 422
    assert reason in response.json()["error"]


def test_a_call_is_carried_out_and_logged_or_neither(
    open_school: Callable[..., School], monkeypatch: pytest.MonkeyPatch
) -> None:
    school = open_school()
    monkeypatch.setattr("b2b_cli.simulator.calls.record", _full_disk)
    with pytest.raises(OSError, match="disk"):
        school.api("POST", "/users", json=BODY)
    assert school.control("GET", "/state")["users"] == []


def _full_disk(*_: Any, **__: Any) -> None:
    raise OSError("the disk is full")
