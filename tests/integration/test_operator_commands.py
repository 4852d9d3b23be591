"""``b2b status``, ``redrive``, ``verify`` and ``recount`` as an operator runs them, against a running stack."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.stacks import answered, await_active, course_ids, enroll_new, in_thinkific, note_of, school_of
from tests.local_stack import LocalStack, await_that

from b2b.storage import keys
from b2b.storage.actions import Update, put
from b2b_cli.simulator.authentication import DEFAULT_API_KEY, DEFAULT_SUBDOMAIN

CREDENTIALS = {"X-Auth-API-Key": DEFAULT_API_KEY, "X-Auth-Subdomain": DEFAULT_SUBDOMAIN}
CLIENT = "operators.client@example.com"


@dataclass(frozen=True)
class Said:
    code: int
    lines: list[str]

    def one(self, part: str) -> str:
        (line,) = [line for line in self.lines if part in line]
        return line


def b2b(stack: LocalStack, *arguments: str) -> Said:
    return b2b_with(stack.data, *arguments)


def b2b_with(data: Path, *arguments: str) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "b2b_cli", *arguments, "--data", str(data)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Said(done.returncode, (done.stdout + done.stderr).splitlines())


@pytest.fixture(scope="module")
def students(stack: LocalStack) -> list[int]:
    """Three who are in Thinkific as wanted; no test leaves them otherwise."""
    with stack.api() as api:
        answered(api.post("/users/upsert", json={"email": CLIENT}))
        courses = course_ids(api)[:2]
        ids = [enroll_new(api, f"operated{number}@example.com", CLIENT, courses) for number in range(3)]
        await_active(api, ids)
    return ids


@pytest.fixture
def sqs(stack: LocalStack) -> Any:
    return school_of(stack).sqs


@pytest.fixture
def dead_letters(stack: LocalStack, sqs: Any) -> Iterator[dict[str, str]]:
    """The addresses of the dead-letter queues, which are empty afterwards."""
    queues: dict[str, str] = {name: url for name, url in note_of(stack)["queues"].items() if "DeadLetter" in name}
    yield queues
    assert [depth(sqs, url) for url in queues.values()] == [0, 0, 0]


def depth(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(number) for number in answer["Attributes"].values())


def test_a_healthy_school(stack: LocalStack, students: list[int]) -> None:
    said = b2b(stack, "status")
    assert said.code == 0, said
    assert said.one("Thinkific  ").endswith("ok")
    assert said.one("Dead letters").endswith(" 0")
    assert b2b(stack, "redrive").lines == ["The dead-letter queues are empty."]


def test_dead_letters_are_explained_and_sent_back(
    stack: LocalStack, students: list[int], sqs: Any, dead_letters: dict[str, str]
) -> None:
    letters = (
        ("SyncDeadLetterQueue", json.dumps({"version": 1, "student_id": students[0]})),
        ("SyncBulkDeadLetterQueue", '{"student_id": "999999999"}'),  # as an older or newer version may write it
        ("OperationsDeadLetterQueue", '{"operation_id": "long-gone"}'),
        ("OperationsDeadLetterQueue", "not json"),
    )
    for queue, body in letters:
        sqs.send_message(QueueUrl=dead_letters[queue], MessageBody=body)
    assert b2b(stack, "status").code == 1

    shown = b2b(stack, "redrive")  # nobody is there to say yes
    assert shown.code == 0
    assert shown.one(f"student {students[0]}").endswith("done meanwhile.")
    assert "deleted: nothing is left to do" in shown.one("999999999")
    assert "over and forgotten" in shown.one("long-gone")
    assert "nobody can read" in shown.one("--discard")

    sent = b2b(stack, "redrive", "--yes")
    assert "Sent 3 messages back." in sent.lines
    assert "Deleted 1 message." in b2b(stack, "redrive", "--discard").lines
    await_that(lambda: depth(sqs, note_of(stack)["queues"]["SyncQueue"]) == 0, what="That the message is worked off")


def test_what_is_changed_behind_our_back_in_thinkific_is_found_and_brought_about_again(
    stack: LocalStack, students: list[int]
) -> None:
    assert b2b(stack, "verify", "--all").code == 0
    before = in_thinkific(stack)
    with stack.simulator() as simulator:
        state = answered(simulator.get("/_simulator/state"))
        gone = next(user for user in state["users"] if user["email"] == "operated0@example.com")
        shortened = next(row for row in state["enrollments"] if row["user_email"] == "operated1@example.com")
        root = "/api/public/v1"
        simulator.delete(f"{root}/users/{gone['id']}", headers=CREDENTIALS).raise_for_status()
        simulator.put(
            f"{root}/enrollments/{shortened['id']}",
            json={"activated_at": shortened["activated_at"], "expiry_date": "2027-01-01T00:00:00Z"},
            headers=CREDENTIALS,
        ).raise_for_status()

    found = b2b(stack, "verify", "--all")
    assert found.code == 1
    assert found.one(f"Student {students[0]}").endswith("Thinkific does not know the account any more.")
    assert found.one(f"Student {students[1]}, product").endswith("ends it 2027-01-01T00:00:00, wanted is never.")
    assert "2 different; --fix" in found.lines[-1]

    assert b2b(stack, "verify", "--all", "--fix").code == 0
    with stack.api() as api:
        await_active(api, students)
    assert sorted(in_thinkific(stack)[1]) == sorted(before[1])
    assert b2b(stack, "verify", "--all").code == 0


def test_what_thinkific_refuses_shows_without_a_name_and_is_tried_again(stack: LocalStack, students: list[int]) -> None:
    outsider = {"first_name": "Some", "last_name": "Body", "email": "outsider@example.com"}
    with stack.simulator() as simulator, stack.api() as api:
        users = "/api/public/v1/users"
        made = answered(simulator.post(users, json=outsider, headers=CREDENTIALS))
        body = {
            name: answered(api.get(f"/students/{students[0]}"))["data"][name] for name in ("first_name", "last_name")
        }
        answered(api.put(f"/students/{students[0]}", json=body | {"email": outsider["email"]}))
        await_that(lambda: sync_error(api, students[0]) is not None, what="A sync_error")

        said = b2b(stack, "status")
        assert said.code == 0
        assert "1 student" in said.one("Refusals")
        assert f"another account (user {made['id']} there)" in said.one(f"student {students[0]}: ")
        found = b2b(stack, "verify", "--sample", "1")
        assert found.code == 1
        assert "another account" in found.one(f"Student {students[0]}: Thinkific refuses.")
        assert not any(outsider["email"] in line for line in said.lines + found.lines)

        simulator.delete(f"{users}/{made['id']}", headers=CREDENTIALS).raise_for_status()
        assert b2b(stack, "verify", "--all", "--fix").code == 0
        await_that(lambda: sync_error(api, students[0]) is None, what="The end of the sync_error")
    assert b2b(stack, "verify", "--all").code == 0
    assert b2b(stack, "status").one("Refusals").endswith("no students of whom Thinkific refuses name, e-mail or group")


def sync_error(api: httpx.Client, student_id: int) -> str | None:
    found: str | None = answered(api.get(f"/students/{student_id}"))["data"]["sync_error"]
    return found


def test_a_sample_compares_as_many_as_asked_for(stack: LocalStack, students: list[int]) -> None:
    assert b2b(stack, "verify", "--sample", "2").lines[-1].startswith("2 of 2 students compared")


def test_a_drifted_counter_is_found_and_set_right(stack: LocalStack, students: list[int]) -> None:
    with stack.api() as api:
        user_id = answered(api.post("/users/search", json={"email": CLIENT}))["data"]["id"]
        school_of(stack).table.write(Update(keys.user(user_id)).add(seats_used=1).always())
        found = b2b(stack, "recount")
        assert (found.code, found.lines[0]) == (1, f"User {user_id} counts 4 students and has 3.")
        assert b2b(stack, "recount", "--repair").code == 0
        assert answered(api.get(f"/users/{user_id}"))["data"]["seats_used"] == 3


def test_rows_of_an_earlier_release_are_told_and_migrated(stack: LocalStack, students: list[int]) -> None:
    table, told = school_of(stack).table, "`b2b migrate-data` brings them to this one's form."
    assert told not in "\n".join(b2b(stack, "status").lines)
    table.write(put(keys.MIGRATION, {"version": 1}))
    assert told in "\n".join(b2b(stack, "status").lines)
    said = b2b(stack, "migrate-data")
    assert (said.code, said.lines[0]) == (0, "To form 2: e-mail addresses under their new keys.")
    assert "0 brought to today's form" in said.lines[1]
    assert told not in "\n".join(b2b(stack, "status").lines)


def test_commands_say_what_they_need(tmp_path: Path) -> None:
    nowhere = b2b_with(tmp_path, "status")
    assert nowhere.code == 1
    assert nowhere.lines[0].startswith(f"b2b: No local stack runs with the data in {tmp_path}")


def test_verify_needs_the_key_that_a_stack_with_a_real_school_writes_nowhere(tmp_path: Path, stack: LocalStack) -> None:
    note = note_of(stack)
    del note["environment"]["THINKIFIC_API_KEY"]
    (tmp_path / "local.json").write_text(json.dumps(note), encoding="utf-8")
    said = b2b_with(tmp_path, "verify")
    (line,) = said.lines
    assert (said.code, line.partition(":")[0]) == (1, "b2b")
    assert "the environment has neither THINKIFIC_API_KEY nor THINKIFIC_API_KEY_SECRET_ID" in line
    assert b2b_with(tmp_path, "status").code == 0
