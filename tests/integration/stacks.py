"""What tests do with whole local stacks: see their table, their simulator and their processes, stop them midway."""

import json
import os
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from tests.emulated import Emulated
from tests.local_stack import LocalStack, await_that

from b2b_cli.local.resources import TABLE_NAME, Resources

INTERRUPTED_STUDENTS = 30
# In the environment of a stack and all its children, whatever their names and ids.
MARK = "B2B_TEST_STACK"

# The catalogue and the first students get their calls, the rest has to wait.
SLOW_RATE = 90


def school_of(stack: LocalStack) -> Emulated:
    """The table and queues of a running stack."""

    def client(service: str) -> Any:
        make: Any = boto3.Session("test", "test", region_name="us-east-1").client
        return make(service, endpoint_url=stack.note["dynamodb_url"], config=Config(max_pool_connections=64))

    sqs = client("sqs")
    names = ("SyncQueue", "SyncBulkQueue", "OperationsQueue")
    urls = {name: sqs.get_queue_url(QueueName=f"{TABLE_NAME}-{name}")["QueueUrl"] for name in names}
    return Emulated(Resources(TABLE_NAME, urls), client("dynamodb"), sqs)


def note_of(stack: LocalStack) -> dict[str, Any]:
    """``local.json`` as it is now; it changes when a worker is replaced."""
    note: dict[str, Any] = json.loads((stack.data / "local.json").read_text(encoding="utf-8"))
    return note


def kill_worker(stack: LocalStack) -> int:
    """Its process id. It has no chance to say a last word, and the stack starts another."""
    killed: int = note_of(stack)["worker_pid"]
    os.kill(killed, signal.SIGKILL)
    await_that(lambda: note_of(stack)["worker_pid"] != killed, what="Another worker")
    return killed


def sync_catalogue(stack: LocalStack) -> list[int]:
    """The ids of the demo catalogue's courses."""
    with stack.api() as api:
        await_succeeded(api, answered(api.post("/products/sync"))["operation"]["id"])
        return course_ids(api)


def await_succeeded(api: httpx.Client, operation_id: str) -> None:
    def is_done() -> bool:
        return bool(answered(api.get(f"/operations/{operation_id}"))["data"]["status"] == "succeeded")

    await_that(is_done, what=f"The operation {operation_id}")


def course_ids(api: httpx.Client) -> list[int]:
    products = answered(api.get("/products", params={"per_page": 100}))["data"]
    return [product["productable_id"] for product in products if product["productable_type"] == "Course"]


def enroll_new(api: httpx.Client, email: str, user_email: str, courses: list[int]) -> int:
    """The id of a new student with these courses."""
    body = {"first_name": "Ada", "last_name": email.partition("@")[0], "email": email, "user_email": user_email}
    response = api.post("/students", json=body | {"enrollments": courses})
    assert response.status_code == 201, response.text
    student_id: int = response.json()["data"]["id"]
    return student_id


def statuses(api: httpx.Client, student_ids: list[int]) -> list[str]:
    """Of all enrollments of the students."""
    students = [answered(api.get(f"/students/{student_id}"))["data"] for student_id in student_ids]
    return [enrollment["status"] for student in students for enrollment in student["enrollments"]]


def await_active(api: httpx.Client, student_ids: list[int], *, seconds: float = 60) -> None:
    await_that(
        lambda: set(statuses(api, student_ids)) == {"active"},
        seconds=seconds,
        what="That Thinkific has every enrollment",
    )


def in_thinkific(stack: LocalStack) -> tuple[list[str], list[tuple[str, int]]]:
    """The e-mails of the simulator's users, and its enrollments as (e-mail, course id)."""
    with stack.simulator() as simulator:
        state = answered(simulator.get("/_simulator/state"))
    emails = [user["email"] for user in state["users"]]
    return emails, [(enrollment["user_email"], enrollment["course_id"]) for enrollment in state["enrollments"]]


def answered(response: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = response.raise_for_status().json()
    return body


def processes_of(mark: str) -> set[int]:
    """The ids of the processes that were started with ``mark`` in their environment, or by one that was."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue  # gone meanwhile, or another user's
            if wanted in environment.split(b"\0"):
                found.add(int(entry.name))
    return found


def await_end_of(mark: str, *, seconds: float = 5) -> None:
    """multiprocessing's resource tracker ends by itself, a moment after the server that it belongs to."""
    await_that(lambda: not processes_of(mark), seconds=seconds, what="The end of every process of the stack")


def listening(pid: int) -> set[str]:
    """Addresses on which the process listens, IPv4 and IPv6."""
    inodes = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    found = {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}
    return {_readable(address) for address in found}


def _readable(address: str) -> str:
    host, _, port = address.partition(":")
    octets = [str(octet) for octet in reversed(bytes.fromhex(host))] if len(host) == 8 else [host]
    return f"{'.'.join(octets)}:{int(port, 16)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """What was there before the stop, and how the stack ended."""

    data: Path
    note: dict[str, Any]
    student_ids: list[int]
    statuses: list[str]
    course_id: int
    user_id: int
    operation_id: str
    calls: list[datetime]
    processes: set[int]
    exit_code: int
    said: str


def interrupt(data: Path) -> Interrupted:
    """Start a stack, enroll 30 students at 90 calls a minute, and end it by SIGTERM while some still wait."""
    mark = data.parent.name
    stack = LocalStack(data, "--workers", "1", environment={MARK: mark, "THINKIFIC_RATE_PER_MINUTE": str(SLOW_RATE)})
    try:
        course_id = sync_catalogue(stack)[0]
        with stack.api() as api:
            client = {"email": "client@example.com", "name": "Client"}
            user_id = answered(api.post("/users/upsert", json=client))["data"]["id"]
            student_ids = [
                enroll_new(api, f"s{number}@example.com", client["email"], [course_id])
                for number in range(INTERRUPTED_STUDENTS)
            ]
            await_that(
                lambda: statuses(api, student_ids).count("active") >= 2, seconds=60, what="The first enrollments"
            )
            seen = statuses(api, student_ids)
            with stack.simulator() as simulator:
                calls = answered(simulator.get("/_simulator/calls", params={"limit": 1000}))["calls"]
            # Nothing but its message says that this operation is to be carried out.
            operation_id = answered(api.post("/products/sync"))["operation"]["id"]
        processes = processes_of(mark)
    finally:
        exit_code = stack.stop()
    return Interrupted(
        data=data,
        note=stack.note,
        student_ids=student_ids,
        statuses=seen,
        course_id=course_id,
        user_id=user_id,
        operation_id=operation_id,
        calls=[datetime.fromisoformat(call["at"]) for call in calls],
        processes=processes,
        exit_code=exit_code,
        said=stack.said(),
    )
