"""Every figure of the performance targets, side by side, from one run: ``make bench``."""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench import backlog, costs, growth, init, trips, upstream, warm
from tests.bench.artifact import Artifact, built_artifact
from tests.bench.processes import has_valgrind
from tests.bench.progress import Progress
from tests.bench.report import NotMeasured, Section, paragraph, printed

_EPILOG = """\
parts:
  init      starting the functions, against the least that anyone has to import
  warm      a warm POST through the users' handler, against the same work by hand and in other frameworks
  trips     requests to DynamoDB, for each call
  growth    what a call costs among 100 and among 100,000 students; filling the tables takes minutes
  upstream  calls to Thinkific
  backlog   the share of Thinkific's limit that is used while work waits
  costs     what a month costs (also by itself: python -m tests.bench.costs)

Times are of this machine and this hour, so what is compared are ratios. A missed target is told and is no error;
the exit code is 1 when something could not be measured.
"""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    init_rounds: int
    warm_rounds: int
    warm_calls: int
    growth_sizes: tuple[int, ...]
    growth_rounds: int
    growth_calls: int
    backlog_seconds: float


WHOLE = Effort(25, 31, 200, growth.SIZES, 25, 20, 75.0)
QUICK = Effort(7, 9, 100, growth.QUICK_SIZES, 9, 10, 30.0)


class Bench:
    """The parts, by name. Those that run the artifact share one."""

    def __init__(self, folder: Path, effort: Effort, progress: Progress, *, callgrind: bool) -> None:
        self._folder = folder
        self._effort = effort
        self._progress = progress
        self._callgrind = callgrind
        self.parts: dict[str, Callable[[], Section]] = {
            "init": self._init,
            "warm": self._warm,
            "trips": lambda: trips.measure(self._emptied("trips")),
            "growth": self._growth,
            "upstream": lambda: upstream.measure(self._emptied("upstream")),
            "backlog": lambda: backlog.measure(self._emptied("backlog"), progress, seconds=effort.backlog_seconds),
            "costs": lambda: costs.measure(self._emptied("costs")),
        }

    def run(self, names: Sequence[str]) -> tuple[list[Section], list[str]]:
        """What was measured, and the parts that could not be."""
        sections, failed = [], []
        for name in names:
            self._progress.begin(f"{name} ...")
            try:
                sections.append(self.parts[name]())
            except NotMeasured as error:
                failed.append(name)
                sys.stderr.write(f"\n{name} could not be measured: {error}\n")
            except Exception:  # the other parts are measured all the same
                failed.append(name)
                sys.stderr.write(f"\n{name} could not be measured:\n{traceback.format_exc()}")
        self._progress.end()
        return sections, failed

    def _init(self) -> Section:
        effort = self._effort
        return init.measure(
            self._artifact,
            self._emptied("init"),
            self._progress,
            rounds=effort.init_rounds,
            callgrind=self._callgrind,
        )

    def _warm(self) -> Section:
        return warm.measure(self._artifact, rounds=self._effort.warm_rounds, calls=self._effort.warm_calls)

    def _growth(self) -> Section:
        effort = self._effort
        return growth.measure(
            self._emptied("growth"),
            self._progress,
            sizes=effort.growth_sizes,
            rounds=effort.growth_rounds,
            calls=effort.growth_calls,
        )

    @cached_property
    def _artifact(self) -> Artifact:
        self._progress.begin("building what is deployed")
        return built_artifact(self._emptied("artifact"))

    def _emptied(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    if chosen.callgrind and not has_valgrind():
        sys.stderr.write("--callgrind needs valgrind, and there is none here.\n")
        return 1
    # Ends what was started, in whatever way this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    began, load_before = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="b2b-bench-") as folder:
        effort = QUICK if chosen.quick else WHOLE
        bench = Bench(Path(folder), effort, Progress(), callgrind=chosen.callgrind)
        sections, failed = bench.run(chosen.only or list(bench.parts))
    lines = paragraph(
        f"{os.cpu_count()} processors, {platform.machine()}, {platform.system()}; load {load_before:.2f} before and",
        f"{os.getloadavg()[0]:.2f} at the end; {(time.monotonic() - began) / 60:.1f} minutes;",
        f"the bench's own Python is {platform.python_version()}{', --quick' if chosen.quick else ''}.",
    )
    machine = Section("Machine", (), lines)
    sys.stdout.write(printed([machine, *sections]) + "\n")
    if failed:
        sys.stdout.write(f"\nNot measured: {', '.join(failed)}; standard error says why.\n")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measures the performance targets and prints each figure beside its target.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = ("init", "warm", "trips", "growth", "upstream", "backlog", "costs")
    parser.add_argument("--only", nargs="+", choices=names, metavar="PART", help=f"some parts: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller tables: a first impression")
    parser.add_argument(
        "--callgrind", action="store_true", help="init in instructions (valgrind) instead of CPU time; takes minutes"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
