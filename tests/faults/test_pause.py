"""A key that Thinkific refuses: the site is paused and says so, and goes on by itself when the key is good again."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.figures import Figures
from tests.integration.stacks import answered, await_active, enroll_new, sync_catalogue
from tests.integration.test_operator_commands import b2b
from tests.local_stack import LocalStack, await_that

REFUSED = "Thinkific refuses the school's key: it answered 401"
# One call a minute finds out that it is mended.
_HEALED_AFTER_SECONDS = 100


@pytest.fixture
def stack(data: Path) -> Iterator[LocalStack]:
    """With a student whom Thinkific has as wanted."""
    running = LocalStack(data)
    try:
        course, *_ = sync_catalogue(running)
        with running.api() as api:
            answered(api.post("/users/upsert", json={"email": "client@example.com"}))
            await_active(api, [enroll_new(api, "ada@example.com", "client@example.com", [course])])
        yield running
    finally:
        running.stop()


def test_a_refused_key_pauses_the_site_and_says_so(stack: LocalStack, figures: Figures) -> None:
    with stack.api() as api, stack.simulator() as simulator:
        refused = {"kind": "error_before", "status": 401, "times": 1000}
        simulator.put("/_simulator/faults", json={"next": [refused]}).raise_for_status()
        operation = answered(api.post("/products/sync"))["operation"]["id"]

        def held_up() -> Any:
            return answered(api.get(f"/operations/{operation}"))["data"]["failures"]

        (reason,) = await_that(held_up, what="That the operation says why it waits")
        assert (reason["student_id"], reason["email"]) == (None, None)
        assert reason["error"].startswith(REFUSED)
        said = b2b(stack, "status")
        assert said.code == 1
        assert f"PAUSED. {REFUSED}" in said.one("Thinkific  ")
        assert REFUSED in said.one(operation)
        assert b2b(stack, "verify").code == 1

        simulator.delete("/_simulator/faults").raise_for_status()
        mended = time.monotonic()
        await_that(
            lambda: answered(api.get(f"/operations/{operation}"))["data"]["status"] == "succeeded",
            seconds=_HEALED_AFTER_SECONDS,
            what="That the operation goes on by itself",
        )
        figures.note("refused key", seconds_from_mended_to_done=time.monotonic() - mended)
        assert b2b(stack, "status").code == 0
