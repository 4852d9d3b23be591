"""The Lambda handlers, with the events that AWS sends (events/)."""

import gzip
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.functions import ALL
from tests.unit.aws import Aws
from tests.unit.functions.api import Api

from b2b.domain.timestamps import utc_now
from b2b.domain.work.operations import OperationType
from b2b.wiring.api import api_services
from b2b.wiring.schedules import schedule_services
from b2b.wiring.workers import worker_services
from b2b_cli.local.resources import Resources

EVENTS = Path(__file__).parents[3] / "events"

Load = Callable[[str], Any]

_FIELDS = {"first_name": "Adá", "last_name": "L", "email": "f@example.com"}
AS_JSON = json.dumps(_FIELDS).encode()
_PARTS = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in _FIELDS.items()]
MULTIPART = "".join([*_PARTS, "--x--\r\n"]).encode()


class Context:
    """What the handlers use of Lambda's."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id = "8f6d3a52-1d0b-4b7a-9d4e-0d4f7a3e5c11"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def event(name: str, token: str | None = None) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    if token is not None:
        loaded["headers"]["authorization"] = f"Bearer {token}"
    return loaded


def body(answer: dict[str, Any]) -> Any:
    assert not answer["isBase64Encoded"]
    return json.loads(answer["body"])


@pytest.mark.parametrize("name", ALL)
def test_a_function_starts_with_the_environment_of_the_template(load: Load, name: str) -> None:
    assert callable(load(name))


@pytest.mark.parametrize("name", ALL)
def test_a_function_does_not_start_without_its_table(
    load: Load, name: str, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "")
    for kept in (api_services, schedule_services, worker_services):
        kept.cache_clear()
    with pytest.raises(ValueError, match="table_name"):
        load(name)


def test_reading_a_user_through_the_gateway(load: Load, api: Api) -> None:
    sent = event("apigateway-v2-get-user", api.token)
    answer = load("api.users")(sent, Context())
    assert answer["statusCode"] == 200
    assert body(answer)["data"]["id"] == 1
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["headers"]["x-request-id"] == sent["requestContext"]["requestId"]


def test_the_token_of_the_event_is_a_placeholder(load: Load) -> None:
    answer = load("api.users")(event("apigateway-v2-get-user"), Context())
    assert (answer["statusCode"], body(answer)) == (401, {"message": "Unauthenticated."})


def test_creating_a_student_through_the_gateway_enqueues_nothing_yet(load: Load, api: Api) -> None:
    answer = load("api.students")(event("apigateway-v2-create-student", api.token), Context())
    assert answer["statusCode"] in (200, 201)
    assert body(answer)["data"]["email"] == "ada@example.com"


def test_a_body_that_the_gateway_encoded_is_decoded(load: Load, api: Api) -> None:
    sent = event("apigateway-v2-create-student", api.token)
    text = sent["body"].replace("Ada", "Adá")
    sent |= {"isBase64Encoded": True, "body": b64encode(text.encode()).decode()}
    answer = load("api.students")(sent, Context())
    assert body(answer)["data"]["first_name"] == "Adá"


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        (
            {"content-type": "application/x-www-form-urlencoded"},
            b"first_name=Ad%C3%A1&last_name=L&email=f%40example.com",
        ),
        ({"content-type": "multipart/form-data; boundary=x"}, MULTIPART),
        ({"content-encoding": "gzip"}, gzip.compress(AS_JSON)),
        ({"content-type": "text/plain;charset=UTF-8"}, AS_JSON),
    ],
    ids=["form", "multipart", "gzip", "text"],
)
def test_other_bodies_come_encoded_by_the_gateway(load: Load, api: Api, headers: dict[str, str], sent: bytes) -> None:
    called = event("apigateway-v2-create-student", api.token)
    called["headers"] |= headers
    called |= {"isBase64Encoded": True, "body": b64encode(sent).decode()}
    answer = load("api.students")(called, Context())
    assert answer["statusCode"] in (200, 201), answer["body"]
    assert body(answer)["data"]["first_name"] == "Adá"


def test_enrolling_through_the_gateway_sends_a_message_that_the_worker_reads(
    load: Load, api: Api, aws: Aws, resources: Resources
) -> None:
    sent = event("apigateway-v2-create-student", api.token)
    sent["body"] = json.dumps({**json.loads(sent["body"].replace(",\n}", "}")), "enrollments": [7]})
    student = body(load("api.students")(sent, Context()))["data"]
    messages = aws.received(resources.queue_urls["SyncQueue"])
    assert {"version": 1, "student_id": student["id"]} in messages


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
def test_a_refused_method_through_the_gateway(load: Load, api: Api, method: str) -> None:
    sent = event("apigateway-v2-get-user", api.token)
    sent["requestContext"]["http"]["method"] = method
    answer = load("api.users")(sent, Context())
    assert (answer["statusCode"], answer["headers"]["allow"]) == (405, "DELETE, GET, HEAD, PUT")


def test_a_path_of_nobody_is_answered_by_the_platform(load: Load) -> None:
    sent = event("apigateway-v2-get-user")
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = "/wp-login.php"
    answer = load("api.platform")(sent, Context())
    assert answer["statusCode"] == 404
    assert body(answer).keys() == {"message"}


def test_an_unforeseen_error_through_the_gateway_has_no_internals(
    load: Load, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = load("api.users")
    sent = event("apigateway-v2-get-user", api.token)
    # A table that is gone is what the network can do to us.
    monkeypatch.setattr(api_services().records.table, "_name", "no-such-table")
    answer = handler(sent, Context())
    assert (answer["statusCode"], body(answer)) == (500, {"message": "Server Error"})
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["headers"]["x-request-id"]


# Workers


def test_messages_about_nobody_are_done(load: Load) -> None:
    sent = event("sqs-sync")
    for record in sent["Records"]:
        record["body"] = json.dumps({"version": 1, "student_id": 10**9})
    assert load("workers.sync")(sent, Context()) == {"batchItemFailures": []}
    assert load("workers.operations")(event("sqs-operations"), Context()) == {"batchItemFailures": []}


@pytest.mark.parametrize("unreadable", ["", "{", "[]", "null", "{}", '{"student_id": null}', '{"student_id": []}'])
def test_only_the_message_that_nobody_can_read_comes_back(load: Load, unreadable: str) -> None:
    sent = event("sqs-sync")
    good, bad = sent["Records"]
    good["body"] = json.dumps({"version": 2, "student_id": 10**9, "later": "key"})
    bad["body"] = unreadable
    answer = load("workers.sync")(sent, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}


def test_a_whole_batch_that_nobody_can_read_comes_back_without_raising(load: Load) -> None:
    sent = event("sqs-operations")
    sent["Records"][0]["body"] = "{"
    answer = load("workers.operations")(sent, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": sent["Records"][0]["messageId"]}]}


def test_the_schedule_enqueues_what_is_due(load: Load, aws: Aws, resources: Resources, api: Api) -> None:
    url = resources.queue_urls["SyncQueue"]
    while aws.received(url):
        pass
    answer = load("schedules.repair")(event("scheduler-repair"), Context())
    assert answer == {"enqueued": 0, "tried_again": 0}
    made = api.call(
        "POST",
        "/api/students",
        json={"first_name": "A", "last_name": "L", "email": "due@example.com", "enrollments": [7]},
    )
    student_id = made.json()["data"]["id"]
    aws.received(url)
    store = api.services.records.store
    store.transact([store.wishes.add_wish(student_id, utc_now(), bulk=False)])
    assert load("schedules.repair")(event("scheduler-repair"), Context())["enqueued"] >= 1
    assert {"version": 1, "student_id": student_id} in aws.received(url)


def test_the_sweep_runs_on_the_same_event(load: Load) -> None:
    assert load("schedules.sweep")(event("scheduler-repair"), Context()).keys() == {"swept", "failed"}


def test_the_recount_tells_its_figures(load: Load, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    recount = load("schedules.recount")
    answer = recount(event("scheduler-repair"), Context())
    assert answer["drifts"] == 0
    assert answer["users"] >= 1
    (figures,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    assert figures["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "B2B"
    assert (figures["service"], figures["CounterDrift"]) == ("recount", [0])
    # The next walk is a day away.
    assert recount(event("scheduler-repair"), Context()) == {"users": 0, "drifts": 0}


def test_the_schedule_starts_a_refresh_unless_one_is_under_way(
    load: Load, api: Api, aws: Aws, resources: Resources
) -> None:
    refresh = load("schedules.catalogue")
    assert refresh(event("scheduler-repair"), Context()) == {"started": 1}
    (message,) = aws.received(resources.queue_urls["OperationsQueue"])
    assert refresh(event("scheduler-repair"), Context()) == {"started": 0}
    assert aws.received(resources.queue_urls["OperationsQueue"]) == []

    store = api.services.records.store
    operation = store.operations.get(message["operation_id"])
    assert operation is not None
    assert operation.type is OperationType.CATALOGUE_SYNC
    store.transact([store.operations.save(replace(operation.finished(), version=operation.version + 1))])
    assert refresh(event("scheduler-repair"), Context()) == {"started": 1}
