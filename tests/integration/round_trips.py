"""Round trips to the table and the queues, counted where botocore sends, of each call of the API."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.emulated import Emulated
from tests.integration.crowd import crowd, refused
from tests.integration.desk import Desk

from b2b.http.api.app import create_app, with_entry
from b2b.services.identity.tokens import TokenService
from b2b.services.identity.users import UserFields
from b2b_cli.groups import GROUPS
from b2b_cli.local.api import LocalApi


@dataclass(frozen=True, slots=True)
class Trips:
    """Requests sent to DynamoDB and to SQS."""

    table: int
    queues: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call and its price. ``what`` tells apart calls of one route."""

    method: str
    route: str
    trips: Trips
    body: dict[str, Any] | None = None
    what: str = ""
    path: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method} {self.route} {self.what}".rstrip()


class Office(Desk):
    """A desk that remembers tokens for as long as it is there."""

    def __init__(self, school: Emulated) -> None:
        super().__init__(school)
        self.tokens = self.api.tokens = TokenService(self.store, monotonic=lambda: 0.0)


class Api:
    """The applications over a school with a client, a course and ``students`` other students; counts round trips."""

    def __init__(self, school: Emulated, students: int) -> None:
        self.school = school
        self.desk = self.new_desk()
        admin, owner = self.desk.add_user("admin@example.com"), self.desk.add_user("owner@example.com")
        for number in range(8):
            self.desk.add_user(f"other-{number}@example.com")
        courses = self.desk.add_courses(40)
        emails = [f"s{number}@example.com" for number in range(students)]
        assert refused(crowd(lambda email: self.desk.add_student(email, owner, courses[:1]), emails)) == []
        client, _ = self.desk.users.upsert("client@example.com", UserFields())
        self.desk.grant(client.user, courses[0], 10)
        _, self.secret = self.desk.tokens.create("API", user_id=admin.id)
        token, _ = self.desk.tokens.create("Doomed", user_id=admin.id)
        leaving = self.desk.add_user("leaving@example.com")
        self.desk.add_student("left@example.com", leaving, courses[:1])
        self.ids = {
            "user": client.user.id,
            "student": self.desk.add_student("eve@example.com", client.user, courses[:1]),
            "leaving": leaving.id,
            "token": token.id,
            "operation": "",
        }
        self.sent: Counter[str] = Counter()
        for service, client_ in (("dynamodb", school.dynamodb), ("sqs", school.sqs)):
            client_.meta.events.register(f"before-send.{service}", self._count)

    def new_desk(self) -> Office:
        """As a process that has just started: it remembers nothing."""
        self.desk = Office(self.school)
        self._app = LocalApi(
            {group: with_entry(create_app(router, self.desk.api), group) for group, router in GROUPS.items()}
        )
        return self.desk

    def trips(self, call: Call) -> Trips:
        self.sent.clear()
        response = asyncio.run(self._send(call))
        assert response.status_code == call.status, f"{call.name}: {response.text}"
        if "operation" in (body := response.json() if response.content else {}):
            self.ids["operation"] = body["operation"]["id"]
        return Trips(self.sent["dynamodb"], self.sent["sqs"])

    async def _send(self, call: Call) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        headers = {"Authorization": f"Bearer {self.secret}", **call.headers}
        async with httpx.AsyncClient(transport=transport, base_url="http://school", headers=headers) as client:
            path = (call.path or call.route).format(**self.ids)
            return await client.request(call.method, path, json=call.body)

    def _count(self, event_name: str, **_: Any) -> None:
        self.sent[event_name.split(".")[1]] += 1
