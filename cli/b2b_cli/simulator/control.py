"""The control interface, `/_simulator/`: what a test or a person does to the school that no API call could do."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from b2b_cli.simulator import calls, catalogue_control, graphql
from b2b_cli.simulator.catalogue_control import Changes, Kind, NewBundle, NewCourse, NewProduct
from b2b_cli.simulator.demo import add_demo_catalogue
from b2b_cli.simulator.faults import FaultError, FaultSchedule
from b2b_cli.simulator.lists import Filter
from b2b_cli.simulator.profile_fields import definition_json
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.state import full_state, overview
from b2b_cli.simulator.switches import SwitchError, Switches
from b2b_cli.simulator.wire import path_id, read_span, write_time

CLOCK_SETTING = "clock_offset_ms"

_DEFAULT_CALLS = 100

Model = TypeVar("Model", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]


class Progress(BaseModel):
    """How far a student is in a course: more than nothing starts it, 1.0 completes it."""

    model_config = ConfigDict(extra="forbid")

    percentage_completed: float = Field(ge=0, le=1)


class ClockChange(BaseModel):
    """The school's time: so many seconds off real time, or moved on by so many."""

    model_config = ConfigDict(extra="forbid")

    offset_seconds: float | None = Field(None, allow_inf_nan=False)
    advance_seconds: float = Field(0, allow_inf_nan=False)


