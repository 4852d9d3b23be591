"""SQS in this process: what was sent, for tests that look at it or receive it. Time is the test's own."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sent:
    """A message: to ``queue``, about what, after how many seconds."""

    queue: str
    body: dict[str, Any]
    delay: int


class Sqs:
    """A client with boto3's methods. ``broken``: it cannot be reached."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.broken = False

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto's
        if self.broken:
            raise ConnectionError("no queue")
        self.sent.append(Sent(QueueUrl, json.loads(MessageBody), DelaySeconds))

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803 - boto's
        """Nobody has received what is in a test's event, so SQS knows none of the handles."""
        if self.broken:
            raise ConnectionError("no queue")
        failed = [{"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True} for entry in Entries]
        return {"Successful": [], "Failed": failed}
