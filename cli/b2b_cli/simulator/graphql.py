"""The stable GraphQL endpoint: courses, those of the newer course builder too, which the Admin API leaves out.

It has a token and a budget of its own. Most errors come with status 200, as they do at Thinkific. The schema is what
is known of Thinkific's from working clients, as far as the catalogue goes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
    value_from_ast_untyped,
)
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from b2b_cli.simulator.authentication import Credentials
from b2b_cli.simulator.connections import reset_connection
from b2b_cli.simulator.faults import GraphQLFault
from b2b_cli.simulator.limits import WINDOW_MS
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row
from b2b_cli.simulator.wire import write_time

PATH = "/stable/graphql"

_SCHEMA = build_schema(
    """
    type Query { site: Site  course(id: ID!): Course }
    type Site { subdomain: String  courses(first: Int, after: String): CourseConnection }
    type CourseConnection { nodes: [Course]  pageInfo: PageInfo }
    type PageInfo { endCursor: String  hasNextPage: Boolean }
    type Course { id: ID!  name: String  title: String  slug: String  product: Product }
    type Product { id: ID!  name: String  slug: String  status: ProductStatus }
    enum ProductStatus { DRAFT PENDING_APPROVAL PRESELL PUBLISHED }
    """
)
_COURSES = (
    "select c.id, c.name, c.slug, p.id as product_id, p.name as product_name, p.status, p.slug as product_slug"
    " from courses c join products p on p.productable_type = 'Course' and p.productable_id = c.id"
)
# Thinkific's "GraphQL Query Limitations": a hundredth of the sum over all fields.
_OBJECT_COST = 100
_DEFAULT_PAGE = 25

_MESSAGES = {
    "RATE_LIMITED": "API rate limit exceeded",
    "MAX_QUERY_COST_EXCEEDED": "Query cost exceeds the maximum single query cost limit.",
    "GATEWAY_TIMEOUT": "Gateway timeout",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, as far as it could be read."""

    document: DocumentNode
    variables: dict[str, Any]
    cost: int


class GraphQLApi:
    """The endpoint."""

    def __init__(self, site: Site, credentials: Credentials) -> None:
        self._site = site
        self._credentials = credentials

    async def answer(self, request: Request) -> Response:
        fault = self._site.faults.deal_graphql()
        if not self._credentials.open_graphql(request.scope["headers"]) or (fault and fault.kind == "refused"):
            return self._recorded(JSONResponse({"error": "Authentication Error"}, 401), None)
        if fault is not None and (spoilt := await self._spoilt(fault, request)) is not None:
            return self._recorded(spoilt, None)
        try:
            asked = _read(await request.body())
        except (ValueError, GraphQLError) as error:
            return self._recorded(self._errors([{"message": str(error)}], status=200), None)
        return self._recorded(self._answer(asked, fault), asked)

    def _answer(self, asked: _Asked, fault: GraphQLFault | None) -> Response:
        if problems := validate(_SCHEMA, asked.document):
            return self._errors([problem.formatted for problem in problems])
        if asked.cost > self._site.switches.graphql_max_cost:
            return self._coded("MAX_QUERY_COST_EXCEEDED", maxCost=self._site.switches.graphql_max_cost)
        limit = self._site.switches.graphql_rate_limit
        now = self._site.clock.wall()
        reset_at = None if limit == "off" else self._site.points.spend(now, asked.cost, limit)
        if reset_at is not None:
            return self._coded("RATE_LIMITED", reset_at=reset_at, cost=asked.cost)
        stuck = fault is not None and fault.kind == "stuck_cursor"
        result = execute_sync(_SCHEMA, asked.document, _Root(self._site, stuck=stuck), variable_values=asked.variables)
        body = {**result.formatted, "extensions": {"rateLimit": {"cost": asked.cost, "limit": limit}}}
        return JSONResponse(body)

    async def _spoilt(self, fault: GraphQLFault, request: Request) -> Response | None:
        """What is sent in the place of an answer; None: that depends on the answer."""
        match fault.kind:
            case "rate_limited":
                reset_at = self._site.clock.wall() + int(fault.seconds * 1000)
                return self._coded("RATE_LIMITED", reset_at=reset_at, cost=1)
            case "html_429":
                return HTMLResponse("<html><body><h1>429 Too Many Requests</h1></body></html>", 429)
            case "too_costly":
                return self._coded("MAX_QUERY_COST_EXCEEDED", maxCost=0)
            case "gateway_timeout":
                return self._coded("GATEWAY_TIMEOUT")
            case "html_502":
                return HTMLResponse("error code: 502", 502)
            case "not_json":
                return HTMLResponse("<html></html>", 200)
            case "unknown_field":
                return self._errors([{"message": "Field 'courses' doesn't exist on type 'Site'"}])
            case "no_data":
                return JSONResponse({"data": {"site": None}})
            case "reset":
                await reset_connection(request.scope, request.receive)
        return None

    def _coded(self, code: str, *, reset_at: int | None = None, **details: Any) -> Response:
        rate = {} if reset_at is None else {"rateLimit": self._reset(reset_at) | details}
        error = {"message": _MESSAGES[code], "extensions": {"code": code, **({} if rate else details)}}
        return self._errors([error], extensions=rate)

    def _reset(self, reset_at: int) -> dict[str, Any]:
        match self._site.switches.graphql_reset_at:
            case "time":
                return {"resetAt": write_time(reset_at)}
            case "past":
                return {"resetAt": write_time(reset_at - 10 * WINDOW_MS)}
            case "unreadable":
                return {"resetAt": "in a while"}
            case "absent":
                return {}

    def _errors(self, errors: list[Any], *, status: int = 200, extensions: Mapping[str, Any] | None = None) -> Response:
        return JSONResponse({"errors": errors, **({"extensions": extensions} if extensions else {})}, status)

    def _recorded(self, response: Response, asked: _Asked | None) -> Response:
        self._site.store.insert(
            "graphql_calls",
            {
                "at": self._site.clock.wall(),
                "variables": json.dumps(asked.variables if asked else {}),
                "cost": asked.cost if asked else 0,
                "status": response.status_code,
            },
        )
        return response


