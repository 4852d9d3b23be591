"""How each process of the local stack is started, but for the emulator."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from b2b_cli.local.processes import free_port, port_trouble

_THINKIFIC_RATE = 120
_GRAPHQL_POINTS = 2000
_LAST_PORT = 65535


def simulator(port: int, database: Path, rate: str) -> list[str]:
    allowed = max(_THINKIFIC_RATE, int(rate))
    return [
        *(sys.executable, "-m", "b2b_cli.simulator", "--port", str(port)),
        *("--database", str(database), "--demo-catalogue"),
        # Who asks for more calls than Thinkific allows has a school that is allowed them.
        *("--switch", f"rate_limit={allowed}"),
        *("--switch", f"graphql_rate_limit={_GRAPHQL_POINTS * allowed // _THINKIFIC_RATE}"),
    ]


def simulator_port(api_port: int) -> int:
    """The port next to the API's where that is free, so that the page stays at one address."""
    neighbour = api_port + 1
    is_usable = 1 < neighbour <= _LAST_PORT and port_trouble(neighbour) is None
    return neighbour if is_usable else free_port()


def api(port: int, workers: int) -> list[str]:
    return [sys.executable, "-m", "b2b_cli.local.serving", "--port", str(port), "--workers", str(workers)]


def worker(queue_urls: Mapping[str, str], tick_every: float) -> list[str]:
    return [
        *(sys.executable, "-m", "b2b_cli.local.worker"),
        *("--queue-urls", json.dumps(queue_urls)),
        *("--tick-every", str(tick_every)),
    ]
