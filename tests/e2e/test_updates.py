"""An update while the school is at work: no call fails, and nothing that was asked for is forgotten."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from tests.contract.operations import sync_catalogue
from tests.contract.people import Json, add_seats, await_settled, create_user, unique
from tests.contract.school import School
from tests.e2e.deployment import Deployment
from tests.e2e.project import load_script
from tests.local_stack import await_that
from tests.rights import FUNCTIONS

# Of each kind before the update begins and after it has ended.
_CALLS_AROUND = 5
# Between two of the same kind: the emulator, which is one process, has an update to do beside them.
_PAUSE_SECONDS = 0.1
# The callers make more students than the emulator's one queue worker keeps up with.
_PATIENCE_SECONDS = 180


class Load:
    """A caller for each call, who goes on until ``stop``.

    ``students``: those that they made; ``failures``: what they were told instead of an answer.
    """

    def __init__(self, api: httpx.Client, calls: list[Callable[[httpx.Client], httpx.Response]]) -> None:
        self._api = api
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(len(calls))
        self.done = [0] * len(calls)
        self.failures: list[str] = []
        self.students: list[Json] = []
        for number, call in enumerate(calls):
            self._pool.submit(self._go_on, number, call)

    def await_more(self) -> None:
        until = [count + _CALLS_AROUND for count in self.done]
        await_that(
            lambda: all(count >= wanted for count, wanted in zip(self.done, until, strict=True)), what="The calls"
        )

    def stop(self) -> None:
        self._stopped.set()
        self._pool.shutdown()

    def _go_on(self, number: int, call: Callable[[httpx.Client], httpx.Response]) -> None:
        while not self._stopped.wait(_PAUSE_SECONDS):
            try:
                answer = call(self._api)
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
                continue
            if not answer.is_success:
                self.failures.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")
            elif answer.status_code == 201:
                self.students.append(answer.json()["data"])
            self.done[number] += 1


@contextmanager
def load(api: httpx.Client, user: Json, course: Json) -> Iterator[Load]:
    body: dict[str, Any] = {"first_name": "Ada", "last_name": "Lovelace", "user_email": user["email"]}
    body["enrollments"] = [course["productable_id"]]
    running = Load(
        api,
        [
            lambda api: api.get(f"/users/{user['id']}"),
            lambda api: api.post("/students", json=body | {"email": f"{unique('student')}@example.com"}),
            lambda api: api.get("/products"),
            lambda api: api.get("/settings"),
        ],
    )
    try:
        yield running
    finally:
        running.stop()


def test_calls_go_on_during_an_update(deployment: Deployment, api: httpx.Client, school: School) -> None:
    course = school.add_course(name=unique("Course"))
    sync_catalogue(api)
    user = create_user(api)
    add_seats(api, user, course, 1)
    before = deployment.live_versions()
    with load(api, user, course) as callers:
        callers.await_more()
        deployment.change_code()
        deployment.deploy()
        callers.await_more()
    assert callers.failures == []
    after = deployment.live_versions()
    assert [name for name in FUNCTIONS if after[name] == before[name]] == []
    for student in callers.students:
        settled = await_settled(api, student, seconds=_PATIENCE_SECONDS)
        assert [row["status"] for row in settled["enrollments"]] == ["active"]


def test_a_deployment_of_what_is_deployed_changes_no_function(deployment: Deployment) -> None:
    before = deployment.live_versions()
    deployment.deploy()
    assert deployment.live_versions() == before


@pytest.mark.parametrize("parameter", ["ApiRatePerMinute", "LogRetentionDays"])
def test_another_parameter_is_another_version(deployment: Deployment, parameter: str) -> None:
    """Also one that no function has: which those are is not for the deployment to know."""
    before = deployment.live_versions()
    value = "30" if parameter == "LogRetentionDays" else "60000"
    deployment.deploy(**{parameter: value})
    after = deployment.live_versions()
    assert [name for name in FUNCTIONS if after[name] == before[name]] == []


def test_old_versions_do_not_pile_up(deployment: Deployment) -> None:
    kept = load_script("releases").KEPT_VERSIONS
    rates = itertools.count(70_000)
    while any(int(version) <= kept for version in deployment.live_versions().values()):
        deployment.deploy(ApiRatePerMinute=str(next(rates)))
    assert {name: len(found) for name, found in deployment.versions().items()} == dict.fromkeys(FUNCTIONS, kept)
    live = deployment.live_versions()
    for name, found in deployment.versions().items():
        assert live[name] == found[-1]
