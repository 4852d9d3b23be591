"""Reading, deciding and writing again when others wrote in between."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from b2b.domain.errors import BrokenInvariant, TooManyRequests, WriteConflict

Result = TypeVar("Result")

_TRIES = 24
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.4
# From so many conflicts in one place on, the records there are read after each ...
_SUSPICIOUS_CONFLICTS = 4
# ... and so many times without a change, nobody else is writing: the records do not fit together.
_UNCHANGED_LOOKS = 3


def retry_conflicts(attempt: Callable[[], Result], *, sleep: Callable[[float], None] = time.sleep) -> Result:
    """The result of the first ``attempt`` that loses no race. ``attempt`` reads everything anew.

    Pauses grow from milliseconds to 0.4 s with full jitter, some 4 s in all; then the caller is told to come again.
    Raises BrokenInvariant when the records that refuse the write stay as they are from one attempt to the next.
    """
    standstill = _Standstill()
    for count in range(_TRIES):
        try:
            return attempt()
        except WriteConflict as conflict:
            standstill.look_at(conflict)
            ceiling = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**count)
            sleep(random.uniform(0, ceiling))  # noqa: S311 - jitter, no secret
    raise TooManyRequests(retry_after=1)


class _Standstill:
    """Tells a write that lost races from one that can never succeed: that one is refused by records at rest."""

    def __init__(self) -> None:
        self._place = ""
        self._conflicts = 0
        self._state: object = None
        self._unchanged = 0

    def look_at(self, conflict: WriteConflict) -> None:
        """Raises BrokenInvariant."""
        if conflict.state is None or conflict.place != self._place:
            self._place = conflict.place
            self._conflicts = self._unchanged = 0
        self._conflicts += 1
        if conflict.state is None or self._conflicts < _SUSPICIOUS_CONFLICTS:
            return
        state = conflict.state()
        self._unchanged = self._unchanged + 1 if self._unchanged and state == self._state else 1
        self._state = state
        if self._unchanged >= _UNCHANGED_LOOKS:
            raise BrokenInvariant(conflict.place) from conflict