class NewDefinition(BaseModel):
    """A custom profile field."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1)
    field_type: str = "text"
    required: bool = False


class Control:
    """The endpoints. Errors are `{"error": "..."}`."""

    def __init__(self, site: Site, *, initial_switches: Switches, demo_catalogue: bool) -> None:
        self._site = site
        self._initial_switches = initial_switches
        self._demo_catalogue = demo_catalogue

    def routes(self) -> list[Route]:
        endpoints: list[tuple[str, str, Endpoint]] = [
            ("GET", "/health", self.health),
            ("GET", "/state", self.state),
            ("GET", "/overview", self.overview),
            ("POST", "/reset", self.reset),
            ("GET", "/switches", self.get_switches),
            ("PUT", "/switches", self.change_switches),
            ("DELETE", "/switches", self.clear_switches),
            ("GET", "/faults", self.get_faults),
            ("PUT", "/faults", self.change_faults),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/calls", self.list_calls),
            ("DELETE", "/calls", self.delete_calls),
            ("GET", "/graphql_calls", self.list_graphql_calls),
            ("GET", "/clock", self.get_clock),
            ("POST", "/clock", self.change_clock),
            ("POST", "/products", self.add_product),
            ("POST", "/courses", self.add_course),
            ("POST", "/bundles", self.add_bundle),
            ("PUT", "/enrollments/{id:int}", self.set_progress),
            ("POST", "/custom_profile_field_definitions", self.add_definition),
        ]
        for kind in get_args(Kind):
            endpoints += [
                ("PUT", f"/{kind}/{{id:int}}", self._changing(kind)),
                ("DELETE", f"/{kind}/{{id:int}}", self._removing(kind)),
            ]
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in endpoints]

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def state(self, _request: Request) -> Response:
        return JSONResponse(full_state(self._site))

    async def overview(self, _request: Request) -> Response:
        return JSONResponse(overview(self._site))

    async def reset(self, _request: Request) -> Response:
        """Back to how the process was started, with no data; ids go on."""
        with self._site.store.transaction():
            self._site.store.clear()
        self._site.switches = self._initial_switches
        self._site.faults = FaultSchedule()
        self._site.window.clear()
        self._site.points.clear()
        self._site.clock.offset_ms = 0
        if self._demo_catalogue:
            add_demo_catalogue(self._site)
        return JSONResponse({"status": "ok"})

    async def get_switches(self, _request: Request) -> Response:
        return JSONResponse(self._site.switches.as_json())

    async def change_switches(self, request: Request) -> Response:
        """What is given changes, until the process ends."""
        try:
            self._site.switches = self._site.switches.changed(await _read_object(request))
        except SwitchError as error:
            raise HTTPException(422, str(error)) from error
        return JSONResponse(self._site.switches.as_json())

    async def clear_switches(self, _request: Request) -> Response:
        """Back to those of the start."""
        self._site.switches = self._initial_switches
        return JSONResponse(self._site.switches.as_json())

    async def get_faults(self, _request: Request) -> Response:
        return JSONResponse(self._site.faults.as_json())

    async def change_faults(self, request: Request) -> Response:
        """What is given changes, and the schedule starts over."""
        try:
            self._site.faults = self._site.faults.changed(await _read_object(request))
        except FaultError as error:
            raise HTTPException(422, str(error)) from error
        return JSONResponse(self._site.faults.as_json())

    async def clear_faults(self, _request: Request) -> Response:
        self._site.faults = FaultSchedule()
        return JSONResponse(self._site.faults.as_json())

    async def list_calls(self, request: Request) -> Response:
        """The last calls that match, oldest first, with how many match and the most of them in any 60 seconds."""
        where, store = _calls_filter(request), self._site.store
        limit = path_id(request.query_params.get("limit", "")) or _DEFAULT_CALLS
        # The filter's clauses are constants of this module.
        times = store.rows(f"select at from calls {where} order by at", *where.values)  # noqa: S608 - made of constants only
        latest = store.rows(f"select * from calls {where} order by id desc limit ?", *where.values, limit)  # noqa: S608 - made of constants only
        return JSONResponse(
            {
                "total": len(times),
                "busiest_minute": calls.busiest_minute([at for (at,) in times]),
                "calls": [calls.call_json(row) for row in reversed(latest)],
            }
        )

    async def list_graphql_calls(self, request: Request) -> Response:
        """The GraphQL calls after the one with the id `after`, oldest first."""
        after = path_id(request.query_params.get("after", "")) or 0
        rows = self._site.store.rows("select * from graphql_calls where id > ? order by id", after)
        return JSONResponse({"calls": [graphql.call_json(row) for row in rows]})

    async def delete_calls(self, request: Request) -> Response:
        where = _calls_filter(request)
        deleted = self._site.store.execute(f"delete from calls {where}", *where.values)  # noqa: S608 - as above
        return JSONResponse({"deleted": deleted})

    async def get_clock(self, _request: Request) -> Response:
        clock = self._site.clock
        return JSONResponse({"now": write_time(clock.now()), "offset_seconds": clock.offset_ms / 1000})

    async def change_clock(self, request: Request) -> Response:
        """The shift outlives the process, as the dates written under it do."""
        change = await _read(request, ClockChange)
        clock = self._site.clock
        offset_ms = clock.offset_ms if change.offset_seconds is None else round(change.offset_seconds * 1000)
        clock.offset_ms = offset_ms + round(change.advance_seconds * 1000)
        self._site.store.execute(
            "insert or replace into settings (name, value) values (?, ?)", CLOCK_SETTING, str(clock.offset_ms)
        )
        return await self.get_clock(request)

    async def add_product(self, request: Request) -> Response:
        return self._add(await _read(request, NewProduct))

    async def add_course(self, request: Request) -> Response:
        return self._add((await _read(request, NewCourse)).as_product())

    async def add_bundle(self, request: Request) -> Response:
        return self._add((await _read(request, NewBundle)).as_product())

    async def set_progress(self, request: Request) -> Response:
        progress = await _read(request, Progress)
        enrollment = self._site.store.get("enrollments", request.path_params["id"])
        if enrollment is None:
            raise HTTPException(404, f"there is no enrollment {request.path_params['id']}")
        share, now = progress.percentage_completed, self._site.clock.now()
        changes = {
            "percentage_completed": share,
            "started_at": (enrollment["started_at"] or now) if share else None,
            "completed_at": (enrollment["completed_at"] or now) if share == 1 else None,
            "updated_at": now,
        }
        self._site.store.update("enrollments", enrollment["id"], changes)
        return JSONResponse({"id": enrollment["id"], "percentage_completed": share})

    async def add_definition(self, request: Request) -> Response:
        new = await _read(request, NewDefinition)
        identifier = self._site.store.insert("custom_profile_field_definitions", new.model_dump())
        definition = self._site.store.get("custom_profile_field_definitions", identifier)
        return JSONResponse(None if definition is None else definition_json(definition), 201)

    def _add(self, new: NewProduct) -> Response:
        try:
            with self._site.store.transaction():
                return JSONResponse(catalogue_control.add(self._site, new), 201)
        except catalogue_control.TakenId as error:
            raise HTTPException(409, str(error)) from error
        except catalogue_control.UnknownItem as error:
            raise HTTPException(422, str(error)) from error

    def _changing(self, kind: Kind) -> Endpoint:
        async def change(request: Request) -> Response:
            changes = await _read(request, Changes)
            try:
                with self._site.store.transaction():
                    return JSONResponse(catalogue_control.change(self._site, kind, request.path_params["id"], changes))
            except catalogue_control.UnknownItem as error:
                raise HTTPException(404, str(error)) from error

        return change

    def _removing(self, kind: Kind) -> Endpoint:
        async def remove(request: Request) -> Response:
            try:
                with self._site.store.transaction():
                    catalogue_control.remove(self._site, kind, request.path_params["id"])
            except catalogue_control.UnknownItem as error:
                raise HTTPException(404, str(error)) from error
            return Response(status_code=204)

        return remove


async def error_answer(_request: Request, error: Exception) -> Response:
    """`{"error": "..."}` for an HTTPException."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _read_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise HTTPException(400, f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "the body is no JSON object")
    return body


async def _read(request: Request, model: type[Model]) -> Model:
    try:
        return model.model_validate(await _read_object(request))
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise HTTPException(422, f"{field}: {problem['msg']}") from error


def _calls_filter(request: Request) -> Filter:
    """`since` (a date, or milliseconds since 1970), `after` (a call's id), `method`, `status`, `fault`, `path` (a
    regular expression)."""
    where, given = Filter(), request.query_params
    if since := given.get("since"):
        where.add("at >= ?", _since(since))
    if after := given.get("after"):
        where.add("id > ?", path_id(after))
    if method := given.get("method"):
        where.add("method = ?", method.upper())
    if status := given.get("status"):
        where.add("status = ?", path_id(status))
    if fault := given.get("fault"):
        where.add("fault = ?", fault)
    if path := given.get("path"):
        where.add("path regexp ?", _pattern(path))
    return where


def _since(text: str) -> int:
    milliseconds = path_id(text)
    if milliseconds is not None:
        return milliseconds
    try:
        return read_span(text)[0]
    except ValueError as error:
        raise HTTPException(422, f"since: {text} is neither a date nor milliseconds") from error


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise HTTPException(422, f"path: {text} is no regular expression: {error}") from error
    return text
