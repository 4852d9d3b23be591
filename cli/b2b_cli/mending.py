"""``b2b recount``, its first part: records that contradict each other, found and mended on request."""

import time
from collections.abc import Callable

from b2b.domain.errors import BrokenInvariant, TooManyRequests
from b2b.domain.integrity.consistency import Contradiction
from b2b.services.integrity.consistency import ConsistencyService
from b2b.services.integrity.recount import RecountService
from b2b_cli.progress import Progress

# Between two looks: then whoever was writing during the first is done.
_PAUSE_SECONDS = 1.0


def make_consistent(
    service: ConsistencyService, users: RecountService, say: Callable[[str], None], progress: Progress, *, repair: bool
) -> bool:
    """Whether no records contradict each other, or those that did were mended."""
    found: list[Contradiction] = []
    for user_count, user_id in enumerate(users.user_ids(), 1):
        found += service.look_at_user(user_id)
        progress(f"{user_count} users looked at")
    for student_count, student_id in enumerate(service.student_ids(), 1):
        found += service.look_at_student(student_id)
        progress(f"{student_count} students looked at")
    progress("")
    if not found:
        return True
    time.sleep(_PAUSE_SECONDS)
    contradictions = service.confirmed(found)
    mended = [_treat(service, each, say, repair=repair) for each in contradictions]
    if contradictions:
        say(_summary(mended, repair=repair))
    return all(mended)


def _treat(
    service: ConsistencyService, contradiction: Contradiction, say: Callable[[str], None], *, repair: bool
) -> bool:
    if not repair:
        say(str(contradiction))
        return False
    try:
        service.mend(contradiction)
    except (TooManyRequests, BrokenInvariant) as fault:
        say(f"{contradiction} Not mended: {fault}")
        return False
    say(f"{contradiction} Mended.")
    return True


def _summary(mended: list[bool], *, repair: bool) -> str:
    text = f"{len(mended)} records contradict each other"
    if not repair:
        return f"{text}. Run it again with --repair to mend them."
    return f"{text}, {sum(mended)} mended."
