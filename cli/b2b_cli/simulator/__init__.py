"""A simulator of the Thinkific Admin API v1: one school, behind a real HTTP server, in one file.

Start it with `python -m b2b_cli.simulator`, or give `create_app(Store(...))` to httpx.ASGITransport.
"""

from b2b_cli.simulator.api import BASE_PATH
from b2b_cli.simulator.app import create_app
from b2b_cli.simulator.authentication import Credentials
from b2b_cli.simulator.clock import Clock
from b2b_cli.simulator.store import Store, StoreError
from b2b_cli.simulator.switches import SwitchError, Switches

__all__ = ["BASE_PATH", "Clock", "Credentials", "Store", "StoreError", "SwitchError", "Switches", "create_app"]
