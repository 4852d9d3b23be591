"""``b2b restore``: a school's table brought back to what a backup says.

DynamoDB restores a backup into a new table only, and the stack's own table stays the stack's: so what the new table
holds is copied. What of it is not, ``merging`` says.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from b2b.domain.kinds import Kind
from b2b.storage import keys, schema
from b2b.storage.table import Table
from b2b.storage.work.migrations import Migrations
from b2b_cli.copying import CALLS_AT_ONCE, WholeTable
from b2b_cli.errors import CommandError
from b2b_cli.merging import Merge
from b2b_cli.progress import Progress
from b2b_cli.standstill import Clock, Functions, Standstill

_SYSTEM_CLOCK = Clock()


@dataclass(frozen=True, slots=True)
class School:
    """``dynamodb``: boto3's client. ``table``: the name of the live table."""

    stack_name: str
    dynamodb: Any
    table: str
    functions: Functions


@dataclass(frozen=True, slots=True)
class Restored:
    """Items put and deleted, and those that were as they should be; tokens by what became of them."""

    put: int
    deleted: int
    unchanged: int
    tokens: int
    tokens_withheld: int
    tokens_dropped: int


def restore(
    school: School,
    source: str,
    say: Callable[[str], None],
    confirm: Callable[[str], bool],
    progress: Progress,
    clock: Clock = _SYSTEM_CLOCK,
) -> bool:
    """Whether it was done; False when ``confirm`` said no, and nothing was changed.

    When anything is raised, the school runs as before if nothing was written to its table yet. Else it stays stopped,
    and the same call again goes on. Raises CommandError for a source that is none.
    """
    described = _checked(school, source)
    standstill = Standstill(school.functions, Table(school.dynamodb, school.table), clock)
    for line in _plan(school, source, described, standstill):
        say(line)
    if not confirm("Stop the school and restore its table?"):
        say("Nothing was changed. Where nobody can be asked, --yes goes ahead.")
        return False
    try:
        standstill.begin(progress)
        say("The school is stopped.")
        restored = _copy(school, source, standstill, progress, clock)
        stopped_before = standstill.end()
    except BaseException:
        progress("")
        say(_left(standstill, school))
        raise
    for line in (*_outcome(restored, stopped_before), *_next_steps(school, source, restored)):
        say(line)
    return True


def _copy(school: School, source: str, standstill: Standstill, progress: Progress, clock: Clock) -> Restored:
    pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="copy")
    try:
        live = WholeTable(school.dynamodb, school.table, pool, clock.sleep)
        backup = WholeTable(school.dynamodb, source, pool, clock.sleep)
        return _write_what_differs(live, backup, standstill, progress, Merge(clock.now()))
    finally:
        pool.shutdown(cancel_futures=True)
        progress("")


def _write_what_differs(
    live: WholeTable, backup: WholeTable, standstill: Standstill, progress: Progress, merge: Merge
) -> Restored:
    """Deletes only what the whole backup does not have: an interruption leaves too many items rather than too few."""
    count = 0
    for page in live.pages():
        for item in page:
            merge.note(item)
        count += len(page)
        progress(f"{count} items of the school's table read")
    standstill.start_copying()
    writes = live.writes()
    count = 0
    for page in backup.pages():
        for item in page:
            if merge.take(item):
                writes.put(item)
        count += len(page)
        progress(f"{count} items of {backup.name} read, {writes.done} put")
    for item in merge.totals_of_tokens():
        writes.put(item)
    writes.finish()
    deletes = live.writes()
    for key in merge.deletes():
        deletes.delete(key)
        progress(f"{deletes.done} items deleted")
    deletes.finish()
    last_ids = live.writes()
    for item in merge.last_ids():
        last_ids.put(item)
    last_ids.finish()
    return Restored(
        put=writes.done + last_ids.done,
        deleted=deletes.done,
        unchanged=merge.unchanged,
        tokens=merge.tokens,
        tokens_withheld=merge.tokens_withheld,
        tokens_dropped=merge.tokens_dropped,
    )


