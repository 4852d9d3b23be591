"""How much of what Thinkific allows is used while work waits: at a raised rate, so that a minute tells."""

import time
from pathlib import Path

from tests.bench.progress import Progress
from tests.bench.report import Figure, Goal, Section
from tests.faults.backlogs import opened_backlog

GOAL = Goal(90, stretch=97, at_least=True, unit="%", digits=1)
_RATE = 240
# Each takes three calls at least: twice as many as there is time for.
_WISHES_A_SECOND = _RATE / 60 / 3 * 2


def measure(folder: Path, progress: Progress, *, seconds: float) -> Section:
    wishes = int(_WISHES_A_SECOND * seconds) + 50
    progress.begin(f"backlog: {wishes} students are enrolled")
    with opened_backlog(folder / "backlog", wishes=wishes, rate=_RATE) as backlog:
        began = time.time()
        while time.time() < began + seconds:
            progress.go_on(f"backlog: {time.time() - began:.0f} of {seconds:.0f} s")
            time.sleep(1)
        use = backlog.use(began, time.time())
    assert use.waiting > 0, "the backlog was worked off before its time"
    figure = Figure("backlog: share of the allowed calls used", use.share * 100, GOAL)
    lines = [
        f"{_RATE} calls a minute allowed; {use.seconds:.0f} s; {use.waiting} of {wishes} students still wait.",
        f"At most {use.busiest} calls in any 60 s; {len(use.refused)} were refused by Thinkific (429).",
    ]
    return Section("Backlog", [figure], lines)
