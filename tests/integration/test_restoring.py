"""``b2b restore``: a table that has changed is brought back to a copy of it, whatever happens on the way."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.emulated import Emulated, new_school, running_emulator
from tests.integration.desk import NAMES, Desk, enrolling
from tests.integration.recount import recount, without_form
from tests.releases.earlier import STUDENT_IDS, fill, items
from tests.unit.clock import Clock as HandClock

from b2b.domain.identity.users import Role
from b2b.domain.work.budget import Budget
from b2b.domain.work.idempotency import Claim
from b2b.services.identity.users import UserFields
from b2b.services.work.idempotency import Answer
from b2b.storage import keys, schema
from b2b.storage.actions import put
from b2b.storage.work.budget import BudgetItem
from b2b_cli import migrating
from b2b_cli.errors import CommandError
from b2b_cli.local.emulator import Emulator
from b2b_cli.restoring import School, restore
from b2b_cli.standstill import Clock, Functions

Rows = dict[tuple[str, str], dict[str, Any]]

STUDENTS = 40
LONGEST_SECONDS = 300


@pytest.fixture
def desk(school: Emulated) -> Desk:
    return Desk(school)


@dataclass
class Restoring:
    """The command, on a school with two functions, one of which has a limit of its own."""

    emulated: Emulated
    functions: Functions
    client: Any
    clock: HandClock = field(default_factory=HandClock)
    said: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def __call__(self, source: str, *, yes: bool = True, sleep: Callable[[float], None] | None = None) -> bool:
        """On a terminal where time is in the test's hand."""
        self.said.clear()
        self.shown.clear()
        school = School("acme", self.emulated.dynamodb, self.emulated.resources.table_name, self.functions)
        clock = Clock(self.clock.seconds, sleep or self.clock.sleep)
        return restore(school, source, self.said.append, lambda _: yes, self.shown.append, clock)

    @property
    def limits(self) -> list[int | None]:
        """Of the functions."""
        answers = [self.client.get_function_concurrency(FunctionName=name) for name in self.functions.names]
        return [answer.get("ReservedConcurrentExecutions") for answer in answers]

    @property
    def waited(self) -> bool:
        return any("until no call can be in flight" in text for text in self.shown)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """With Lambda too."""
    with running_emulator(tmp_path_factory.mktemp("aws"), every_service=True) as running_aws:
        yield running_aws


GOES_ON = "An earlier run did not come to its end, and the school is stopped since. This one goes on."
RUNNING, STOPPED = [None, 7], [0, 0]


@pytest.fixture
def restoring(emulator: Emulator, school: Emulated) -> Restoring:
    return restoring_of(emulator, school)


def restoring_of(emulator: Emulator, school: Emulated) -> Restoring:
    client = emulator.client("lambda")
    names = [f"{school.resources.table_name}-{name}" for name in ("recount", "users")]
    for name, timeout in zip(names, (LONGEST_SECONDS, 15), strict=True):
        client.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="none",
            Role="arn:aws:iam::000000000000:role/none",
            Code={"ZipFile": an_archive()},
            Timeout=timeout,
        )
    client.put_function_concurrency(FunctionName=names[1], ReservedConcurrentExecutions=7)
    return Restoring(school, Functions(client, names), client)


def an_archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("bootstrap", "")
    return content.getvalue()


@dataclass
class Past:
    """What a school had when it was copied, and the copy."""

    copy: str
    rows: Rows
    revoked: int
    secret: str


