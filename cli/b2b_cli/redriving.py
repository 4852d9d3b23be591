"""``b2b redrive``: what lies in the dead-letter queues and why, and back to work with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from b2b.domain.timestamps import to_text
from b2b.domain.work.messages import UnreadableMessage, operation_id_of, student_id_of
from b2b.storage.store import Store
from b2b_cli.connection import Connection

_SUFFIX = "DeadLetterQueue"
# While a message is shown nobody else receives it.
_SHOWN_SECONDS = 60
_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message, and where it came from: the queues by their names in the template."""

    queue: str
    origin: str
    body: str
    receipt: str


class DeadLetters:
    def __init__(self, connection: Connection) -> None:
        self._queues = connection.queues
        self._sqs = connection.sqs

    def receive(self) -> list[DeadLetter]:
        """All there are. They are hidden for a minute; ``release`` shows them again at once."""
        return [letter for name in sorted(self._queues) if name.endswith(_SUFFIX) for letter in self._receive(name)]

    def send_back(self, letter: DeadLetter) -> None:
        """First sent, then deleted: a message twice does no harm, one lost would."""
        self._sqs.send_message(QueueUrl=self._queues[letter.origin], MessageBody=letter.body)
        self.delete(letter)

    def delete(self, letter: DeadLetter) -> None:
        self._sqs.delete_message(QueueUrl=self._queues[letter.queue], ReceiptHandle=letter.receipt)

    def release(self, letter: DeadLetter) -> None:
        self._sqs.change_message_visibility(
            QueueUrl=self._queues[letter.queue], ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )

    def _receive(self, name: str) -> Iterator[DeadLetter]:
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._queues[name], MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=_SHOWN_SECONDS
            )
            messages: list[dict[str, Any]] = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                origin = name.removesuffix(_SUFFIX) + "Queue"
                yield DeadLetter(name, origin, message["Body"], message["ReceiptHandle"])


def redrive(
    letters: DeadLetters, store: Store, say: Callable[[str], None], confirm: Callable[[str], bool], *, discard: bool
) -> None:
    """Shows them all, then sends back those that can be read; with ``discard`` the others are deleted."""
    found = letters.receive()
    if not found:
        say("The dead-letter queues are empty.")
        return
    readable: list[DeadLetter] = []
    unreadable: list[DeadLetter] = []
    for letter in found:
        about = describe(letter, store)
        say(f"{letter.origin}: {about or 'a message that nobody can read; it can only be deleted, with --discard.'}")
        (unreadable if about is None else readable).append(letter)
    if readable and confirm(f"Send {_messages(readable)} back to work?"):
        for letter in readable:
            letters.send_back(letter)
        say(f"Sent {_messages(readable)} back.")
    else:
        for letter in readable:
            letters.release(letter)
    for letter in unreadable:
        (letters.delete if discard else letters.release)(letter)
    if unreadable and discard:
        say(f"Deleted {_messages(unreadable)}.")


def describe(letter: DeadLetter, store: Store) -> str | None:
    """What the message is about and how that stands; None when nobody can say."""
    try:
        if letter.origin == "OperationsQueue":
            return _operation(operation_id_of(letter.body), store)
        return _student(student_id_of(letter.body), store)
    except UnreadableMessage:
        return None


def _student(student_id: int, store: Store) -> str:
    record = store.students.get_record(student_id)
    if record is None:
        return f"student {student_id}, who is deleted: nothing is left to do."
    if record.wish is None:
        return f"student {student_id}: done meanwhile."
    trouble = record.wish.trouble or "no trouble is noted; the worker may have died or run out of time"
    return f"student {student_id}, {record.wish.attempts} failed attempts, the last: {trouble}"


def _operation(operation_id: str, store: Store) -> str:
    operation = store.operations.get(operation_id)
    if operation is None:
        return f"operation {operation_id}, which is over and forgotten."
    if operation.status.is_final:
        return f"operation {operation_id} ({operation.type}): {operation.status} meanwhile."
    since = to_text(operation.updated_at)[:19]
    trouble = f", held up by: {operation.error}" if operation.error else ""
    return f"operation {operation_id} ({operation.type}), {operation.status} since {since}{trouble}"


def _messages(letters: list[DeadLetter]) -> str:
    return "1 message" if len(letters) == 1 else f"{len(letters)} messages"
