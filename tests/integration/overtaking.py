"""Races without luck: another call comes between what a call has read and what it writes."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.emulated import Emulated


@contextmanager
def overtaken(school: Emulated, number: int, act: Callable[[], object]) -> Iterator[None]:
    """Does ``act`` just before transaction ``number`` from now on is sent."""
    sent = itertools.count(1)

    def before_send(**_: Any) -> None:
        if next(sent) == number:
            act()

    name = "before-send.dynamodb.TransactWriteItems"
    school.dynamodb.meta.events.register(name, before_send)
    yield
    assert next(sent) > number
    school.dynamodb.meta.events.unregister(name, before_send)
