"""A stack stopped in the middle of its work, and started again with the same data."""

import signal
from collections import Counter
from pathlib import Path

from tests.integration.recount import recount
from tests.integration.stacks import (
    INTERRUPTED_STUDENTS,
    MARK,
    SLOW_RATE,
    Interrupted,
    answered,
    await_active,
    await_end_of,
    await_succeeded,
    enroll_new,
    in_thinkific,
    school_of,
)
from tests.local_stack import LocalStack


def test_it_was_stopped_in_the_middle(interrupted: Interrupted) -> None:
    counted = Counter(interrupted.statuses)
    assert counted.keys() == {"active", "pending"}
    assert counted.total() == INTERRUPTED_STUDENTS
    assert counted["pending"] >= 5


def test_sigterm_ends_it_orderly_with_all_its_processes(interrupted: Interrupted) -> None:
    assert interrupted.exit_code == 0, interrupted.said
    assert "Traceback" not in interrupted.said
    # The command, the emulator, the simulator, the API, the worker: else the last line proves nothing.
    assert len(interrupted.processes) >= 5
    assert {interrupted.note["pid"], interrupted.note["worker_pid"]} <= interrupted.processes
    assert not (interrupted.data / "local.json").exists()
    await_end_of(interrupted.data.parent.name)


def test_its_workers_together_kept_to_the_rate(interrupted: Interrupted) -> None:
    """However much was waiting: a few calls at once, then an even pace."""
    seconds = (interrupted.calls[-1] - interrupted.calls[0]).total_seconds()
    assert 5 < len(interrupted.calls) <= 6 + seconds * SLOW_RATE / 60


def test_a_restart_goes_on_where_it_was(interrupted: Interrupted, data: Path) -> None:
    """By the messages that waited: the schedules, repair among them, do not run here."""
    stack = LocalStack(data, "--workers", "1", "--sweep-every", "3600", environment={MARK: "restart"})
    try:
        assert stack.note["admin_token"] == interrupted.note["admin_token"]
        with stack.api() as api:
            assert answered(api.get("/students"))["meta"]["total"] == INTERRUPTED_STUDENTS
            new = enroll_new(api, "late@example.com", "client@example.com", [interrupted.course_id])
            assert new == max(interrupted.student_ids) + 1
            user = answered(api.post("/users/upsert", json={"email": "second@example.com"}))["data"]
            assert user["id"] > interrupted.user_id
            await_active(api, [*interrupted.student_ids, new], seconds=30)
            await_succeeded(api, interrupted.operation_id)
        emails, enrolled = in_thinkific(stack)
        everyone = ["late@example.com", *(f"s{number}@example.com" for number in range(INTERRUPTED_STUDENTS))]
        assert sorted(emails) == sorted(everyone)
        assert sorted(enrolled) == sorted((email, interrupted.course_id) for email in everyone)
        assert recount(school_of(stack)) == []
    finally:
        code = stack.stop(signal.SIGINT)
    assert code == 0, stack.said()
    assert "Traceback" not in stack.said()
    assert not (data / "local.json").exists()
    await_end_of("restart")
