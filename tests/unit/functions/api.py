"""The API in this process: each group's own application over one table, chosen by the path as the gateway does."""

from typing import Any

import httpx
from tests.unit.functions.calls import EMAIL, OTHER, Call
from tests.unit.in_process import Open

from b2b.domain.catalogue.products import Product, ProductableType
from b2b.domain.identity.tokens import SCOPES
from b2b.domain.identity.users import Role
from b2b.domain.kinds import Kind
from b2b.domain.timestamps import utc_now
from b2b.http.api.app import create_app, with_entry
from b2b.services.identity.users import UserFields
from b2b.wiring.api import ApiServices
from b2b_cli.groups import GROUPS, group_of


class Api:
    """With a user, a student, a course and a token for each set of scopes that a test needs."""

    def __init__(self, services: ApiServices, open_app: Open) -> None:
        self.services = services
        self._clients = {
            name: open_app(with_entry(create_app(router, services), name), base_url="http://school.example")
            for name, router in GROUPS.items()
        }
        self.admin = services.users.create("admin@example.com", UserFields(name="Admin"), role=Role.ADMIN).user
        self._tokens: dict[frozenset[str], str] = {}
        self.token = self.token_with(SCOPES)
        self.add_course(7)
        self.user_id = services.users.create(OTHER, UserFields(name="Boss")).user.id
        made = self.call("POST", "/api/students", json={"first_name": "A", "last_name": "L", "email": EMAIL})
        self.student_id = made.json()["data"]["id"]

    def token_with(self, scopes: Any) -> str:
        chosen = frozenset(scopes)
        if chosen not in self._tokens:
            _, self._tokens[chosen] = self.services.tokens.create("test", user_id=self.admin.id, scopes=chosen)
        return self._tokens[chosen]

    def call(
        self, method: str, path: str, *, token: str | None = "", headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """``token`` "": one that may do everything; None: none."""
        bearer = self.token if token == "" else token
        sent = ({"Authorization": f"Bearer {bearer}"} if bearer is not None else {}) | (headers or {})
        group = group_of(path.partition("?")[0])
        return self._clients[group].request(method, path, headers=sent, **options)

    def id_for(self, call: Call) -> int:
        return self.student_id if call.path.startswith("/api/students") else self.user_id

    def add_course(self, number: int) -> None:
        now = utc_now()
        course = Product(
            id=1000 + number,
            productable_id=number,
            productable_type=ProductableType.COURSE,
            name="Fire Safety",
            status="published",
            slug=None,
            created_at=now,
            updated_at=now,
        )
        store = self.services.records.store
        counted = store.counters.count(Kind.PRODUCTS, course.id, +1)
        store.transact([*store.products.save(course, None), counted])
