from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.aws import aws, table
from tests.unit.clock import Clock
from tests.unit.in_process import Open
from tests.unit.services.upstream import Upstream
from tests.unit.services.world import World

from b2b.domain.identity.users import User
from b2b.storage.table import Table
from b2b_cli.simulator import Store

__all__ = ["aws", "table"]


@pytest.fixture
def open_world(table: Table, clock: Clock, open_app: Open) -> Iterator[Callable[..., World]]:
    """A school whose Thinkific behaves as the given switches say."""
    store = Store()
    yield lambda **switches: World(table, Upstream(store, clock, open_app, **switches), clock)
    store.close()


@pytest.fixture
def world(open_world: Callable[..., Any]) -> World:
    opened: World = open_world()
    return opened


@pytest.fixture
def boss(world: World) -> User:
    """A user without limits."""
    return world.user()
