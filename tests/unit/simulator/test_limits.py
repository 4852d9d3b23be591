import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.simulator.school import START, School

from b2b_cli.simulator import BASE_PATH

MINUTE = 60


def statuses(school: School, count: int) -> list[int]:
    return [school.api("GET", "/users").status_code for _ in range(count)]


def test_the_limit_of_a_minute(open_school: Callable[..., School]) -> None:
    school = open_school(rate_limit=120)
    assert statuses(school, 121) == [200] * 120 + [429]
    school.time += MINUTE - 0.001
    assert statuses(school, 1) == [429]
    school.time += 0.001
    assert statuses(school, 121) == [200] * 120 + [429]


def test_any_minute_counts(open_school: Callable[..., School]) -> None:
    school = open_school(rate_limit=3)
    for offset, expected in [(0, 200), (20, 200), (40, 200), (59, 429), (60, 200), (61, 429), (80, 200)]:
        school.time = START + offset
        assert statuses(school, 1) == [expected], offset


def test_the_minute_of_the_clock(open_school: Callable[..., School]) -> None:
    school = open_school(rate_limit=2, rate_window="fixed")
    school.time = START + 50
    assert statuses(school, 3) == [200, 200, 429]
    school.time = START + 60
    assert statuses(school, 3) == [200, 200, 429]


def test_unauthenticated_calls_do_not_count(open_school: Callable[..., School]) -> None:
    school = open_school(rate_limit=1)
    assert school.api("GET", "/users", headers={}).status_code == 401
    assert statuses(school, 2) == [200, 429]


@pytest.mark.parametrize(
    ("switches", "headers"),
    [
        ({}, {"ratelimit-reset": str(int((START + 60) * 1000))}),
        ({"ratelimit_reset": "s"}, {"ratelimit-reset": str(int(START + 60))}),
        ({"ratelimit_reset": "absent"}, {}),
        ({"ratelimit_reset": "absent", "retry_after": "present"}, {"retry-after": "50"}),
    ],
)
def test_the_headers_of_a_429(
    open_school: Callable[..., School], switches: dict[str, Any], headers: dict[str, str]
) -> None:
    school = open_school(rate_limit=1, **switches)
    assert school.api("GET", "/users").headers.keys() == {"content-type", "content-length"}
    school.time += 10
    response = school.api("GET", "/users")
    assert response.status_code == 429
    assert {name: response.headers[name] for name in response.headers if "content" not in name} == headers


@pytest.mark.parametrize(
    ("switch", "body"),
    [("json", b'{"error":"Rate limit exceeded"}'), ("html", b"<html>"), ("empty", b"")],
)
def test_the_body_of_a_429(open_school: Callable[..., School], switch: str, body: bytes) -> None:
    school = open_school(rate_limit=1, **{"429_body": switch})
    school.api("GET", "/users")
    content = school.api("GET", "/users").content
    assert content.startswith(body)
    assert bool(content) is bool(body)


def test_the_reset_is_in_real_time(open_school: Callable[..., School]) -> None:
    school = open_school(rate_limit=1)
    school.control("POST", "/clock", json={"offset_seconds": 1_000_000})
    school.api("GET", "/users")
    assert school.api("GET", "/users").headers["ratelimit-reset"] == str(int((START + 60) * 1000))


@pytest.mark.parametrize(("limit", "refused"), [(10, 2), (3, 9), ("off", 0)])
def test_calls_in_flight(open_school: Callable[..., School], limit: int | str, refused: int) -> None:
    school = open_school(concurrency_limit=limit)
    school.control("PUT", "/faults", json={"slow_rate": 1})
    answered = school.run(_together(school, 12))
    assert sorted(answered) == [200] * (12 - refused) + [429] * refused
    assert school.control("GET", "/overview")["rate"]["in_flight"] == 0


async def _together(school: School, count: int) -> list[int]:
    """The statuses of so many calls of which none is answered late before all have arrived."""
    woken = school.woken = asyncio.Event()
    statuses: list[int] = []

    async def call() -> None:
        async with school.client() as client:
            response = await client.get(f"{BASE_PATH}/users")
        statuses.append(response.status_code)

    async def wake() -> None:
        # Every call runs until it is refused or waits, so this many turns of the loop are plenty.
        for _ in range(100 * count):
            if len(school.slept) + len(statuses) == count:
                break
            await asyncio.sleep(0)
        woken.set()

    await asyncio.gather(*(call() for _ in range(count)), wake())
    return statuses
