"""Rounds in which every subject has its turn, and what they say about a ratio of two of them.

A machine gets slower and faster while it is measured. Subjects that take turns are slow together, so their ratio is
taken round by round; its median leaves out the rounds that something else disturbed.
"""

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# From the median of absolute deviations to a standard deviation, and from that to the error of a median.
_NORMAL = 1.4826
_OF_A_MEDIAN = 1.2533

Samples = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Ratio:
    """``noise``: half of the interval that holds the true median in 19 runs of 20, as a share of ``value``."""

    value: float
    noise: float


def interleaved(
    measures: Mapping[str, Callable[[], float]],
    rounds: int,
    *,
    warm_ups: int = 1,
    on_round: Callable[[int], None] = lambda _: None,
) -> dict[str, list[float]]:
    """So many samples of each, round by round, in another order each time; those of the warm-ups are dropped."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for turn in range(warm_ups + rounds):
        on_round(max(0, turn - warm_ups + 1))
        for name in random.sample(list(measures), len(measures)):
            seconds = measures[name]()
            if turn >= warm_ups:
                taken[name].append(seconds)
    return taken


def ratio(samples: Samples, of: str, to: str) -> Ratio:
    pairs = [above / below for above, below in zip(samples[of], samples[to], strict=True)]
    value = statistics.median(pairs)
    return Ratio(value, spread(pairs) / value)


def spread(values: Sequence[float]) -> float:
    """How far the median of the values may be off, in their unit."""
    middle = statistics.median(values)
    deviation = _NORMAL * statistics.median(abs(value - middle) for value in values)
    return 2 * _OF_A_MEDIAN * deviation / math.sqrt(len(values))
