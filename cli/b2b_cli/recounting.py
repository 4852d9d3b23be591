"""``b2b recount``: every counter compared with its rows now, and set right on request."""

from collections.abc import Callable

from b2b.domain.integrity.recount import Drift
from b2b.services.integrity.recount import RecountReport, RecountService
from b2b_cli.progress import Progress


def recount(service: RecountService, say: Callable[[str], None], progress: Progress, *, repair: bool) -> bool:
    """Whether every counter is right, or was set right."""
    report = RecountReport()
    for user_id in service.user_ids():
        service.check_user(user_id, report)
        progress(f"{report.users} users, {len(report.drifts)} counters wrong")
    service.check_totals(report)
    progress("")
    corrected = [_treat(service, drift, say) for drift in report.drifts] if repair else []
    if not repair:
        for drift in report.drifts:
            say(str(drift))
    say(_summary(report, corrected))
    if report.drifts and not repair:
        say("Run it again with --repair to set the counters to what the rows say.")
    return all(corrected) if repair else not report.drifts


def _treat(service: RecountService, drift: Drift, say: Callable[[str], None]) -> bool:
    corrected = service.correct(drift)
    say(f"{drift} {'Set right.' if corrected else 'It changed meanwhile: run it again.'}")
    return corrected


def _summary(report: RecountReport, corrected: list[bool]) -> str:
    text = f"{report.users} users looked at: {len(report.drifts)} counters wrong"
    if corrected:
        text += f", {sum(corrected)} set right"
    if report.busy:
        text += f"; {report.busy} users change too fast to say, look again when it is quieter"
    return text + "."
