"""Answers of the emulator, recorded once and given again without a network: what is left is our own work.

The longer an emulator takes, the colder are the processor's caches when its answer comes; measured with it, our own CPU
time would grow with the emulator's.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeVar

from botocore.awsrequest import AWSResponse
from tests.emulated import Emulated

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Exchange:
    operation: str
    asked: bytes
    status: int
    headers: Any
    body: bytes


class Tape:
    """The exchanges of one call."""

    def __init__(self) -> None:
        self._exchanges: list[_Exchange] = []
        self._asked: Counter[str] = Counter()

    def rewind(self) -> None:
        self._asked.clear()

    def add(self, exchange: _Exchange) -> None:
        self._exchanges.append(exchange)

    def answer(self, operation: str, asked: bytes) -> _Exchange:
        """That to the very question; else, as many have the time in them, to the one that had its place."""
        alike = [found for found in self._exchanges if found.operation == operation]
        place = self._asked[operation]
        self._asked[operation] += 1
        return next((found for found in alike if found.asked == asked), alike[min(place, len(alike) - 1)])


class Recorder:
    """On the clients of a school, which send as ever as long as nothing is replayed."""

    def __init__(self, school: Emulated) -> None:
        self._recorded: Tape | None = None
        self._replayed: Tape | None = None
        self._asked = threading.local()
        for client in (school.dynamodb, school.sqs):
            service = client.meta.service_model.service_id.hyphenize()
            client.meta.events.register_last(f"before-send.{service}", self._send)
            client.meta.events.register(f"response-received.{service}", self._receive)

    def record(self, work: Callable[[], object]) -> Tape:
        self._recorded = tape = Tape()
        try:
            work()
        finally:
            self._recorded = None
        return tape

    def replay(self, tape: Tape, work: Callable[[], Result]) -> Result:
        """``work`` is the call once more."""
        tape.rewind()
        self._replayed = tape
        try:
            return work()
        finally:
            self._replayed = None

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation, body = event_name.rpartition(".")[2], bytes(request.body or b"")
        if self._replayed is None:
            self._asked.last = (operation, body)
            return None
        found = self._replayed.answer(operation, body)
        return AWSResponse(request.url, found.status, found.headers, _Raw(found.body))

    def _receive(self, response_dict: Any, **_: Any) -> None:
        if self._recorded is not None and response_dict is not None:
            operation, asked = self._asked.last
            headers, status, body = (response_dict[name] for name in ("headers", "status_code", "body"))
            self._recorded.add(_Exchange(operation, asked, status, headers, body))


class _Raw(BytesIO):
    """As urllib3's answer, as far as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        while chunk := self.read(65_536):
            yield chunk
