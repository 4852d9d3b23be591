import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.unit.clock import Clock
from tests.unit.in_process import InProcess, Open


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def open_app(runner: asyncio.Runner) -> Open:
    """A client of an ASGI application; the options are httpx's."""

    def open_client(app: Any, **options: Any) -> httpx.Client:
        return httpx.Client(transport=InProcess(app, runner), **options)

    return open_client


@pytest.fixture
def clock() -> Clock:
    return Clock()
