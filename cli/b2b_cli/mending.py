"""``b2b recount``, its first part: records that contradict each other, found and mended on request."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from b2b.domain.errors import BrokenInvariant, NeedsAPerson, TooManyRequests
from b2b.domain.integrity.consistency import Contradiction
from b2b.services.integrity.consistency import ConsistencyService
from b2b.services.integrity.recount import RecountService
from b2b.services.integrity.uniqueness import UniquenessService
from b2b.storage.integrity.claims import Breach
from b2b_cli.guard_scan import suspects
from b2b_cli.migrating import Rows
from b2b_cli.progress import Progress

# Between two looks: then whoever was writing during the first is done.
_PAUSE_SECONDS = 1.0

Found = TypeVar("Found")
Say = Callable[[str], None]


class Mender(Protocol[Found]):
    """``confirmed``: those that are there at a second look."""

    def confirmed(self, found: Iterable[Found], /) -> list[Found]: ...
    def mend(self, contradiction: Found, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Look(Generic[Found]):
    """``find``: what is wrong at first sight."""

    mender: Mender[Found]
    find: Callable[[Progress], list[Found]]


@dataclass(frozen=True, slots=True)
class _Wrong:
    text: str
    mend: Callable[[], None]


def at_students(service: ConsistencyService, users: RecountService) -> Look[Contradiction]:
    """What students and users say of each other."""

    def find(progress: Progress) -> list[Contradiction]:
        found: list[Contradiction] = []
        for user_count, user_id in enumerate(users.user_ids(), 1):
            found += service.check_user(user_id)
            progress(f"{user_count} users looked at")
        for student_count, student_id in enumerate(service.student_ids(), 1):
            found += service.check_student(student_id)
            progress(f"{student_count} students looked at")
        return found

    return Look(service, find)


def at_guards(service: UniquenessService, rows: Rows) -> Look[Breach]:
    """Who has which address, user in Thinkific, product and token."""

    def find(progress: Progress) -> list[Breach]:
        looks = (service.find_breach(guard, records) for guard, records in suspects(rows, progress).items())
        return [breach for breach in looks if breach is not None]

    return Look(service, find)


def make_consistent(
    looks: Iterable[Look[Any]],
    say: Say,
    progress: Progress,
    *,
    repair: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether no records contradict each other, or those that did were mended."""
    found = [(look.mender, look.find(progress)) for look in looks]
    progress("")
    if not any(at_first_sight for _, at_first_sight in found):
        return True
    sleep(_PAUSE_SECONDS)
    wrong = [
        _Wrong(str(each), partial(mender.mend, each))
        for mender, at_first_sight in found
        for each in mender.confirmed(at_first_sight)
    ]
    mended = [_treat(each, say, repair=repair) for each in wrong]
    if wrong:
        say(_summary(mended, repair=repair))
    return all(mended)


def _treat(wrong: _Wrong, say: Say, *, repair: bool) -> bool:
    if not repair:
        say(wrong.text)
        return False
    try:
        wrong.mend()
    except NeedsAPerson as advice:
        say(f"{wrong.text} {advice}")
        return False
    except (TooManyRequests, BrokenInvariant) as fault:
        say(f"{wrong.text} Not mended: {fault}")
        return False
    say(f"{wrong.text} Mended.")
    return True


def _summary(mended: list[bool], *, repair: bool) -> str:
    text = f"{len(mended)} {'contradiction' if len(mended) == 1 else 'contradictions'} between records"
    if not repair:
        return f"{text}. Run it again with --repair to mend what can be mended."
    return f"{text}, {sum(mended)} mended."
