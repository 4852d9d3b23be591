"""A school that stands still: none of its functions runs, so that its table can be exchanged under it."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from b2b.storage import keys
from b2b.storage.actions import delete, put
from b2b.storage.items import Item
from b2b.storage.table import Table
from b2b_cli.progress import Progress

# AWS does not say how soon a limit is heeded everywhere.
_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Clock:
    """``now``: epoch seconds."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Functions:
    """A stack's functions, each stopped by reserving no concurrent run for it."""

    def __init__(self, client: Any, names: Iterable[str]) -> None:
        self._client = client
        self.names = sorted(names)

    def longest_seconds(self) -> int:
        """How long a call may take."""
        return max((int(self._get(name)["Configuration"]["Timeout"]) for name in self.names), default=0)

    def limits(self) -> dict[str, int]:
        """The reserved concurrency of those that have one."""
        found = {name: self._reserved(name) for name in self.names}
        return {name: limit for name, limit in found.items() if limit is not None}

    def stop(self) -> bool:
        """Whether any was not stopped before."""
        running = [name for name in self.names if self._reserved(name) != 0]
        for name in running:
            self._client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        return bool(running)

    def start(self, limits: Mapping[str, int]) -> None:
        for name in self.names:
            if name in limits:
                self._client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limits[name])
            else:
                self._client.delete_function_concurrency(FunctionName=name)

    def _reserved(self, name: str) -> int | None:
        limit = self._get(name).get("Concurrency", {}).get("ReservedConcurrentExecutions")
        return None if limit is None else int(limit)

    def _get(self, name: str) -> Any:
        return self._client.get_function(FunctionName=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What outlives a run of the command that is interrupted.

    ``limits``: of the functions, as they were before. ``stopped_at``: epoch seconds, None until all are.
    ``is_copying``: the table is no more what it was.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    stopped_at: int | None = None
    is_copying: bool = False

    def item(self) -> Item:
        return {"limits": dict(self.limits), "stopped_at": self.stopped_at, "is_copying": self.is_copying}

    @classmethod
    def of(cls, item: Item) -> Self:
        return cls(limits=item["limits"], stopped_at=item.get("stopped_at"), is_copying=item["is_copying"])


class Standstill:
    """From ``begin`` to ``end``, however many runs of the command lie between: it is noted in the live table."""

    def __init__(self, functions: Functions, table: Table, clock: Clock) -> None:
        self._functions = functions
        self._table = table
        self._clock = clock
        item = table.get(keys.RESTORE)
        self._note = Note.of(item) if item else None

    @property
    def has_begun(self) -> bool:
        """Also by an earlier run of the command, that has not come to its end."""
        return self._note is not None

    @property
    def is_copying(self) -> bool:
        """Whether the table is neither what it was nor what it is to be."""
        return self._note is not None and self._note.is_copying

    def seconds(self) -> int:
        """How long ``begin`` waits until no call can be in flight."""
        return self._functions.longest_seconds() + _GRACE_SECONDS if self._functions.names else 0

    def begin(self, progress: Progress) -> None:
        """Returns when no function runs."""
        note = self._note or self._save(Note(limits=self._functions.limits()))
        progress("stopping the school")
        stopped_at = note.stopped_at
        if self._functions.stop() or stopped_at is None:
            stopped_at = int(self._clock.now())
            self._save(replace(note, stopped_at=stopped_at))
        until = stopped_at + self.seconds()
        while (left := until - self._clock.now()) > 0:
            progress(f"waiting {left:.0f} s, until no call can be in flight")
            self._clock.sleep(min(1.0, left))
        progress("")

    def start_copying(self) -> None:
        self._save(replace(self._note or Note(), is_copying=True))

    def end(self) -> list[str]:
        """Every function as it was before; those that were stopped then. Nothing to do where nothing had begun."""
        if self._note is None:
            return []
        limits = self._note.limits
        self._functions.start(limits)
        self._table.write(delete(keys.RESTORE))
        self._note = None
        return [name for name, limit in limits.items() if limit == 0]

    def _save(self, note: Note) -> Note:
        self._table.write(put(keys.RESTORE, note.item()))
        self._note = note
        return note
