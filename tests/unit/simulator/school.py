"""A simulated school inside the test: its clock stands still unless moved, and it never sleeps."""

import asyncio
from typing import Any

import httpx

from b2b_cli.simulator import BASE_PATH, Clock, Credentials, Store, Switches, create_app

CREDENTIALS = Credentials(api_key="k" * 32, subdomain="acme")
HEADERS = {"X-Auth-API-Key": CREDENTIALS.api_key, "X-Auth-Subdomain": CREDENTIALS.subdomain}

# 2026-03-10T12:00:00Z
START = 1_773_144_000.0


class School:
    """Drives the application over httpx.ASGITransport."""

    def __init__(self, runner: asyncio.Runner, store: Store, **switches: Any) -> None:
        self.time = START
        self.slept: list[float] = []
        self.woken: asyncio.Event | None = None
        """What slow answers wait for; None: nothing."""
        self._runner = runner
        switches = {"rate_limit": "off"} | switches
        self.app = create_app(
            store,
            Switches().changed(switches),
            CREDENTIALS,
            clock=Clock(lambda: self.time),
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.woken is not None:
            await self.woken.wait()

    def client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(
            transport=transport, base_url="http://school", headers=HEADERS if headers is None else headers
        )

    def run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with self.client(headers) as client:
                return await client.request(method, path, **options)

        response: httpx.Response = self.run(send())
        return response

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.request(method, BASE_PATH + path, **options)

    def control(self, method: str, path: str, **options: Any) -> Any:
        response = self.request(method, f"/_simulator{path}", **options)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        response = self.api("GET", path, params=params)
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    def user(self, email: str = "ada@example.com", **fields: Any) -> dict[str, Any]:
        body = {"first_name": "Ada", "last_name": "Lovelace", "email": email} | fields
        return self._made(self.api("POST", "/users", json=body), 201)

    def enrolled(self, user_id: int, course_id: int, **fields: Any) -> dict[str, Any]:
        body = {"user_id": user_id, "course_id": course_id, "activated_at": "2026-03-10T00:00:00Z"} | fields
        return self._made(self.api("POST", "/enrollments", json=body), 201)

    def group(self, name: str = "Acme") -> dict[str, Any]:
        made = self._made(self.api("POST", "/groups", json={"name": name}), 200)
        group: dict[str, Any] = made.get("group", made)
        return group

    def course(self, name: str = "Safety", **fields: Any) -> int:
        product = self.control("POST", "/courses", json={"name": name} | fields)["product"]
        course_id: int = product["productable_id"]
        return course_id

    def bundle(self, courses: int = 2, **fields: Any) -> tuple[int, list[int]]:
        course_ids = [self.course(f"Part {number}") for number in range(courses)]
        made = self.control("POST", "/bundles", json={"name": "Pack", "course_ids": course_ids} | fields)
        return made["product"]["productable_id"], course_ids

    def _made(self, response: httpx.Response, status: int) -> dict[str, Any]:
        assert response.status_code == status, response.text
        body: dict[str, Any] = response.json()
        return body
