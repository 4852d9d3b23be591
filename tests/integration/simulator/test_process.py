"""The process: how it starts, ends and goes on, and what only real connections show."""

import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.integration.simulator.server import API_KEY, COMMAND, SUBDOMAIN, Server, running

HEADERS = {"X-Auth-API-Key": API_KEY, "X-Auth-Subdomain": SUBDOMAIN}
USER = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}


def client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/public/v1", headers=HEADERS, trust_env=False)


def failed_start(*options: str) -> str:
    """What a simulator that cannot start says."""
    ended = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert ended.stdout == ""
    return ended.stderr


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_even_while_a_client_is_connected(tmp_path: Path, end: signal.Signals) -> None:
    with running(tmp_path / "school.db") as server, client(server) as api:
        assert api.get("/users").status_code == 200
        server.process.send_signal(end)
        assert server.process.wait(20) == 0


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    database = tmp_path / "school.db"
    options = ("--demo-catalogue", "--switch", "async_delay=0")
    with running(database, *options) as server, client(server) as api:
        user = api.post("/users", json=USER).json()
        bundle = max(
            (item for item in api.get("/products").json()["items"] if item["productable_type"] == "Bundle"),
            key=lambda product: float(product["price"]),
        )
        enrolled = api.post(
            f"/bundles/{bundle['productable_id']}/enrollments",
            json={"user_id": user["id"], "activated_at": "2026-01-01T00:00:00Z"},
        )
        assert enrolled.status_code == 202
        assert server.end() == 0
    with running(database, *options) as server, client(server) as api:
        assert api.get("/users").json()["items"] == [user]
        assert api.get("/enrollments").json()["meta"]["pagination"]["total_items"] == 7
        assert api.get("/products").json()["meta"]["pagination"]["total_items"] == 11
        calls = httpx.get(f"{server.url}/_simulator/calls", trust_env=False).json()
        assert calls["total"] == 6
        assert api.post("/users", json=USER | {"email": "bob@example.com"}).json()["id"] == user["id"] + 1


def test_what_was_answered_survives_a_killed_process(tmp_path: Path) -> None:
    with running(tmp_path / "school.db") as server, client(server) as api:
        user = api.post("/users", json=USER).json()
        server.process.kill()
        server.process.wait()
    with running(tmp_path / "school.db") as server, client(server) as api:
        assert api.get(f"/users/{user['id']}").json() == user


def test_a_used_port(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        said = failed_start("--port", str(port), "--database", str(tmp_path / "school.db"))
    assert said == f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--port", "0", "--database", "no/such/folder/school.db"), "cannot use no/such/folder/school.db"),
        (("--port", "0", "--database", "x.db", "--switch", "speed=9"), "there is no switch 'speed'"),
        (("--port", "99999", "--database", "x.db"), "there is no such port"),
        (("--port", "http", "--database", "x.db"), "invalid int value: 'http'"),
    ],
)
def test_a_wrong_command_line(options: tuple[str, ...], reason: str) -> None:
    said = failed_start(*options)
    assert reason in said
    assert "Traceback" not in said


def test_help_names_every_switch() -> None:
    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "existing_enrollment=upsert   (upsert, reject or duplicate)" in shown
    assert "deleted_user_enrollments=removed" in shown


def test_a_reset_connection(server: Server) -> None:
    """The client sees no byte of an answer; whether the user exists is the fault's choice."""
    faults = [{"kind": kind, "method": "POST", "path": "^/users$"} for kind in ("reset_before", "reset_after")]
    httpx.put(f"{server.url}/_simulator/faults", json={"next": faults}, trust_env=False)
    with client(server) as api:
        for applied in (0, 1):
            with pytest.raises(httpx.TransportError):
                api.post("/users", json=USER | {"email": "reset@example.com"})
            found = api.get("/users", params={"query[email]": "reset@example.com"}).json()["items"]
            assert len(found) == applied


def test_a_slow_answer(server: Server) -> None:
    """A client that gives up does not undo what it asked for."""
    planned = {"kind": "slow", "seconds": 30, "method": "POST", "path": "^/users$"}
    httpx.put(f"{server.url}/_simulator/faults", json={"next": [planned]}, trust_env=False)
    with client(server) as api:
        with pytest.raises(httpx.ReadTimeout):
            api.post("/users", json=USER | {"email": "slow@example.com"}, timeout=0.2)
        assert len(api.get("/users", params={"query[email]": "slow@example.com"}).json()["items"]) == 1


def test_the_page(server: Server) -> None:
    page = httpx.get(f"{server.url}/", trust_env=False)
    assert page.headers["content-type"].startswith("text/html")
    assert "<title>Thinkific simulator</title>" in page.text
