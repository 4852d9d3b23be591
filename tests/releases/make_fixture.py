"""Write the table of a school as an earlier release wrote it: ``python -m tests.releases.make_fixture``.

The commit is checked out into a temporary git worktree. Its own local stack runs there, with its API, workers, emulator
and simulator; this script is its client. What is in the table in the end, every kind of row and addresses that this
release treats otherwise, becomes ``COMMIT.json`` beside this file, in DynamoDB's notation.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx

COMMIT = "85d2f0b"
ROOT = Path(__file__).resolve().parents[2]
FIXTURE = Path(__file__).with_name(f"{COMMIT}.json")

_READY_SECONDS = 90.0
_PASSWORD = "correct horse battery"  # of people who are made up

# Of users and of students alike. The older of two that are one for this release comes first.
AWKWARD = [
    "weiß@example.com",
    "ADA.Lovelace@Example.com",
    "ΟΔΟΣ@example.com",
    "İlker@example.com",
    "re\u0301mi@example.com",
    "rémi@example.com",
    "ada@bücher.example",
    "ada@xn--bcher-kva.example",
    "grace@straße.example",
    "\u200bzero@example.com",
    "so\u00adft@example.com",
    "\ufb01nn@example.com",
    "\u212aelvin@example.com",
    "\u0390" * 100 + "@example.com",
]

# What the hourly and six-hourly schedules do, in the release's own code.
_SCHEDULES = """
import json, sys
from b2b_cli.local.worker import schedule_event, load_handler
from b2b_cli.local.template import Template
from b2b_cli.local import worker
import threading
for schedule in Template().schedules():
    if schedule.every_seconds > 60:
        context = worker._context(schedule.handler, schedule.timeout_seconds, threading.Event())
        load_handler(schedule.handler)(schedule_event(schedule), context)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, _checked_out(Path(folder) / "release") as release:
        items = _written(release, Path(folder) / "data")
    content = json.dumps({"commit": COMMIT, "items": items}, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    FIXTURE.write_text(content.replace('},{"', '},\n{"') + "\n", encoding="ascii")
    sys.stdout.write(f"{FIXTURE.name}: {len(items)} items, {FIXTURE.stat().st_size} bytes\n")


def _written(release: Path, data: Path) -> list[Any]:
    with _stack(release, data) as note:
        _write_everything(release, note)
        return _dumped(note)


@contextmanager
def _checked_out(folder: Path) -> Iterator[Path]:
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), COMMIT], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def _environment(release: Path) -> dict[str, str]:
    """In front of the packages that are installed from this working copy."""
    path = [release / part for part in ("layers/core", "functions", "cli")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "B2B_MINISTACK": str(ROOT / ".ministack/bin/ministack"),
        "THINKIFIC_RATE_PER_MINUTE": "6000",
        "API_RATE_PER_MINUTE": "100000",
    }


@contextmanager
def _stack(release: Path, data: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "b2b_cli", "local", "--port", "0", "--data", str(data), "--no-demo"]
    with subprocess.Popen([*command, "--sweep-every", "1"], cwd=release, env=_environment(release)) as process:
        try:
            deadline = time.monotonic() + _READY_SECONDS
            while not (data / "local.json").exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("The earlier release's local stack did not start.")
                time.sleep(0.2)
            yield json.loads((data / "local.json").read_text(encoding="utf-8"))
        finally:
            process.terminate()


