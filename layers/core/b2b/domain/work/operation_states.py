"""Where an operation goes on after an interruption: a state for each type of operation.

The table keeps what ``stored`` returns. ``restored`` reads that, and what an earlier release has written: a value that
is missing takes the field's default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from b2b.domain import timestamps
from b2b.domain.work.operations import OperationType


class OperationState:
    type: ClassVar[OperationType]
    # Names of fields that are points in time.
    moments: ClassVar[frozenset[str]] = frozenset()

    def stored(self) -> dict[str, Any]:
        """As JSON has it."""
        return {each.name: _to_json(getattr(self, each.name)) for each in fields(self)}  # type: ignore[arg-type] # all are dataclasses

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """Raises TypeError when a value is missing that has no default."""
        known = {each.name for each in fields(cls)}  # type: ignore[arg-type] # all are dataclasses
        return cls(**{name: cls._from_json(name, value) for name, value in stored.items() if name in known})

    @classmethod
    def _from_json(cls, name: str, value: Any) -> Any:
        if name in cls.moments:
            return timestamps.optional_moment(value)
        return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSyncState(OperationState):
    """Phases: "pages" (what REST lists), "bundles" (their courses), "hidden" (what only GraphQL shows), "vanished".

    ``page``: the next of REST. ``seen``, ``bundles``, ``missing``: ids of products: those listed so far, those whose
    courses are still to be asked for, those that no list shows any more. ``after``: GraphQL's cursor, ``cursors`` all
    of them so far, ``first`` how many courses to ask for at once. ``waits``: how often in a row GraphQL told us to
    come later. ``is_complete``: it has shown all that it has. ``trouble``: why it could not be read.
    """

    type: ClassVar = OperationType.CATALOGUE_SYNC

    phase: Literal["pages", "bundles", "hidden", "vanished"] = "pages"
    page: int = 1
    seen: tuple[int, ...] = ()
    bundles: tuple[int, ...] = ()
    after: str | None = None
    first: int = 0
    cursors: tuple[str, ...] = ()
    waits: int = 0
    missing: tuple[int, ...] = ()
    is_complete: bool = False
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryChangeState(OperationState):
    """Phases: "write" (each student's enrollment), then "confirm" (Thinkific has it).

    ``after``: the id of the student behind whom to go on. ``waiting``: how many of this round are not confirmed.
    """

    type: ClassVar = OperationType.EXPIRY_CHANGE
    moments: ClassVar = frozenset({"end"})

    user_id: int
    product_id: int
    end: datetime
    phase: Literal["write", "confirm"] = "write"
    after: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupImportState(OperationState):
    """``group_id`` 0: not known yet. ``sync``: whether its members become students of the user, from ``page`` on.

    ``retried_to``: the id of the last student whose refused group was tried again, None = all were.
    """

    type: ClassVar = OperationType.GROUP_IMPORT

    user_id: int
    name: str
    sync: bool
    group_id: int = 0
    # An operation that an earlier release began has no such value, and tries none again.
    retried_to: int | None = None
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentDeleteState(OperationState):
    """``in_thinkific``: the account ``thinkific_id`` goes too, None = that of ``email``; from ``not_before`` on."""

    type: ClassVar = OperationType.STUDENT_DELETE
    moments: ClassVar = frozenset({"not_before"})

    student_id: int
    email: str
    in_thinkific: bool
    thinkific_id: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleteState(OperationState):
    """``after``: the id of the student behind whom to go on.

    ``delete_students``: whether those of no other user are deleted, ``students_in_thinkific`` there too;
    ``in_thinkific``: whether the user's own account goes.
    """

    type: ClassVar = OperationType.USER_DELETE

    user_id: int
    email: str
    delete_students: bool
    students_in_thinkific: bool
    in_thinkific: bool
    after: int = 0


_STATES: Mapping[OperationType, type[OperationState]] = {
    state.type: state
    for state in (CatalogueSyncState, ExpiryChangeState, GroupImportState, StudentDeleteState, UserDeleteState)
}


def restored(type_: OperationType, stored: Mapping[str, Any]) -> OperationState | None:
    """None: a final operation keeps none."""
    return _STATES[type_].restored(stored) if stored else None


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamps.to_text(value)
    return list(value) if isinstance(value, tuple) else value