def call_json(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": write_time(row["at"]),
        "variables": json.loads(row["variables"]),
        "cost": row["cost"],
        "status": row["status"],
    }


class _Root:
    """What the query's fields stand for."""

    def __init__(self, site: Site, *, stuck: bool) -> None:
        self._site = site
        self._stuck = stuck

    def site(self, _info: Any) -> dict[str, Any]:
        return {"subdomain": self._site.subdomain, "courses": self._courses}

    def course(self, _info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002 - the schema's name
        row = self._site.store.row(f"{_COURSES} where c.id = ?", int(id) if id.isdigit() else 0)
        if row is None and self._site.switches.graphql_missing == "error":
            raise GraphQLError("Course not found", extensions={"code": "NOT_FOUND"})
        return None if row is None else self._course(row)

    def _courses(self, _info: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        last = int(after) if after and after.isdigit() and not self._stuck else 0
        size = first if first and first > 0 else _DEFAULT_PAGE
        rows = self._site.store.rows(f"{_COURSES} where c.id > ? order by c.id limit ?", last, size + 1)
        shown = rows[:size]
        cursor = str(shown[-1]["id"]) if shown else None
        return {
            "nodes": [self._course(row) for row in shown],
            "pageInfo": {"endCursor": cursor, "hasNextPage": self._stuck or len(rows) > size},
        }

    def _course(self, row: Row) -> dict[str, Any]:
        product = {
            "id": row["product_id"],
            "name": row["product_name"],
            "slug": row["product_slug"],
            "status": row["status"].upper(),
        }
        is_given = self._site.switches.graphql_product == "given"
        fields = {"id": row["id"], "name": row["name"], "title": row["name"], "slug": row["slug"]}
        return fields | {"product": product if is_given else None}


def _read(raw: bytes) -> _Asked:
    body = json.loads(raw)
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise ValueError("No query string was present")  # noqa: TRY004 - as for what is no JSON
    document = parse(body["query"])
    variables = body.get("variables")
    variables = variables if isinstance(variables, dict) else {}
    return _Asked(document, variables, _cost(document, variables))


def _cost(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    operations = [found for found in document.definitions if isinstance(found, OperationDefinitionNode)]
    query = _SCHEMA.query_type
    total = sum(_OBJECT_COST + _fields_cost(found.selection_set, query, variables) for found in operations)
    return ceil(total / 100)


def _fields_cost(selection: Any, parent: Any, variables: Mapping[str, Any]) -> int:
    fields = [node for node in selection.selections if isinstance(node, FieldNode)] if selection else []
    return sum(_field_cost(field, parent, variables) for field in fields)


def _field_cost(field: FieldNode, parent: Any, variables: Mapping[str, Any]) -> int:
    definition = parent.fields.get(field.name.value) if isinstance(parent, GraphQLObjectType) else None
    kind = get_named_type(definition.type) if definition else None
    if not isinstance(kind, GraphQLObjectType):
        return 0
    nested = _fields_cost(field.selection_set, kind, variables)
    if kind.name.endswith("Connection"):
        return _first(field, variables) * max(1, nested)
    # What a connection wraps around its rows costs nothing by itself.
    return nested + (0 if parent.name.endswith("Connection") else _OBJECT_COST)


def _first(field: FieldNode, variables: Mapping[str, Any]) -> int:
    given = {argument.name.value: value_from_ast_untyped(argument.value, {**variables}) for argument in field.arguments}
    first = given.get("first")
    return first if isinstance(first, int) and first > 0 else _DEFAULT_PAGE
