"""What may be told of a fault that nobody foresaw: where it happened, and no word of what it was about."""

import traceback
from datetime import timedelta
from pathlib import PurePath

# SQS's own retries and then the dead-letter queue have it; so long repair keeps out of the way.
REPAIR_FAULT_AFTER = timedelta(hours=1)


def error_location(error: BaseException) -> str:
    """``KeyError in courses.py, line 23``: the message of an error may name a person."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"
