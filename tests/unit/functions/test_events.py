"""Every function behind a queue or a schedule, on an empty table, with the event that AWS sends (events/)."""

import pytest
from tests.functions import of_kind
from tests.unit.functions.test_handlers import Context, Load, event


@pytest.mark.parametrize("name", of_kind("workers"))
def test_a_worker_is_done_with_messages_about_nobody(load: Load, name: str) -> None:
    sent = event(f"sqs-{name.removeprefix('workers.').replace('_', '-')}")
    assert load(name)(sent, Context()) == {"batchItemFailures": []}


@pytest.mark.parametrize("name", of_kind("schedules"))
def test_a_schedule_finds_nothing_to_do(load: Load, name: str) -> None:
    assert isinstance(load(name)(event("scheduler-repair"), Context()), dict)
