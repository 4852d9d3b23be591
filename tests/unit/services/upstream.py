"""The simulated Thinkific, in this process, under the test's clock."""

from typing import Any

from tests.unit.clock import Clock
from tests.unit.in_process import Open

from b2b_cli.simulator import BASE_PATH, Credentials, Store, Switches, create_app
from b2b_cli.simulator import Clock as SimulatorClock

URL = "http://thinkific.example"


class Upstream:
    """``http`` is what the product's client uses; the rest is what the school's own people do and see."""

    def __init__(self, store: Store, clock: Clock, open_app: Open, **switches: Any) -> None:
        credentials = Credentials()
        self._store = store
        chosen = Switches().changed({"rate_limit": "off", "concurrency_limit": "off"} | switches)
        app = create_app(store, chosen, credentials, clock=SimulatorClock(clock.seconds))
        headers = {"X-Auth-API-Key": credentials.api_key, "X-Auth-Subdomain": credentials.subdomain}
        self.http = open_app(app, base_url=URL + BASE_PATH, headers=headers)
        self.graphql_http = open_app(app, base_url=URL)
        self._control = open_app(app, base_url=URL + "/_simulator")

    def control(self, method: str, path: str, **body: Any) -> Any:
        answer = self._control.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def switch(self, **switches: Any) -> None:
        self.control("PUT", "/switches", **switches)

    def fault(self, kind: str, method: str = "*", path: str = "", times: int = 1, **fields: Any) -> None:
        """Lets the next ``times`` such calls go wrong."""
        fault = {"kind": kind, "method": method, "path": path, "times": times} | fields
        planned = self.control("GET", "/faults")["next"]
        self.control("PUT", "/faults", next=[*planned, fault])

    def graphql_fault(self, kind: str, times: int = 1) -> None:
        """Lets the next ``times`` GraphQL calls go wrong, behind those that are planned already."""
        planned = self.control("GET", "/faults")["graphql"]
        self.control("PUT", "/faults", graphql=[*planned, {"kind": kind, "times": times}])

    def graphql_calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self.control("GET", "/graphql_calls")["calls"]
        return calls

    def heal(self) -> None:
        self.control("DELETE", "/faults")

    def calls(self) -> list[str]:
        """``"POST /enrollments"`` and so on, since the last ``forget_calls``."""
        return [f"{call['method']} {call['path']}" for call in self._calls()]

    def bodies(self, method: str, path: str) -> list[dict[str, Any]]:
        """Of the calls to that path."""
        return [call["body"] for call in self._calls() if (call["method"], call["path"]) == (method, path)]

    def forget_calls(self) -> None:
        self.control("DELETE", "/calls")

    def call(self, method: str, path: str, **body: Any) -> Any:
        """What another app of the school does; it is not in ``calls``."""
        before = self._last_call()
        answer = self.http.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        self._store.execute("delete from calls where id > ?", before)
        return answer.json() if answer.content else None

    def users(self) -> list[dict[str, Any]]:
        return self._items("/users")

    def enrollments(self, **filters: Any) -> list[dict[str, Any]]:
        return self._items("/enrollments", **filters)

    def members(self, group: str) -> list[int]:
        (group_id,) = [found["id"] for found in self._items("/groups") if found["name"] == group]
        return [user["id"] for user in self._items("/users", group_id=group_id)]

    def _items(self, path: str, **filters: Any) -> list[dict[str, Any]]:
        before = self._last_call()
        query = {f"query[{name}]": value for name, value in filters.items()}
        answer = self.http.get(path, params={"limit": 250, **query})
        self._store.execute("delete from calls where id > ?", before)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def _calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._control.get("/calls", params={"limit": 10_000}).json()["calls"]
        return calls

    def _last_call(self) -> int:
        return int(self._store.scalar("select coalesce(max(id), 0) from calls"))
