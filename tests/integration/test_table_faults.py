"""What DynamoDB does and the emulator does not: transactions that meet are refused, and answers get lost after the
write was done. Both are put between botocore and the emulator, by a fixed draw.
"""

import json
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from tests.emulated import Emulated
from tests.integration.crowd import crowd, granted, refused
from tests.integration.desk import NAMES, Desk, enrolling
from tests.integration.recount import recount

from b2b.domain.errors import SeatsExhausted

_TRANSACTIONS = "before-send.dynamodb.TransactWriteItems"
_CONFLICT = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
    "CancellationReasons": [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}],
}


class Answered:
    """The raw side of an AWSResponse."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content


class Faults:
    """Deals them to a third of the transactions; ``dealt`` counts them."""

    def __init__(self) -> None:
        self._draw = random.Random(11)
        self._lock = threading.Lock()
        self._http = URLLib3Session(max_pool_connections=64)
        self._tokens: set[str] = set()
        self.dealt = 0

    def conflict(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """Refused because another transaction is at the same items."""
        if not self._deals():
            return None
        return _answer(request, 400, json.dumps(_CONFLICT).encode())

    def lose_answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """Carried out; the client is told of a fault, and its repeat is let through."""
        assert isinstance(request.body, bytes)
        token = json.loads(request.body)["ClientRequestToken"]
        with self._lock:
            is_repeat = token in self._tokens
            self._tokens.add(token)
        if is_repeat or not self._deals():
            return None
        self._http.send(request)
        return _answer(request, 500, b"{}")

    def _deals(self) -> bool:
        with self._lock:
            dealt = self._draw.random() < 1 / 3
            self.dealt += dealt
            return dealt


def _answer(request: AWSPreparedRequest, status: int, content: bytes) -> AWSResponse:
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/x-amz-json-1.0"
    return AWSResponse(request.url, status, headers, Answered(content))


@pytest.fixture(params=[Faults.conflict, Faults.lose_answer], ids=["conflicts", "lost answers"])
def faults(request: pytest.FixtureRequest, school: Emulated) -> Faults:
    faults = Faults()
    school.dynamodb.meta.events.register(_TRANSACTIONS, request.param.__get__(faults))
    return faults


@pytest.fixture
def desk(school: Emulated, faults: Faults) -> Iterator[Desk]:
    yield Desk(school)
    assert faults.dealt >= 5
    assert recount(school) == []


def test_seats_still_add_up(desk: Desk) -> None:
    user, (course,) = desk.add_user("client@example.com"), desk.add_courses(1)
    answers = crowd(lambda seats: desk.add_seats(user, course, seats), range(1, 65))
    assert refused(answers) == []
    ((grant, _),) = desk.users.get(user.id).grants
    assert grant.max_seats == sum(range(1, 65))


def test_seats_are_still_never_oversold(desk: Desk) -> None:
    user, (course,) = desk.add_user("client@example.com"), desk.add_courses(1)
    desk.grant(user, course, 10)
    wanted = enrolling(user, [course], enforce_seats=True)
    emails = [f"s{number}@example.com" for number in range(40)]
    answers = crowd(lambda email: desk.students.upsert(email, NAMES, wanted), emails)
    assert len(granted(answers)) == 10
    assert all(isinstance(refusal, SeatsExhausted) for refusal in refused(answers))
    assert desk.seats_used(user, course) == desk.users.get(user.id).user.seats_used == 10
