"""``b2b status``: is Thinkific reachable, what waits, what is stuck and why."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from b2b.domain.enrollment.redaction import without_names
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import utc_now
from b2b.domain.work.upstream import ThinkificDown, ThinkificError
from b2b.storage.store import Store
from b2b_cli.connection import Connection

_MOST_SHOWN = 10
_DEPTHS = (
    ("ApproximateNumberOfMessages", "waiting"),
    ("ApproximateNumberOfMessagesNotVisible", "at work"),
    ("ApproximateNumberOfMessagesDelayed", "for later"),
)


def tell_status(connection: Connection, say: Callable[[str], None]) -> bool:
    """Whether nothing needs a person."""
    store = connection.services.store
    pause = _pause(connection)
    say(_line("Thinkific", f"PAUSED. {pause}" if pause else "ok"))
    graphql = _tell_graphql(connection, say)
    totals = ", ".join(f"{store.counters.total(kind)} {kind.lower()}" for kind in Kind)
    say(_line("Records", totals))
    dead = _tell_queues(connection, say)
    stuck = _tell_wishes(store, say)
    refused = _tell_refusals(store, say)
    _tell_operations(store, say)
    for problem in _problems(connection, pause, dead, stuck, refused, graphql):
        say(problem)
    if store.migrations.is_due():
        say("There are rows of an earlier release. They work; `b2b migrate-data` brings them to this one's form.")
    return not (pause or dead or graphql)


def _pause(connection: Connection) -> str | None:
    """Why nothing reaches Thinkific, or will not when there is something to do."""
    missing = None
    if connection.stack_name is not None:
        # Who may look at a stack need not be allowed to read its secret.
        with suppress(ThinkificDown):
            missing = connection.services.upstream.missing_key
    return missing or connection.services.upstream.pause_reason


def _tell_graphql(connection: Connection, say: Callable[[str], None]) -> str | None:
    """Why the courses that REST hides could not be read the last time."""
    trouble = connection.services.store.graphql.trouble()
    is_set_up = trouble is not None
    with suppress(ThinkificError):
        is_set_up = connection.services.upstream.graphql.is_set_up
    if not is_set_up:
        return None
    say(_line("GraphQL", f"FAILED. {trouble}" if trouble else "ok"))
    return trouble


def _tell_queues(connection: Connection, say: Callable[[str], None]) -> int:
    """How many messages lie in the dead-letter queues."""
    dead = 0
    for name, url in sorted(connection.queues.items()):
        answer = connection.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[key for key, _ in _DEPTHS])
        numbers = [(int(answer["Attributes"].get(key, 0)), word) for key, word in _DEPTHS]
        if name.endswith("DeadLetterQueue"):
            dead += sum(number for number, _ in numbers)
            continue
        say(_line(name, ", ".join(f"{number} {word}" for number, word in numbers)))
    say(_line("Dead letters", str(dead)))
    return dead


def _tell_wishes(store: Store, say: Callable[[str], None]) -> int:
    """How many of the students that wait are in trouble, as far as was looked."""
    waiting = store.wishes.count()
    say(_line("Students", f"{waiting} not yet in Thinkific as wanted"))
    troubled = [wish for wish in store.wishes.longest_due(100) if wish.trouble is not None]
    for wish in troubled[:_MOST_SHOWN]:
        say(_line("", f"student {wish.student_id}, {wish.attempts} failed attempts: {wish.trouble}"))
    if len(troubled) > _MOST_SHOWN:
        say(_line("", f"... and {len(troubled) - _MOST_SHOWN} more"))
    return len(troubled)


def _tell_refusals(store: Store, say: Callable[[str], None]) -> int:
    """Of how many students Thinkific refuses name, e-mail or group."""
    refused = store.refusals.count()
    who = "1 student" if refused == 1 else f"{refused or 'no'} students"
    say(_line("Refusals", f"{who} of whom Thinkific refuses name, e-mail or group"))
    for record in store.students.get_each_record(store.refusals.ids()[:_MOST_SHOWN] if refused else []):
        for sentence in record.refusals:
            say(_line("", f"student {record.student.id}: {without_names(sentence, record.student)}"))
    if refused > _MOST_SHOWN:
        say(_line("", f"... and {refused - _MOST_SHOWN} more"))
    return refused


def _tell_operations(store: Store, say: Callable[[str], None]) -> None:
    operations = store.operations.open(_MOST_SHOWN)
    more = " or more" if len(operations) == _MOST_SHOWN else ""
    say(_line("Operations", f"{len(operations) or 'none'} under way{more}"))
    for operation in operations:
        minutes = (utc_now() - operation.created_at).total_seconds() / 60
        trouble = f": {operation.error}" if operation.error else ""
        settled = operation.done + operation.failed
        about = f"{operation.id} {operation.type} {operation.status}, {settled} of {operation.total}"
        say(_line("", f"{about}, started {minutes:.0f} min ago{trouble}"))


def _problems(
    connection: Connection, pause: str | None, dead: int, stuck: int, refused: int, graphql: str | None
) -> Iterator[str]:
    stack = f" --stack-name {connection.stack_name}" if connection.stack_name else ""
    if pause:
        how = f": `b2b key set{stack}`" if stack else ""
        yield f"Give Thinkific a key that it takes{how}; everything goes on by itself within a minute."
    if graphql:
        how = f"`b2b key set --graphql{stack}` puts another token in" if stack else "THINKIFIC_GRAPHQL_TOKEN is it here"
        yield (
            "Until GraphQL answers, new courses of Thinkific's newer course builder do not appear, and no product is "
            f"marked as deleted. If its token has ended, {how}."
        )
    if dead:
        yield "`b2b redrive` shows the dead letters and sends them back."
    if stuck and not pause:
        yield "Students in trouble are tried again by themselves, up to 15 minutes apart."
    if refused:
        yield (
            "What Thinkific refuses is for a person to change; it is tried again then, and once a day. "
            "`GET /api/students/{id}` has its own words."
        )


def _line(label: str, text: str) -> str:
    return f"{label:<17}{text}"
