"""Figures beside their targets, and aligned tables of plain text."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

_WIDTH = 112

MET, STRETCH_MET, WITHIN_NOISE, MISSED = "met", "stretch met", "met within noise", "MISSED"


class NotMeasured(Exception):
    """What was in the way of a measurement, in a line or a few."""


@dataclass(frozen=True, slots=True)
class Goal:
    """``stretch`` None: there is none. ``at_least``: more is better. ``unit`` stands behind the number."""

    target: float
    stretch: float | None = None
    at_least: bool = False
    unit: str = ""
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Figure:
    """``noise``: by how much the same measurement may come out otherwise, as a share of ``value``; 0 for counts."""

    what: str
    value: float
    goal: Goal
    noise: float = 0.0

    @property
    def verdict(self) -> str:
        """A target that the noise alone may have missed counts as met, and says so; a stretch does not."""
        goal = self.goal
        if goal.stretch is not None and self._reaches(goal.stretch):
            return STRETCH_MET
        if self._reaches(goal.target):
            return MET
        return WITHIN_NOISE if self._reaches(goal.target, self.noise) else MISSED

    def _reaches(self, wanted: float, allowance: float = 0.0) -> bool:
        # As it is printed, so that 1.15 beside a target of 1.15 is not missed by its fourth digit.
        shown = round(self.value, self.goal.digits)
        if self.goal.at_least:
            return shown * (1 + allowance) >= wanted
        return shown * (1 - allowance) <= wanted


@dataclass(frozen=True, slots=True)
class Section:
    """What a part of the run has measured: figures for the table of targets, and what is behind them."""

    title: str
    figures: Sequence[Figure] = ()
    lines: Sequence[str] = field(default_factory=list)


def number(value: float, goal: Goal) -> str:
    """``0.98x``, ``5``, ``97.1 %``."""
    gap = " " if goal.unit == "%" else ""
    return f"{value:,.{goal.digits}f}{gap}{goal.unit}"


def targets(figures: Sequence[Figure]) -> list[str]:
    rows = [["", "measured", "+/-", "target", "stretch", ""]]
    for figure in figures:
        sign = ">=" if figure.goal.at_least else "<="
        stretch = "" if figure.goal.stretch is None else f"{sign} {number(figure.goal.stretch, figure.goal)}"
        rows.append(
            [
                figure.what,
                number(figure.value, figure.goal),
                f"{figure.noise:.1%}" if figure.noise else "",
                f"{sign} {number(figure.goal.target, figure.goal)}",
                stretch,
                figure.verdict,
            ]
        )
    return table(rows, left=(0, 5))


def table(rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,)) -> list[str]:
    """The first row is the head. Columns are set to the right but those in ``left``."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if position in left else f"{cell:>{width}}"
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def paragraph(*sentences: str) -> list[str]:
    return textwrap.wrap(" ".join(sentences), width=_WIDTH, break_long_words=False, break_on_hyphens=False)


def printed(sections: Sequence[Section]) -> str:
    """All that was measured, and at the end the table of targets."""
    parts = ["\n".join([section.title, "=" * len(section.title), *section.lines]) for section in sections]
    figures = [figure for section in sections for figure in section.figures]
    if figures:
        parts.append("\n".join(["Targets", "=======", *targets(figures)]))
    return "\n\n".join(parts)