def _checked(school: School, source: str) -> dict[str, Any]:
    """DynamoDB's description of the source. Raises CommandError when it is not to be copied from."""
    live = _described(school.dynamodb, school.table)
    if live is None:
        raise CommandError(
            f"The stack's own table {school.table} is gone. Restore the backup into a table of this very name: "
            "then it is the stack's again, and nothing has to be copied."
        )
    described = _described(school.dynamodb, source)
    if described is None:
        raise CommandError(f"There is no table {source} in this account and region.")
    if described["TableArn"] == live["TableArn"]:
        raise CommandError(f"{source} is the stack's own table. Restore the backup into a new one, and name that.")
    if described["TableStatus"] != "ACTIVE":
        raise CommandError(
            f"{source} is {described['TableStatus']} yet. Come again when it is there: "
            f"aws dynamodb wait table-exists --table-name {source}"
        )
    if _schema(described) != _schema(live):
        raise CommandError(f"{source} has other keys than the stack's table: it is no copy of it.")
    if not school.dynamodb.scan(TableName=source, Limit=1)["Items"]:
        raise CommandError(f"{source} is empty. Restoring it would delete all that the school has.")
    table = Table(school.dynamodb, source)
    if Migrations(table).progress().version > schema.VERSION:
        raise CommandError(f"{source} is of a later release than this one: deploy that first.")
    if table.get(keys.last_id(Kind.USERS)) is None:
        raise CommandError(f"{source} is no table of a school: it has never had a user.")
    return described


def _described(dynamodb: Any, name: str) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    return table


def _schema(table: dict[str, Any]) -> list[tuple[str, str, str]]:
    types = {row["AttributeName"]: row["AttributeType"] for row in table["AttributeDefinitions"]}
    return [(row["KeyType"], row["AttributeName"], types[row["AttributeName"]]) for row in table["KeySchema"]]


def _plan(school: School, source: str, described: dict[str, Any], standstill: Standstill) -> Iterator[str]:
    # DynamoDB counts every six hours.
    count = described.get("ItemCount")
    about = f"about {count} items" if count else "its items are not counted yet"
    yield f"{school.table}, the table of {school.stack_name}, becomes what {source} says: {about}."
    origin = described.get("RestoreSummary", {}).get("SourceTableArn", "").rpartition("/")[2]
    if origin and origin != school.table:
        yield f"MIND: {source} was restored from {origin}, which is another table than this school's."
    yield "What was written since is undone. Thinkific's budget of calls stays as it is, no id is given out twice,"
    yield "and a token that was revoked or made since does not work."
    if standstill.has_begun:
        yield "An earlier run did not come to its end, and the school is stopped since. This one goes on."
    else:
        yield "Meanwhile the school is stopped and its API refuses every call: while the table is copied, and before"
        yield f"that for {standstill.seconds()} s, until no call can be in flight."


def _left(standstill: Standstill, school: School) -> str:
    """What becomes of a school whose restoring was interrupted, for the person."""
    again = "Run the same command again: it goes on from here."
    if standstill.is_copying:
        return f"NOT COMPLETE: {school.stack_name} stays stopped, its table is neither the old nor the new one. {again}"
    try:
        standstill.end()
    except (BotoCoreError, ClientError):
        return f"Nothing was copied, but {school.stack_name} cannot be started. {again}"
    return f"Nothing was copied, and {school.stack_name} is not stopped."


def _outcome(restored: Restored, stopped_before: list[str]) -> Iterator[str]:
    yield (
        f"Restored: {restored.put} items put, {restored.deleted} deleted, {restored.unchanged} were as they should be."
    )
    if stopped_before:
        yield f"Started again, but for what had been stopped before: {', '.join(stopped_before)}"
    else:
        yield "The school runs again."
    if restored.tokens_withheld:
        yield f"Tokens revoked since the backup, which stay so: {restored.tokens_withheld}"
    if restored.tokens_dropped:
        yield f"Tokens made since, which do not work any more: {restored.tokens_dropped}"


def _next_steps(school: School, source: str, restored: Restored) -> Iterator[str]:
    stack = f"--stack-name {school.stack_name}"
    yield "What is left to do:"
    if Migrations(Table(school.dynamodb, school.table)).is_due():
        yield f"  b2b migrate-data {stack}"
        yield "      The backup is of an earlier release. Its rows are understood, and brought up to date by this."
    if not restored.tokens:
        yield f"  b2b admin token --email ... {stack}"
        yield "      No token is left."
    yield f"  b2b recount {stack}"
    yield "      A backup is not of one instant to the millisecond; this compares the counters with the rows."
    yield f"  b2b verify --all --fix {stack}"
    yield "      Thinkific knows what was done since, and is brought to what the table says now. What the table had"
    yield "      still to tell it at that time is on its way by itself."
    yield "  Students made since are not in the table, and stay enrolled in Thinkific: enroll them again."
    yield f"  aws dynamodb delete-table --table-name {source}"
    yield "      The copy, when all is well."
