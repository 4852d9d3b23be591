from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.simulator.school import School

from b2b_cli.simulator import Store, StoreError, create_app


def test_health(school: School) -> None:
    assert school.control("GET", "/health") == {"status": "ok"}


def test_state_shows_everything(school: School) -> None:
    user, course = school.user(), school.course()
    group = school.group()
    school.api("POST", "/group_users", json={"user_id": user["id"], "group_names": ["Acme"]})
    enrollment = school.enrolled(user["id"], course)
    state = school.control("GET", "/state")
    assert state["now"] == "2026-03-10T12:00:00.000Z"
    assert state["users"] == [user]
    assert state["groups"] == [group | {"member_ids": [user["id"]], "analyst_ids": []}]
    assert state["enrollments"] == [enrollment]
    assert state["bundle_enrollments"] == state["due_enrollments"] == []


def test_overview_shows_who_was_touched_last(open_school: Callable[..., School]) -> None:
    school = open_school(rate_limit=100, bundle_async_threshold=1)
    ada, bob = school.user("ada@example.com"), school.user("bob@example.com", first_name="<b>Bob</b>")
    bundle, courses = school.bundle(2)
    school.time += 1
    school.enrolled(ada["id"], courses[0], expiry_date="2026-03-01")
    school.api("POST", f"/bundles/{bundle}/enrollments", json={"user_id": ada["id"]})
    overview = school.control("GET", "/overview")
    assert [user["id"] for user in overview["users"]] == [ada["id"], bob["id"]]
    shown = [(row["course"], row["bundle"], row["status"]) for row in overview["users"][0]["enrollments"]]
    assert shown == [
        ("Part 0", "Pack", "expired"),
        ("Part 0", "Pack", "coming"),
        ("Part 1", "Pack", "coming"),
    ]
    assert overview["rate"] == {"used": 4, "limit": 100, "in_flight": 0, "concurrency_limit": 10}
    assert overview["totals"] == {"users": 2, "groups": 0, "enrollments": 1, "products": 3, "calls": 4}


def test_reset(open_school: Callable[..., School]) -> None:
    school = open_school(rate_limit=1)
    school.user()
    school.control("PUT", "/switches", json={"put_status": 200})
    school.control("PUT", "/faults", json={"slow_rate": 1})
    school.control("POST", "/clock", json={"offset_seconds": 5})
    school.course()
    assert school.control("POST", "/reset") == {"status": "ok"}
    assert school.items("/users") == []
    assert school.slept == []
    assert school.control("GET", "/switches")["put_status"] == 204
    assert school.control("GET", "/clock")["offset_seconds"] == 0
    assert school.control("GET", "/overview")["totals"]["products"] == 0
    assert school.control("GET", "/calls")["total"] == 1


def test_the_clock_shift_outlives_a_restart(open_school: Callable[..., School]) -> None:
    open_school().control("POST", "/clock", json={"offset_seconds": 60, "advance_seconds": 1})
    assert open_school().control("GET", "/clock") == {"now": "2026-03-10T12:01:01.000Z", "offset_seconds": 61}


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/clock", b"{", 400),
        ("POST", "/clock", b"[]", 400),
        ("POST", "/clock", b'{"offset": 1}', 422),
        ("PUT", "/enrollments/1", b'{"percentage_completed": 0.5}', 404),
        ("PUT", "/enrollments/1", b'{"percentage_completed": 2}', 422),
        ("GET", "/calls?path=(", b"", 422),
        ("GET", "/calls?since=once", b"", 422),
        ("GET", "/nothing", b"", 404),
        ("PATCH", "/clock", b"", 405),
    ],
)
def test_what_cannot_be_done(school: School, method: str, path: str, content: bytes, status: int) -> None:
    response = school.request(method, f"/_simulator{path}", content=content)
    assert response.status_code == status
    assert response.json().keys() == {"error"}


def test_the_page_needs_nothing_from_elsewhere(school: School) -> None:
    page = school.request("GET", "/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "innerHTML" not in page.text
    assert "http:" not in page.text
    assert "https:" not in page.text


def test_a_file_of_another_version(tmp_path: Path) -> None:
    file = tmp_path / "school.db"
    store = Store(file)
    store.execute("pragma user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="another release"):
        Store(file)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "school.db"
    file.write_text("text" * 1000)
    with pytest.raises(StoreError, match=r"cannot use .*school\.db"):
        Store(file)


def test_the_log_does_not_grow_for_ever(
    open_school: Callable[..., School], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b2b_cli.simulator.calls.KEPT", 10)
    school = open_school()
    store.execute("insert into sqlite_sequence (name, seq) values ('calls', 998)")
    for _ in range(3):
        school.api("GET", "/users")
    assert school.control("GET", "/calls")["total"] == 3
    store.execute("update sqlite_sequence set seq = 1999 where name = 'calls'")
    school.api("GET", "/users")
    assert school.control("GET", "/calls")["total"] == 1


def test_defaults_are_enough(store: Store) -> None:
    assert create_app(store).routes
