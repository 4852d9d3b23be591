import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.simulator.school import School

from b2b_cli.simulator import Store


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def open_school(store: Store) -> Iterator[Callable[..., School]]:
    """Opens the school of the store with the given switches; a second call is a restart."""
    with asyncio.Runner() as runner:
        yield lambda **switches: School(runner, store, **switches)


@pytest.fixture
def school(open_school: Callable[..., Any]) -> School:
    opened: School = open_school()
    return opened
