"""``b2b recount`` on a school, as far as records that contradict each other go."""

import time

from tests.integration.desk import Desk

from b2b.domain.integrity.consistency import Contradiction
from b2b.storage.integrity.claims import Breach
from b2b_cli.mending import Look, at_guards, at_students, make_consistent
from b2b_cli.migrating import Rows


def contradictions(desk: Desk, *, repair: bool = False, at_rest: bool = False) -> list[str]:
    """What the command prints. ``at_rest``: nobody writes, and a second look needs no pause before it."""
    said: list[str] = []
    sleep = _no_pause if at_rest else time.sleep
    is_consistent = make_consistent(_looks(desk), said.append, _silent, repair=repair, sleep=sleep)
    assert repair or is_consistent == (not said)
    return said


def mend(desk: Desk) -> bool:
    """Whether all that was wrong is mended. Of a school at rest."""
    return make_consistent(_looks(desk), _silent, _silent, repair=True, sleep=_no_pause)


def _looks(desk: Desk) -> tuple[Look[Breach], Look[Contradiction]]:
    rows = Rows(desk.school.dynamodb, desk.school.resources.table_name)
    return at_guards(desk.uniqueness, rows), at_students(desk.consistency, desk.recount)


def _no_pause(_: float) -> None:
    """Nobody is writing."""


def _silent(_: str) -> None:
    """Nobody reads it."""
