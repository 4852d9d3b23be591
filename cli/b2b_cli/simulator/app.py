"""The application: the simulated API, the control interface and the page."""

import asyncio

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route

from b2b_cli.simulator.api import BASE_PATH, AdminApi, Sleep
from b2b_cli.simulator.authentication import Credentials
from b2b_cli.simulator.clock import Clock
from b2b_cli.simulator.control import CLOCK_SETTING, Control, error_answer
from b2b_cli.simulator.demo import add_demo_catalogue
from b2b_cli.simulator.faults import FaultSchedule
from b2b_cli.simulator.graphql import PATH as GRAPHQL_PATH
from b2b_cli.simulator.graphql import GraphQLApi
from b2b_cli.simulator.page import Page
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Store
from b2b_cli.simulator.switches import Switches


def create_app(
    store: Store,
    switches: Switches | None = None,
    credentials: Credentials | None = None,
    *,
    clock: Clock | None = None,
    sleep: Sleep = asyncio.sleep,
    demo_catalogue: bool = False,
) -> Starlette:
    """The simulator over a store, for uvicorn or for httpx.ASGITransport.

    `clock` and `sleep` (which delays slow answers) can be a test's own. Without a server in between, a connection
    reset is a ConnectionResetError raised to the caller.
    """
    switches = switches or Switches()
    clock = clock or Clock()
    clock.offset_ms = int(store.scalar("select value from settings where name = ?", CLOCK_SETTING) or clock.offset_ms)
    credentials = credentials or Credentials()
    site = Site(store, clock, switches, FaultSchedule(), subdomain=credentials.subdomain)
    if demo_catalogue:
        add_demo_catalogue(site)
    control = Control(site, initial_switches=switches, demo_catalogue=demo_catalogue)
    return Starlette(
        routes=[
            Route("/", Page().show),
            Mount("/_simulator", routes=control.routes()),
            Route(GRAPHQL_PATH, GraphQLApi(site, credentials).answer, methods=["POST"]),
            Mount(BASE_PATH, app=AdminApi(site, credentials, sleep)),
        ],
        exception_handlers={HTTPException: error_answer},
    )
