"""How long to wait before the next try."""

import random

LONGEST_SECONDS = 900  # as long as SQS can hold a message back


def backoff(attempts: int) -> float:
    """Some 1 s after the first failure, doubled with every further one up to 15 minutes.

    With jitter, so that not all come back at once. ``attempts``: those that failed before.
    """
    ceiling = min(LONGEST_SECONDS, 2.0 ** min(attempts + 1, 10))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret
