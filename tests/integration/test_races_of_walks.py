"""Lists read page by page, by ``links.next``, while rows come and go: what is there throughout is seen exactly once."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue

import httpx
from tests.emulated import new_school
from tests.integration.crowd import crowd, granted, refused
from tests.integration.desk import Desk
from tests.integration.recount import recount
from tests.integration.stacks import answered

from b2b.http.api.app import create_app, with_entry
from b2b_cli.groups import GROUPS
from b2b_cli.local.emulator import Emulator

STAYING, LEAVING = 30, 30
PASSING, AT_A_TIME = 200, 60
PER_PAGE = 4


class List:
    """The users or the students of a school of their own, whose first rows came at the same time."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.desk = desk
        self.name = name
        self._admin = desk.add_user("admin@example.com")
        _, self._secret = desk.tokens.create("Walk", user_id=self._admin.id)
        ids = granted(crowd(self.add, [f"first-{number}@example.com" for number in range(STAYING + LEAVING)]))
        random.Random(len(name)).shuffle(ids)
        self.staying, self.leaving = ids[:STAYING], ids[STAYING:]

    def add(self, email: str) -> int:
        if self.name == "users":
            return self.desk.add_user(email).id
        return self.desk.add_student(email, self._admin)

    def remove(self, identifier: int) -> None:
        if self.name == "users":
            self.desk.user_removal.delete(identifier, acting_user_id=self._admin.id)
        else:
            self.desk.students.delete(identifier)

    def walk(self, between: Callable[[], object]) -> list[int]:
        """The ids on all pages, in the order seen; ``between`` is called before each page but the first."""
        return asyncio.run(self._walk(between))

    async def _walk(self, between: Callable[[], object]) -> list[int]:
        app = with_entry(create_app(GROUPS[self.name], self.desk.api), self.name)
        headers = {"Authorization": f"Bearer {self._secret}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://school", headers=headers) as client:
            body = answered(await client.get(f"/api/{self.name}?per_page={PER_PAGE}"))
            seen = [row["id"] for row in body["data"]]
            while body["links"]["next"] is not None:
                between()
                body = answered(await client.get(body["links"]["next"]))
                seen += [row["id"] for row in body["data"]]
        return seen


@contextmanager
def restless(rows: List) -> Iterator[Callable[[], object]]:
    """Meanwhile 200 rows are inserted and deleted, sixty of them there at most times, and half of the first rows are
    deleted. Yields what waits for a few of these writes, so that they spread over the walk.
    """
    written = threading.Semaphore(0)
    passing: Queue[int] = Queue()

    def write(step: tuple[str, int]) -> None:
        what, number = step
        if what == "insert":
            passing.put(rows.add(f"passing-{number}@example.com"))
            if number % 3 == 0 and number // 3 < LEAVING:
                rows.remove(rows.leaving[number // 3])
        else:
            rows.remove(passing.get(timeout=30))
        written.release()

    def write_all() -> None:
        inserts = [("insert", number) for number in range(PASSING)]
        deletes = [("delete", number) for number in range(PASSING)]
        turns = [step for pair in zip(inserts[AT_A_TIME:], deletes, strict=False) for step in pair]
        try:
            assert refused(crowd(write, [*inserts[:AT_A_TIME], *turns, *deletes[PASSING - AT_A_TIME :]])) == []
        finally:
            written.release(10_000)  # the rest of the walk need not wait

    # Half of the writes until the walk has seen the first rows.
    each = PASSING * PER_PAGE // (STAYING + LEAVING)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_all)
        yield lambda: [written.acquire() for _ in range(each)]
        writing.result()


def test_a_walk_sees_each_row_that_stays_once_while_others_come_and_go(emulator: Emulator, rounds: range) -> None:
    for turn in rounds:
        name = ("users", "students")[turn % 2]
        rows = List(Desk(new_school(emulator)), name)
        with restless(rows) as wait_for_some:
            seen = rows.walk(wait_for_some)
        assert seen == sorted(set(seen))
        assert set(rows.staying) <= set(seen)
        # The walk was amid both.
        assert set(rows.leaving) - set(seen)
        assert max(seen) > max(rows.staying + rows.leaving)
        assert rows.walk(lambda: None) == sorted(({1} if name == "users" else set()) | set(rows.staying))
        assert recount(rows.desk.school) == []
