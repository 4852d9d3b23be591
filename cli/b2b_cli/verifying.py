"""``b2b verify``: students compared with Thinkific, within the calls that the site is allowed."""

import random
import time
from collections.abc import Callable, Sequence

from b2b.domain.work.upstream import BudgetSpent, SitePaused, ThinkificDelay, ThinkificError
from b2b.services.enrollment.sync.verification import Difference, Verification
from b2b_cli.errors import CommandError
from b2b_cli.progress import Progress

_TRIES = 6


def verify(
    verification: Verification, say: Callable[[str], None], progress: Progress, *, sample: int | None, fix: bool
) -> bool:
    """Whether all is well, or was wanted again. ``sample`` None: all students."""
    draw = random.Random()  # noqa: S311 - chance, no secret
    ids = list(verification.student_ids()) if sample is None else verification.sample(sample, draw)
    started = time.monotonic()
    compared = different = 0
    for count, student_id in enumerate(ids, start=1):
        progress(_so_far(count, len(ids), different, time.monotonic() - started))
        differences = _compare(verification, student_id, progress)
        if differences is None:
            continue
        compared += 1
        different += bool(differences)
        for difference in differences:
            say(str(difference))
        if differences and fix:
            verification.reopen_differences(student_id, differences)
    progress("")
    say(_summary(len(ids), compared, different, fix=fix))
    return fix or not different


def _compare(verification: Verification, student_id: int, progress: Progress) -> Sequence[Difference] | None:
    failures = 0
    while True:
        try:
            return verification.compare(student_id)
        except SitePaused as paused:
            raise CommandError(f"{paused} `b2b status` says more.") from paused
        except ThinkificDelay as delay:
            failures += not isinstance(delay, BudgetSpent)
            if failures >= _TRIES:
                raise CommandError(f"Thinkific does not answer: {delay}") from delay
            progress(f"waiting {delay.retry_after:.0f} s for Thinkific ...")
            time.sleep(delay.retry_after)
        except ThinkificError as error:
            raise CommandError(f"Thinkific refused to be read: {error}") from error


def _so_far(count: int, total: int, different: int, seconds: float) -> str:
    left = seconds / count * (total - count)
    return f"{count} of {total} students, {different} different, about {left / 60:.0f} min left"


def _summary(total: int, compared: int, different: int, *, fix: bool) -> str:
    text = f"{compared} of {total} students compared with Thinkific: {different} different"
    if different:
        text += "; they are on their way again" if fix else "; --fix brings them about again"
    if compared < total:
        text += f" ({total - compared} are on their way, or have never been enrolled)"
    return text + "."
