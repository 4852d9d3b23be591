"""How long to wait before the next try."""

import random

LONGEST_SECONDS = 900  # as long as SQS can hold a message back

_FIRST_CEILING = 2.0
# Most faults pass within seconds. So the first tries stay close together, and a student who meets several of them in a
# row is not held up for minutes; only what lasts longer is asked less and less often.
_CLOSE_CEILING = 8.0
_CLOSE_TRIES = 6


def backoff(attempts: int) -> float:
    """1 to 2 s after the first failure, at most 8 s after each of the first six, then doubled up to 15 minutes.

    With jitter, so that not all come back at once. ``attempts``: those that failed before.
    """
    ceiling = _FIRST_CEILING * 2.0 ** min(attempts, 20)
    if attempts < _CLOSE_TRIES:
        ceiling = min(ceiling, _CLOSE_CEILING)
    else:
        ceiling = min(LONGEST_SECONDS, _CLOSE_CEILING * 2.0 ** min(attempts - _CLOSE_TRIES + 1, 20))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret
