"""``b2b migrate-data``: the rows of earlier releases brought to this one's form while the school works."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import Any

from b2b.domain.errors import TooManyRequests
from b2b.services.contention import retry_conflicts
from b2b.storage import keys, schema
from b2b.storage.items import Item, unmarshal
from b2b.storage.keys import Key
from b2b.storage.store import Store
from b2b.storage.table import Table
from b2b_cli.copying import SEGMENTS, WholeTable
from b2b_cli.errors import CommandError
from b2b_cli.merging import key_of
from b2b_cli.migration_steps import STEPS, Step
from b2b_cli.progress import Progress

# In each part of the table a run that was killed leaves at most so many rows to be looked at again.
_ROWS_IN_ONE_PAGE = 250
_LOOK_EVERY_SECONDS = 0.2

Positions = Mapping[str, Key | None]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rows:
    """A school's table. ``dynamodb``: boto3's client."""

    dynamodb: Any
    name: str

    @property
    def table(self) -> Table:
        return Table(self.dynamodb, self.name)


@dataclass
class Tally:
    """``looked_at`` counts rows of any form, ``converted`` those that were of an earlier one."""

    looked_at: int = 0
    converted: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, *, looked_at: int = 0, converted: int = 0) -> None:
        with self._lock:
            self.looked_at += looked_at
            self.converted += converted

    def __str__(self) -> str:
        return f"{self.looked_at} rows looked at, {self.converted} brought to today's form"


def migrate(rows: Rows, say: Say, progress: Progress, *, again: bool) -> bool:
    """Whether no two records are left with one address. Raises CommandError; whatever it is, the next call goes on.

    ``again``: also where the rows are noted to be of today's form.
    """
    store = Store(rows.table)
    _check(rows.table, store)
    store.migrations.note_new_school()
    known = schema.UNSAID if again else store.migrations.progress().version
    for step in STEPS:
        if step.leads_to > known:
            _take(step, rows, store, say, progress)
    say(f"Every row is of today's form, which is number {schema.VERSION}.")
    shared = [
        left
        for pair in store.address_migration.shared_addresses()
        if (left := _retried(partial(store.address_migration.resolve_shared, pair)))
    ]
    for pair in shared:
        say(str(pair))
    return not shared


def _check(table: Table, store: Store) -> None:
    found = store.migrations.progress().version
    if found > schema.VERSION:
        raise CommandError(
            f"The rows are of form {found}, which a later release has written, and this one knows {schema.VERSION}: "
            "use the release that the school runs on."
        )
    if table.get(keys.RESTORE) is not None:
        raise CommandError("`b2b restore` has not come to its end: run that again first.")


def _take(step: Step, rows: Rows, store: Store, say: Say, progress: Progress) -> None:
    say(f"To form {step.leads_to}: {step.what}.")
    if store.migrations.progress().step == step.leads_to:
        say("An earlier run did not come to its end; this one goes on.")
    positions = store.migrations.begin(step.leads_to).positions
    tally, stop = Tally(), Event()
    with ThreadPoolExecutor(SEGMENTS, thread_name_prefix="migrate") as pool:
        walk = _Walk(step, WholeTable(rows.dynamodb, rows.name, pool), store, tally, stop)
        try:
            _await([pool.submit(walk.go, segment, positions) for segment in range(SEGMENTS)], tally, progress)
        except KeyboardInterrupt:
            raise CommandError("Interrupted. The same command goes on from here.") from None
        finally:
            stop.set()
            progress("")
    store.migrations.finish(step.leads_to)
    say(f"{tally}.")


def _await(parts: Sequence[Future[None]], tally: Tally, progress: Progress) -> None:
    """Raises what has stopped one of them."""
    left = set(parts)
    while left:
        done, left = wait(left, timeout=_LOOK_EVERY_SECONDS)
        for part in done:
            part.result()
        progress(str(tally))


class _Walk:
    """A step on its way through the table, until ``stop`` is set."""

    def __init__(self, step: Step, table: WholeTable, store: Store, tally: Tally, stop: Event) -> None:
        self._step = step
        self._table = table
        self._store = store
        self._tally = tally
        self._stop = stop

    def go(self, segment: int, positions: Positions) -> None:
        # A position holds for as long as the table is cut into as many parts.
        name = f"{segment + 1} of {SEGMENTS}"
        if name in positions and positions[name] is None:
            return
        for rows, behind in self._pages(segment, positions.get(name)):
            for item in rows:
                if self._stop.is_set():
                    return
                self._convert(item)
            self._store.migrations.save_position(self._step.leads_to, name, behind)

    def _convert(self, item: Item) -> None:
        key = Key(item[keys.PARTITION], item[keys.SORT])
        _retried(partial(self._step.convert, self._store, key, item))
        self._tally.add(converted=1)

    def _pages(self, segment: int, behind: Key | None) -> Iterator[tuple[list[Item], Key | None]]:
        """Rows of an earlier form, with the key behind which the next page begins, None at the end."""
        while True:
            start = {"ExclusiveStartKey": _wire(behind)} if behind else {}
            answer = self._table.read(segment, Limit=_ROWS_IN_ONE_PAGE, **_below(self._step.leads_to), **start)
            self._tally.add(looked_at=answer["ScannedCount"])
            last = answer.get("LastEvaluatedKey")
            behind = key_of(last) if last else None
            yield [unmarshal(raw) for raw in answer["Items"]], behind
            if behind is None:
                return


def _below(version: int) -> dict[str, Any]:
    return {
        "FilterExpression": "attribute_not_exists(#schema) OR #schema < :version",
        "ExpressionAttributeNames": {"#schema": schema.ATTRIBUTE},
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


def _wire(key: Key) -> dict[str, Any]:
    return {keys.PARTITION: {"S": key.pk}, keys.SORT: {"S": key.sk}}


def _retried(attempt: Callable[[], Any]) -> Any:
    try:
        return retry_conflicts(attempt)
    except TooManyRequests:
        raise CommandError("Others keep writing to the same rows. The same command goes on from here.") from None
