"""The simulated Thinkific from behind: what it sells, what goes wrong with it, and what it was asked."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tests.contract.people import Json, unique

from b2b_cli.simulator.authentication import DEFAULT_API_KEY, DEFAULT_SUBDOMAIN

_CREDENTIALS = {"X-Auth-API-Key": DEFAULT_API_KEY, "X-Auth-Subdomain": DEFAULT_SUBDOMAIN}


class School:
    """Drives ``/_simulator/...``. A product is Thinkific's own: ``id``, ``productable_id``, ``name``, ..."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def add_course(self, **fields: Any) -> Json:
        return self._add("courses", fields)

    def add_bundle(self, *courses: Json, **fields: Any) -> Json:
        return self._add("bundles", {"course_ids": [course["productable_id"] for course in courses]} | fields)

    def change(self, product: Json, **fields: Any) -> None:
        self._client.put(f"/_simulator/products/{product['id']}", json=fields).raise_for_status()

    def remove(self, product: Json) -> None:
        self._client.delete(f"/_simulator/products/{product['id']}").raise_for_status()

    def restore(self, product: Json) -> None:
        """What was removed is sold again, under the same ids."""
        ids = {"id": product["productable_id"], "product_id": product["id"]}
        self._add("courses", ids | {"name": product["name"]})

    def switch(self, **switches: Any) -> None:
        self._client.put("/_simulator/switches", json=switches).raise_for_status()

    @contextmanager
    def switched(self, **switches: Any) -> Iterator[None]:
        before = self._client.get("/_simulator/switches").raise_for_status().json()
        self.switch(**switches)
        try:
            yield
        finally:
            self.switch(**{name: before[name] for name in switches})

    @contextmanager
    def troubled(self, *planned: Json) -> Iterator[None]:
        """Within, these faults happen, each to the next call that it meets."""
        self._client.put("/_simulator/faults", json={"next": planned}).raise_for_status()
        try:
            yield
            left = self._client.get("/_simulator/faults").raise_for_status().json()["next"]
            assert not left, f"These faults met no call: {left}"
        finally:
            self._client.delete("/_simulator/faults").raise_for_status()

    @contextmanager
    def graphql_troubled(self, kind: str, times: int = 1) -> Iterator[None]:
        """Within, the next GraphQL calls go wrong."""
        self._client.put("/_simulator/faults", json={"graphql": [{"kind": kind, "times": times}]}).raise_for_status()
        try:
            yield
        finally:
            self._client.delete("/_simulator/faults").raise_for_status()

    def add_user(self, **fields: Any) -> Json:
        """Someone whom Thinkific knows already, made with the Admin API."""
        return self._admin("POST", "/users", fields)

    def change_user(self, user_id: int, **fields: Any) -> None:
        self._admin("PUT", f"/users/{user_id}", fields)

    def remove_user(self, user_id: int) -> None:
        """As the school does it in Thinkific: the account is gone, with its enrollments."""
        self._admin("DELETE", f"/users/{user_id}", {})

    def enroll(self, user: Json, product: Json, **fields: Any) -> Json:
        """An enrollment that Thinkific has already, made with the Admin API."""
        ids = {"user_id": user["id"], "course_id": product["productable_id"]}
        return self._admin("POST", "/enrollments", ids | fields)

    def progress(self, enrollment: Json, share: float) -> None:
        """How far the student is in the course: 1.0 = it is done."""
        path = f"/_simulator/enrollments/{enrollment['id']}"
        self._client.put(path, json={"percentage_completed": share}).raise_for_status()

    def add_group(self, name: str) -> Json:
        answer = self._admin("POST", "/groups", {"name": name})
        group: Json = answer.get("group", answer)
        return group

    def add_to_group(self, user: Json, name: str) -> None:
        self._admin("POST", "/group_users", {"user_id": user["id"], "group_names": [name]})

    def group_members(self, group_id: int) -> set[int]:
        (group,) = [group for group in self._state()["groups"] if group["id"] == group_id]
        return set(group["member_ids"])

    def users(self, email: str) -> list[Json]:
        return [user for user in self._state()["users"] if user["email"].lower() == email.lower()]

    def enrollments(self, email: str) -> list[Json]:
        return [row for row in self._state()["enrollments"] if row["user_email"].lower() == email.lower()]

    def mark(self) -> int:
        """The last call so far."""
        calls = self._calls(limit=1)
        return int(calls[-1]["id"]) if calls else 0

    def calls_since(self, mark: int, path: str = "") -> list[Json]:
        """The calls after the mark whose path matches the regular expression."""
        return self._calls(after=mark, path=path)

    def calls_about(self, email: str) -> list[Json]:
        """The calls that name the person by e-mail or Thinkific id."""
        names = [email.lower(), *(str(user["id"]) for user in self.users(email))]
        about = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in names))
        return [
            call
            for call in self._calls(limit=100_000)
            if about.search(json.dumps([call["path"], call["query"], call["body"]]).lower())
        ]

    def _add(self, kind: str, fields: Json) -> Json:
        answer = self._client.post(f"/_simulator/{kind}", json={"name": unique("Product")} | fields)
        product: Json = answer.raise_for_status().json()["product"]
        return product

    def _state(self) -> Json:
        state: Json = self._client.get("/_simulator/state").raise_for_status().json()
        return state

    def _calls(self, **query: Any) -> list[Json]:
        answer = self._client.get("/_simulator/calls", params={name: value for name, value in query.items() if value})
        calls: list[Json] = answer.raise_for_status().json()["calls"]
        return calls

    def _admin(self, method: str, path: str, body: Json) -> Json:
        answer = self._client.request(method, f"/api/public/v1{path}", json=body, headers=_CREDENTIALS)
        answer.raise_for_status()
        content: Json = answer.json() if answer.content else {}
        return content