class _Api:
    def __init__(self, note: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {note['admin_token']}"}
        self._http = httpx.Client(base_url=note["base_url"], headers=headers, timeout=60, trust_env=False)

    def __call__(self, method: str, path: str, *, key: str | None = None, **body: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        response = self._http.request(method, path, json=body or None, headers=headers)
        if not response.is_success:
            raise SystemExit(f"{method} {path}: {response.status_code} {response.text}")
        return response.json() if response.content else None

    def finished(self, started: Any) -> None:
        path = f"/operations/{started['operation']['id']}"
        while self("GET", path)["data"]["status"] in ("pending", "running"):
            time.sleep(0.2)

    def settled(self, students: int) -> None:
        """Nobody waits for Thinkific any more."""
        while any(
            enrollment["status"] == "pending"
            for number in range(1, students + 1)
            for enrollment in self("GET", f"/students/{number}")["data"]["enrollments"]
        ):
            time.sleep(0.2)


def _write_everything(release: Path, note: dict[str, Any]) -> None:
    api = _Api(note)
    root = note["thinkific_url"].removesuffix("/api/public/v1")
    simulator = httpx.Client(base_url=f"{root}/_simulator", timeout=60, trust_env=False)
    api.finished(api("POST", "/products/sync"))
    products = api("GET", "/products?per_page=100")["data"]
    courses = [found["productable_id"] for found in products if found["productable_type"] == "Course"]
    bundle = next(found["productable_id"] for found in products if found["productable_type"] == "Bundle")
    _write_people(api, courses, bundle)
    people = len(AWKWARD)
    api.settled(people)
    _write_ends(api, courses)
    subprocess.run(
        [sys.executable, "-c", _SCHEDULES], cwd=release, env=_environment(release) | note["environment"], check=True
    )
    _write_failures(api, simulator, courses, people)
    _write_what_waits(api, simulator, courses)


def _write_people(api: _Api, courses: list[int], bundle: int) -> None:
    """Users with grants, and a student of each, under the same address."""
    for number, email in enumerate(AWKWARD):
        user = api("POST", "/users", name=f"User {number}", email=email, password=_PASSWORD, max_seats=number or None)
        terms: dict[str, Any] = {"thinkific_id": courses[0], "active": True, "enrollment_days": 30}
        if number % 3:
            api("POST", f"/users/access/{user['data']['id']}", **terms, max_seats=number)
        if number % 4 == 1:
            api("POST", f"/users/seat/{user['data']['id']}", **terms, add_seats=5, key=f"seats-{number}")
        if number % 5 == 2:
            api.finished(api("POST", f"/users/group/{user['data']['id']}", name=f"Group {number}", sync=True))
        enrollments = [courses[0], courses[1 + number % 3], bundle][: 1 + number % 3]
        names = {"first_name": f"Student {number}", "last_name": "Of the earlier release"}
        api(
            "POST",
            "/students",
            **names,
            email=email,
            user_email=email,
            enrollments=enrollments,
            key=f"student-{number}",
        )
    for email in AWKWARD[:2]:
        api("POST", "/students/associate", email=email, user_email=AWKWARD[2])


def _write_ends(api: _Api, courses: list[int]) -> None:
    ends = {"type": "date", "expiry_date": "2031-06-30"}, {"type": "expire_now"}, {"type": "no_expiry"}
    for user_id, end in enumerate(ends, start=3):
        api.finished(api("POST", f"/users/enrollments/{user_id}", product=courses[0], **end))
    api("PUT", "/settings", default_max_seats=50, default_enrollment_days=365, timezone="Europe/Berlin")
    token = api("POST", "/tokens", name="Reads", scopes=["users:read", "students:read"])["data"]
    revoked = api("POST", "/tokens", name="Revoked")["data"]
    api("DELETE", f"/tokens/{revoked['id']}")
    if len(token["token"]) < 40:
        raise SystemExit("That is no token.")


def _write_failures(api: _Api, simulator: httpx.Client, courses: list[int], people: int) -> None:
    """An enrollment, and an operation, that Thinkific refuses."""
    refused = {"kind": "error_before", "status": 422, "method": "*", "path": "^/enrollments", "times": 1000}
    simulator.put("/faults", json={"next": [refused]}).raise_for_status()
    names = {"first_name": "Never", "last_name": "Enrolled"}
    api("POST", "/students", **names, email="never@example.com", user_email=AWKWARD[1], enrollments=courses[:1])
    api.settled(people + 1)
    api.finished(api("POST", "/users/enrollments/4", product=courses[0], type="days", expiry_days=90))
    simulator.delete("/faults").raise_for_status()


def _write_what_waits(api: _Api, simulator: httpx.Client, courses: list[int]) -> None:
    """Wishes and an operation that Thinkific, which is down, keeps from being fulfilled."""
    down = {"kind": "error_before", "status": 503, "method": "*", "path": "", "times": 1_000_000}
    simulator.put("/faults", json={"next": [down]}).raise_for_status()
    names = {"first_name": "Still", "last_name": "Waiting"}
    for number in range(3):
        email = f"waits-{number}@example.com"
        api("POST", "/students", **names, email=email, user_email=AWKWARD[1], enrollments=courses[:2])
    api("POST", "/users/enrollments/3", product=courses[0], type="days", expiry_days=90)
    gone = api("POST", "/students", **names, email="gone@example.com", user_email=AWKWARD[0])["data"]["id"]
    api("DELETE", f"/students/{gone}")
    time.sleep(3)  # the worker has come to each, and found Thinkific down


def _dumped(note: dict[str, Any]) -> list[Any]:
    make: Any = boto3.Session("test", "test", region_name="us-east-1").client
    client = make("dynamodb", endpoint_url=note["dynamodb_url"])
    pages = client.get_paginator("scan").paginate(TableName=note["environment"]["TABLE_NAME"], ConsistentRead=True)
    items = [item for page in pages for item in page["Items"]]
    return sorted((_readable(item) for item in items), key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def _readable(value: Any) -> Any:
    """Bytes as JSON has them: in base 64, as DynamoDB's own notation does."""
    if isinstance(value, dict):
        return {name: _readable(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_readable(part) for part in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()
