"""A fresh stack: the workers run, and nobody has put Thinkific's key in yet."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.functions.api import Api
from tests.unit.functions.test_handlers import Context, Load, event
from tests.unit.secrets import secrets_manager

from b2b.domain.work.operation_states import CatalogueSyncState
from b2b.wiring.secrets import NO_KEY
from b2b.wiring.workers import worker_services

__all__ = ["secrets_manager"]


@pytest.fixture
def empty_secret(secrets_manager: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    arn = secrets_manager.create_secret(Name="empty")["ARN"]
    monkeypatch.setenv("THINKIFIC_API_KEY", "")
    monkeypatch.setenv("THINKIFIC_API_KEY_SECRET_ID", arn)
    worker_services.cache_clear()
    yield
    worker_services.cache_clear()


@pytest.mark.usefixtures("empty_secret")
def test_work_waits_for_the_key_and_ends_in_no_dead_letter_queue(
    load: Load, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = api.services.operations.start(CatalogueSyncState())
    path, names = "/api/students", {"first_name": "Ada", "last_name": "L"}
    made = api.call("POST", path, json={**names, "email": "waits@example.com", "enrollments": [7]})
    student_id = made.json()["data"]["id"]

    assert run(load("workers.operations"), "sqs-operations", operation_id=operation.id) == {"batchItemFailures": []}
    waiting, _ = api.services.operations.get(operation.id)
    assert (waiting.error, waiting.attempts) == (NO_KEY, 0)

    assert run(load("workers.sync"), "sqs-sync", student_id=student_id) == {"batchItemFailures": []}
    wish = api.services.records.store.wishes.longest_due(100)[0]
    assert (wish.student_id, wish.trouble, wish.attempts) == (student_id, NO_KEY, 0)

    upstream = worker_services().upstream
    assert (upstream.pause_reason, upstream.missing_key) == (NO_KEY, NO_KEY)
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    assert [1] in [line.get("SitePaused") for line in figures]


def run(handler: Any, name: str, **body: Any) -> Any:
    sent = event(name)
    del sent["Records"][1:]
    sent["Records"][0]["body"] = json.dumps({"version": 1, **body})
    return handler(sent, Context())