def rows_of(school: Emulated, table: str | None = None) -> Rows:
    """As they are on the wire."""
    pages = school.dynamodb.get_paginator("scan").paginate(TableName=table or school.resources.table_name)
    return {(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}


def copy_of(school: Emulated) -> str:
    copy = f"copy-{uuid4().hex[:12]}"
    school.dynamodb.restore_table_to_point_in_time(
        SourceTableName=school.resources.table_name, TargetTableName=copy, UseLatestRestorableTime=True
    )
    return copy


@pytest.fixture
def past(school: Emulated, desk: Desk) -> Past:
    """A school with some hundred rows is copied, and everything in it changed afterwards."""
    admin = desk.users.create("admin@example.com", UserFields(), role=Role.ADMIN).user
    kept, revoked = (desk.tokens.create(name, user_id=admin.id) for name in ("Kept", "Revoked"))
    principal = desk.tokens.authenticate(kept[1])
    courses, client = desk.add_courses(3), desk.add_user("client@example.com", max_seats=500)
    leaving = desk.add_user("leaving@example.com")
    for course in courses:
        desk.grant(client, course, 100)
    students = [desk.add_student(f"s{number}@example.com", client, courses) for number in range(STUDENTS)]
    desk.add_student("both@example.com", leaving, courses[:1])
    answer(desk, kept[0].id, "before")
    budget = Budget(BudgetItem(desk.table), rate=100, now=HandClock().seconds)
    assert budget.take() is None

    copy = copy_of(school)
    past = Past(copy, rows_of(school, copy), revoked[0].id, kept[1])
    assert len(past.rows) > 400

    assert budget.take() is None
    desk.tokens.authenticate(kept[1])
    desk.tokens.revoke(revoked[0].id, principal)
    desk.tokens.create("Since", user_id=admin.id)
    answer(desk, kept[0].id, "since")
    desk.add_seats(client, courses[0], 50)
    desk.students.upsert("s1@example.com", NAMES, enrolling(client, courses[:1]))
    for student_id in students[:10]:
        desk.students.delete(student_id)
    for number in range(15):
        desk.add_student(f"since{number}@example.com", client, courses)
    desk.users.update(client.id, UserFields(name="Another name"), None)
    desk.users.create("since@example.com", UserFields())
    desk.user_removal.delete(leaving.id, acting_user_id=admin.id)
    desk.store.settings.change_settings(delete_students_with_user=True)
    assert len(differing(rows_of(school), past.rows)) > 150
    return past


def answer(desk: Desk, token_id: int, key: str) -> None:
    """A call with that idempotency key."""
    claim = desk.idempotency.begin(token_id, "secret", key, b"POST /api/students", "worker")
    assert isinstance(claim, Claim)
    desk.idempotency.end(claim, Answer(201, (), b"{}"))


def differing(one: Rows, other: Rows) -> set[tuple[str, str]]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def expected(past: Past, live: Rows) -> Rows:
    """The backup, but for what is about now. ``live``: as it was before."""
    rows = past.rows | {key: item for key, item in live.items() if key[0].startswith("LASTID#") or key[0] == "BUDGET"}
    for key in [key for key in rows if key[0].startswith("TOKEN")]:
        del rows[key]
        if key in live:
            rows[key] = live[key]
    shard = f"TOTAL#TOKENS#{past.revoked % 16}"
    left = int(past.rows[shard, shard]["records"]["N"]) - 1
    rows[shard, shard] = past.rows[shard, shard] | {"records": {"N": str(left)}}
    return rows


class Batches:
    """Counts the calls that write; from number ``fails_at`` on none reaches DynamoDB."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.sent = 0
        self._fails_at = fails_at
        self._lock = threading.Lock()

    def __call__(self, **_: Any) -> None:
        with self._lock:
            self.sent += 1
            if self._fails_at is not None and self.sent >= self._fails_at:
                raise ConnectionError("The cable is cut.")


@contextmanager
def hooked(school: Emulated, event: str, hook: Callable[..., Any]) -> Iterator[None]:
    events = school.dynamodb.meta.events
    events.register(event, hook)
    try:
        yield
    finally:
        events.unregister(event, hook)


def writes(school: Emulated, fails_at: int | None = None) -> tuple[Batches, AbstractContextManager[None]]:
    batches = Batches(fails_at)
    return batches, hooked(school, "before-call.dynamodb.BatchWriteItem", batches)


def test_a_school_is_what_the_backup_says(school: Emulated, desk: Desk, past: Past, restoring: Restoring) -> None:
    live = rows_of(school)
    assert restoring(past.copy)
    assert differing(rows_of(school), expected(past, live)) == set()
    assert recount(school) == []
    assert rows_of(school, past.copy) == past.rows, "the copy is only read"
    assert "Tokens revoked since the backup, which stay so: 1" in restoring.said
    assert "Tokens made since, which do not work any more: 1" in restoring.said
    desk.tokens.authenticate(past.secret)

    def last(kind: str) -> int:
        return int(live[f"LASTID#{kind}", f"LASTID#{kind}"]["last"]["N"])

    user = desk.add_user("next@example.com")
    assert user.id == last("USERS") + 1
    assert desk.add_student("next.student@example.com", user) == last("STUDENTS") + 1


def test_what_a_key_used_since_was_answered_is_forgotten(desk: Desk, past: Past, restoring: Restoring) -> None:
    token_id = desk.tokens.identify(past.secret)
    assert restoring(past.copy)
    assert isinstance(desk.idempotency.begin(token_id, "secret", "before", b"POST /api/students", "again"), Answer)
    assert isinstance(desk.idempotency.begin(token_id, "secret", "since", b"POST /api/students", "again"), Claim)


def test_a_second_run_writes_nothing(school: Emulated, past: Past, restoring: Restoring) -> None:
    assert restoring(past.copy)
    rows = rows_of(school)
    batches, counted = writes(school)
    with counted:
        assert restoring(past.copy)
    assert (batches.sent, rows_of(school)) == (0, rows)
    assert any(text.startswith("Restored: 0 items put, 0 deleted") for text in restoring.said)


def test_the_school_stands_still_meanwhile(school: Emulated, past: Past, restoring: Restoring) -> None:
    """From before the first read until after the last write, and for as long as a call may take before that."""
    assert restoring.limits == RUNNING
    began = restoring.clock.seconds()
    found: list[tuple[list[int | None], bool]] = []

    def look(**_: Any) -> None:
        found.append((restoring.limits, restoring.clock.seconds() >= began + LONGEST_SECONDS))

    with hooked(school, "before-call.dynamodb.BatchWriteItem", look):
        assert restoring(past.copy)
    assert found
    assert all(each == (STOPPED, True) for each in found)
    assert (restoring.limits, restoring.waited) == (RUNNING, True)


@pytest.mark.parametrize("batch", [1, 3, 12])
def test_an_interrupted_run_leaves_the_school_stopped_and_the_next_goes_on(
    school: Emulated, desk: Desk, past: Past, restoring: Restoring, batch: int
) -> None:
    live = rows_of(school)
    batches, cut = writes(school, fails_at=batch)
    with cut, pytest.raises(ConnectionError):
        restoring(past.copy)
    assert batches.sent >= batch
    assert restoring.limits == STOPPED
    assert restoring.said[-1].startswith("NOT COMPLETE: acme stays stopped")

    assert restoring(past.copy)
    assert GOES_ON in restoring.said
    assert not restoring.waited, "no call has been in flight since the first run"
    assert restoring.limits == RUNNING
    assert differing(rows_of(school), expected(past, live)) == set()


def test_whoever_started_it_meanwhile_is_waited_for(school: Emulated, past: Past, restoring: Restoring) -> None:
    _, cut = writes(school, fails_at=2)
    with cut, pytest.raises(ConnectionError):
        restoring(past.copy)
    restoring.client.delete_function_concurrency(FunctionName=restoring.functions.names[0])
    assert restoring(past.copy)
    assert (restoring.waited, restoring.limits) == (True, RUNNING)


def test_whoever_leaves_while_it_waits_has_changed_nothing(school: Emulated, past: Past, restoring: Restoring) -> None:
    def leave(_: float) -> None:
        assert restoring.limits == STOPPED
        raise KeyboardInterrupt

    live = rows_of(school)
    with pytest.raises(KeyboardInterrupt):
        restoring(past.copy, sleep=leave)
    assert (rows_of(school), restoring.limits) == (live, RUNNING)
    assert restoring.said[-1] == "Nothing was copied, and acme is not stopped."


def test_a_school_that_cannot_be_started_is_started_by_the_next_run(
    school: Emulated, past: Past, restoring: Restoring
) -> None:
    """It knows how each function was limited before the first."""
    events, event = restoring.client.meta.events, "before-call.lambda.DeleteFunctionConcurrency"

    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="lambda")

    def leave(_: float) -> None:
        events.register(event, refuse)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restoring(past.copy, sleep=leave)
    events.unregister(event, refuse)
    assert restoring.said[-1].startswith("Nothing was copied, but acme cannot be started.")
    assert restoring.limits == STOPPED

    assert restoring(past.copy)
    assert GOES_ON in restoring.said
    assert (restoring.waited, restoring.limits) == (True, RUNNING)


def test_without_a_yes_nothing_happens(school: Emulated, past: Past, restoring: Restoring) -> None:
    live = rows_of(school)
    assert not restoring(past.copy, yes=False)
    assert (rows_of(school), restoring.limits, restoring.waited) == (live, RUNNING, False)
    assert restoring.said[-1].startswith("Nothing was changed.")


def test_functions_that_were_stopped_before_stay_so(past: Past, restoring: Restoring) -> None:
    name = restoring.functions.names[0]
    restoring.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert restoring(past.copy)
    assert restoring.limits == [0, 7]
    assert f"Started again, but for what had been stopped before: {name}" in restoring.said


def test_what_dynamodb_leaves_of_a_batch_is_sent_again(
    school: Emulated, desk: Desk, past: Past, restoring: Restoring
) -> None:
    """Every second batch is carried out in part, every fifth not at all."""
    live, table, sent = rows_of(school), school.resources.table_name, count()

    def cut(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        number, requests = next(sent), params["RequestItems"][table]
        done = 1 if number % 2 else len(requests)
        params["RequestItems"] = {table: requests[:done]}
        context["left"] = requests[done:] if number % 5 else requests

    def tell(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        parsed["UnprocessedItems"] = {table: context["left"]} if context["left"] else {}

    with (
        hooked(school, "provide-client-params.dynamodb.BatchWriteItem", cut),
        hooked(school, "after-call.dynamodb.BatchWriteItem", tell),
    ):
        assert restoring(past.copy)
    assert next(sent) > len(past.rows) / 25
    assert differing(rows_of(school), expected(past, live)) == set()


@dataclass
class Throttled:
    """What botocore asks of an HTTP answer."""

    status_code: int = 400


def throttle(**_: Any) -> tuple[Throttled, dict[str, Any]]:
    return Throttled(), {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}


@pytest.mark.parametrize("call", ["Scan", "BatchWriteItem"])
def test_a_busy_table_is_waited_for(school: Emulated, past: Past, restoring: Restoring, call: str) -> None:
    """Every second call is refused, after the checks."""
    live, sent = rows_of(school), count()

    def busy(**_: Any) -> Any:
        return throttle() if next(sent) % 2 else None

    with hooked(school, f"before-call.dynamodb.{call}", busy):
        assert restoring(past.copy)
    assert next(sent) > 10
    assert differing(rows_of(school), expected(past, live)) == set()


def test_a_table_that_stays_busy_ends_the_run(school: Emulated, past: Past, restoring: Restoring) -> None:
    with (
        hooked(school, "before-call.dynamodb.BatchWriteItem", throttle),
        pytest.raises(CommandError, match="too busy"),
    ):
        restoring(past.copy)
    assert restoring.limits == STOPPED
    assert restoring(past.copy)


@pytest.mark.parametrize("batch", [None, 1, 5])
def test_a_lost_table_gets_everything_tokens_too(emulator: Emulator, past: Past, batch: int | None) -> None:
    lost = new_school(emulator)
    restoring = restoring_of(emulator, lost)
    if batch is not None:
        _, cut = writes(lost, fails_at=batch)
        with cut, pytest.raises(ConnectionError):
            restoring(past.copy)
    assert restoring(past.copy)
    assert differing(rows_of(lost), past.rows) == {("BUDGET", "BUDGET")}
    assert recount(lost) == []


def test_what_is_no_copy_of_a_school_is_refused(
    emulator: Emulator, school: Emulated, desk: Desk, restoring: Restoring
) -> None:
    desk.add_user("client@example.com")
    live = rows_of(school)
    own, empty, other = school.resources.table_name, new_school(emulator).resources.table_name, other_table(emulator)
    stranger = new_school(emulator)
    stranger.dynamodb.put_item(TableName=stranger.resources.table_name, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    arn = school.dynamodb.describe_table(TableName=own)["Table"]["TableArn"]
    for source, reason in (
        (f"{own}-nowhere", "There is no table"),
        (own, "is the stack's own table"),
        (arn, "is the stack's own table"),
        (other, "has other keys"),
        (empty, "is empty"),
        (stranger.resources.table_name, "is no table of a school"),
    ):
        with pytest.raises(CommandError, match=reason):
            restoring(source)
    assert (restoring.limits, rows_of(school)) == (RUNNING, live)


def other_table(emulator: Emulator) -> str:
    name = f"other-{uuid4().hex[:12]}"
    emulator.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_a_copy_of_another_table_is_remarked_on(school: Emulated, desk: Desk, restoring: Restoring) -> None:
    """DynamoDB says of what a table was restored; the emulator does not."""
    desk.add_user("client@example.com")
    copy, origin = copy_of(school), school.resources.table_name

    def tell(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Table"]["RestoreSummary"] = {
            "SourceTableArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{origin}"
        }

    with hooked(school, "after-call.dynamodb.DescribeTable", tell):
        assert restoring(copy)
        assert not any(text.startswith("MIND") for text in restoring.said)
        origin = "school-Other"
        assert restoring(copy)
    assert f"MIND: {copy} was restored from school-Other, which is another table than this school's." in restoring.said


def test_a_backup_of_an_earlier_release_works_and_is_migrated_again(school: Emulated, restoring: Restoring) -> None:
    fill(school, items())
    copy, rows = copy_of(school), migrating.Rows(school.dynamodb, school.resources.table_name)
    migrating.migrate(rows, restoring.said.append, restoring.shown.append, again=False)
    Desk(school).students.update(STUDENT_IDS["weiß@example.com"], NAMES, "another@example.com")
    assert restoring(copy)
    assert "  b2b migrate-data --stack-name acme" in restoring.said
    desk = Desk(school)
    assert desk.store.lookups.find(student_email="weiß@example.com").student_id == STUDENT_IDS["weiß@example.com"]
    assert desk.store.lookups.find(student_email="weiss@example.com").student_id is None
    assert recount(school) == []
    assert not migrating.migrate(rows, restoring.said.append, restoring.shown.append, again=False)
    assert without_form(school) == []
    assert recount(school) == []


def test_a_backup_of_a_later_release_is_refused(school: Emulated, desk: Desk, restoring: Restoring) -> None:
    desk.add_user("client@example.com")
    desk.table.write(put(keys.MIGRATION, {"version": schema.VERSION + 1}))
    with pytest.raises(CommandError, match="of a later release than this one: deploy that first"):
        restoring(copy_of(school))
    assert restoring.limits == RUNNING
