"""Calls that reach Thinkific, counted in the simulator's log behind a whole local stack."""

from pathlib import Path

import httpx
from tests.bench.report import Figure, Goal, Section
from tests.contract.operations import finished
from tests.contract.people import (
    Json,
    await_settled,
    create_student,
    create_user,
    enroll,
    rows_of,
    statuses,
    unique,
)
from tests.contract.school import School
from tests.integration.stacks import sync_catalogue
from tests.local_stack import LocalStack

ONE_GOAL = Goal(2, stretch=1, digits=0)
NEW_GOAL = Goal(6, stretch=6, digits=0)


def measure(folder: Path) -> Section:
    stack = LocalStack(folder / "upstream")
    try:
        with stack.api() as api, stack.simulator() as client:
            school = School(client)
            school.switch(rate_limit="off")
            sync_catalogue(stack)
            products = rows_of(api.get("/products", params={"per_page": 100}))
            one, new = _one_more(api, school, products), _new_in_three(api, school, products)
    finally:
        stack.stop()
    figures = [
        Figure("Thinkific calls: one enrollment of a known student", len(one), ONE_GOAL),
        Figure("Thinkific calls: a new student, 3 products, a group", len(new), NEW_GOAL),
    ]
    lines = [f"a known student: {', '.join(one)}", f"a new student:   {', '.join(new)}"]
    return Section("Calls to Thinkific", figures, lines)


def _one_more(api: httpx.Client, school: School, products: list[Json]) -> list[str]:
    user = create_user(api)
    known = _active(api, create_student(api, user_email=user["email"], enrollments=_numbers(_courses(products)[:1])))
    mark = school.mark()
    _active(api, enroll(api, known, user, _courses(products)[1]))
    return _calls_since(school, mark)


def _new_in_three(api: httpx.Client, school: School, products: list[Json]) -> list[str]:
    """Two courses and a bundle, by a user whose students get a group."""
    user = create_user(api)
    named = api.post(f"/users/group/{user['id']}", json={"name": unique("Group")})
    finished(api, named.json()["operation"])
    bundles = [product for product in products if product["productable_type"] == "Bundle"]
    small = min(bundles, key=lambda bundle: len(bundle["course_ids"]))
    mark = school.mark()
    wanted = [*_courses(products)[:2], small]
    _active(api, create_student(api, user_email=user["email"], enrollments=_numbers(wanted)))
    return _calls_since(school, mark)


def _courses(products: list[Json]) -> list[Json]:
    return [product for product in products if product["productable_type"] == "Course"]


def _numbers(products: list[Json]) -> list[int]:
    return [product["productable_id"] for product in products]


def _active(api: httpx.Client, student: Json) -> Json:
    settled = await_settled(api, student)
    assert statuses(settled) == {"active"}, settled["enrollments"]
    return settled


def _calls_since(school: School, mark: int) -> list[str]:
    """Without a catalogue refresh by schedule."""
    calls = [f"{call['method']} {call['path']}" for call in school.calls_since(mark)]
    return [call for call in calls if not call.startswith("GET /products")]
