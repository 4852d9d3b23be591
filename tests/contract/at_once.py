"""Calls that run side by side."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Answer = TypeVar("Answer")


def at_once(call: Callable[[Given], Answer], items: Iterable[Given]) -> list[Answer]:
    """The answers, in the order of the items."""
    given = [*items]
    with ThreadPoolExecutor(len(given)) as threads:
        return [*threads.map(call, given)]
