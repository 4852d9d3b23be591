"""Reading, deciding and writing again when others wrote in between."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from b2b.domain.errors import TooManyRequests, WriteConflict

Result = TypeVar("Result")

_TRIES = 24
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.4


def retry_conflicts(attempt: Callable[[], Result], *, sleep: Callable[[float], None] = time.sleep) -> Result:
    """The result of the first ``attempt`` that loses no race. ``attempt`` reads everything anew.

    Pauses grow from milliseconds to 0.4 s with full jitter, some 4 s in all; then the caller is told to come again.
    """
    for count in range(_TRIES):
        try:
            return attempt()
        except WriteConflict:
            ceiling = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**count)
            sleep(random.uniform(0, ceiling))  # noqa: S311 - jitter, no secret
    raise TooManyRequests(retry_after=1)
