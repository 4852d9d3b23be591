"""A Postman collection that openapi-to-postmanv2 makes, with the main job run by newman.

The requests are sent as the collection has them, with all headers and queries that Postman fills in by itself; a step
names what a person would type over the examples, and what must come back.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.conftest import School, assert_done
from tests.clients.tools import HERE, node_modules, run

Json = dict[str, Any]

TOOLS = HERE / "tools"
RUN = "postman"
CLIENT = f"client@{RUN}.example.com"
PEOPLE = (("Ada", "Lovelace"), ("Grace", "Hopper"), ("Alan", "Turing"), ("Mary", "Jackson"), ("Former", "Student"))

_NAMES = [first for first, _ in PEOPLE]
_HELD = "pm.test(pm.info.requestName, () => { %s });"
# The request is sent once more until what it is to show is there.
_WAIT = "if (!(%s)) { pm.execution.setNextRequest(pm.info.requestName); }"


@dataclass(frozen=True, kw_only=True)
class Step:
    """``summary``: of the request in the collection. ``expect``: JavaScript that sees ``body``, and may ``pm.expect``.
    ``until``: the same request is repeated until this holds.
    """

    summary: str
    status: int = 200
    path: Json = field(default_factory=dict)
    query: Json = field(default_factory=dict)
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    until: str | None = None
    expect: str = ""
    token: str | None = None

    def script(self) -> list[str]:
        lines = ["const body = pm.response.code === 204 ? null : pm.response.json();"]
        lines.append(_HELD % f"pm.response.to.have.status({self.status});")
        if self.until:
            lines.append(_WAIT % self.until)
        if self.expect:
            lines.append(f"if ({self.until or 'true'}) {{ {_HELD % self.expect} }}")
        return lines


def main_job() -> Iterator[Step]:
    user, product = {"id": "{{user}}"}, "{{course}}"
    yield Step(
        summary="Find products",
        query={"term": "workplace safety"},
        expect="pm.variables.set('course', body.data.find(one => one.productable_type === 'Course').productable_id);",
    )
    yield Step(
        summary="Create a user",
        status=201,
        body={"name": f"Client of {RUN}", "email": CLIENT, "password": "a secret phrase", "max_seats": 20},
        expect="pm.variables.set('user', body.data.id);",
    )
    access = {"thinkific_id": product, "active": True, "max_seats": 10, "enrollment_days": 30}
    yield Step(summary="Set what a user may use of a product", path=user, body=access)
    more = {"thinkific_id": product, "active": True, "add_seats": 5, "enrollment_days": 90}
    for replayed in ("undefined", "'true'"):
        yield Step(
            summary="Add seats to a user's product",
            path=user,
            body=more,
            headers={"Idempotency-Key": f"seats-{RUN}"},
            expect="pm.expect(body.data.products[0].max_seats).to.equal(15);"
            f"pm.expect(pm.response.headers.get('Idempotency-Replayed')).to.equal({replayed});",
        )
    yield from _enrolling(product)
    yield from _listing()
    yield Step(
        summary="Find a user by e-mail",
        body={"email": CLIENT.upper()},
        expect="pm.expect(body.data.id).to.equal(pm.variables.get('user'));",
    )
    yield from _ending(user, product)
    yield from _refused(user, product)


def _enrolling(product: str) -> Iterator[Step]:
    for first, last in PEOPLE:
        email = f"{first}.{last}@{RUN}.example.com".lower()
        yield Step(
            summary="Create or change a student, assign it to a user, enroll it",
            status=201,
            body={"first_name": first, "last_name": last, "email": email, "user_email": CLIENT},
            expect=f"pm.variables.set('{first}', body.data.id);",
        )
        yield Step(
            summary="Enroll a student",
            body={"email": email, "user_email": CLIENT, "enrollments": [product]},
            expect="pm.expect(body.data.enrollments[0].expiry_date).to.be.a('string');",
        )
    for first, _ in PEOPLE:
        yield Step(
            summary="Read a student",
            path={"id": f"{{{{{first}}}}}"},
            until="body.data.enrollments[0].status === 'active'",
        )


def _listing() -> Iterator[Step]:
    yield Step(
        summary="List students",
        query={"per_page": 2, "sort": "-id", "cursor": "{{cursor}}"},
        until="body.meta.next_cursor === null",
        expect="const ids = pm.variables.get('seen');"
        "pm.expect(ids).to.deep.equal([...new Set(ids)].sort((one, other) => other - one));"
        f"for (const name of {_NAMES}) {{ pm.expect(ids).to.include(pm.variables.get(name)); }}",
    )


def _ending(user: Json, product: str) -> Iterator[Step]:
    former = f"former.student@{RUN}.example.com"
    yield Step(
        summary="Take from a user",
        body={"email": former, "user_email": CLIENT},
        expect="pm.expect(body.data.users).to.deep.equal([]);",
    )
    yield Step(summary="Delete a student", status=204, path={"id": "{{Former}}"})
    yield Step(
        summary="Change when the enrollments of a user's students in a product end",
        path=user,
        body={"product": product, "type": "expire_now"},
        expect="pm.variables.set('operation', body.operation.id);",
    )
    yield Step(
        summary="How far an operation is",
        path={"id": "{{operation}}"},
        until="!['pending', 'running'].includes(body.data.status)",
        expect="pm.expect(body.data).to.include({status: 'succeeded', total: 4, done: 4, failed: 0});",
    )


def _refused(user: Json, product: str) -> Iterator[Step]:
    yield Step(
        summary="Create a user",
        status=422,
        body={"name": "Another", "email": CLIENT, "password": "a secret phrase"},
        expect="pm.expect(Object.keys(body.errors)).to.deep.equal(['email']);",
    )
    yield Step(summary="Read a student", status=404, path={"id": 2**40})
    access = {"thinkific_id": product, "active": True, "max_seats": 0, "enrollment_days": 90}
    yield Step(summary="Set what a user may use of a product", path=user, body=access)
    yield Step(
        summary="Create or change a student, assign it to a user, enroll it",
        status=409,
        body={
            "first_name": "No",
            "last_name": "Seat",
            "email": f"no.seat@{RUN}.example.com",
            "user_email": CLIENT,
            "enrollments": [product],
            "enforce_seats": True,
        },
        expect="pm.expect([body.code, body.seats[0].requested]).to.deep.equal(['seats_exhausted', 1]);",
    )
    yield Step(summary="Set what a user may use of a product", path=user, body={**access, "max_seats": 15})
    yield Step(summary="Read the settings", status=401, token="wrong")


def test_postman(school: School, tmp_path: Path) -> None:
    programs = node_modules(TOOLS)
    run(
        *(programs / "openapi2postmanv2", "--spec", school.document, "--output", "made.json"),
        *("--options", "folderStrategy=Tags"),
        folder=tmp_path,
    )
    made = json.loads((tmp_path / "made.json").read_text(encoding="utf-8"))
    assert {variable["key"]: variable["value"] for variable in made["variable"]} == {"baseUrl": school.origin}
    requests = {item["name"]: item for folder in made["item"] for item in folder["item"]}
    made["item"] = [_item(requests[step.summary], step, number) for number, step in enumerate(main_job())]
    (tmp_path / "main_job.json").write_text(json.dumps(made))
    run(
        *(
            programs / "newman",
            "run",
            "main_job.json",
            "--env-var",
            f"bearerToken={school.token}",
            "--env-var",
            "cursor=",
        ),
        *("--delay-request", "50", "--timeout-request", "30000", "--bail", "--color", "off"),
        folder=tmp_path,
    )
    assert_done(school, RUN)


def _item(made: Json, step: Step, number: int) -> Json:
    """The collection's request, with what the step types over it."""
    item = copy.deepcopy(made)
    item["name"] = f"{number} {step.summary}"
    request = item["request"]
    for variable in request["url"].get("variable", []):
        variable["value"] = str(step.path[variable["key"]])
    for parameter in request["url"].get("query", []):
        parameter["value"] = str(step.query.get(parameter["key"], parameter["value"]))
    for header in request["header"]:
        header["value"] = step.headers.get(header["key"], header["value"])
    if step.body is not None:
        # Whatever is not typed over is deleted: the collection has "<string>" there.
        assert step.body.keys() <= json.loads(request["body"]["raw"]).keys()
        request["body"]["raw"] = _with_numbers(json.dumps(step.body))
    if step.token:
        request["auth"] = {"type": "bearer", "bearer": [{"key": "token", "value": step.token, "type": "string"}]}
    item["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": _seen(step) + step.script()}}]
    return item


def _seen(step: Step) -> list[str]:
    """For the list: each page's ids, and where the next page begins."""
    if step.summary != "List students":
        return []
    return [
        "const page = pm.response.json();",
        "pm.variables.set('seen', [...(pm.variables.get('seen') || []), ...page.data.map(student => student.id)]);",
        "pm.variables.set('cursor', page.meta.next_cursor);",
    ]


def _with_numbers(body: str) -> str:
    """Variables of Postman stand without quotes where a number is meant."""
    return body.replace('"{{', "{{").replace('}}"', "}}")
