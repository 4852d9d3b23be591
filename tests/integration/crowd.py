"""Many threads that do something at the same time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from b2b.domain.errors import B2BError

# A race that is lost once in a hundred goes unnoticed in one: so many times each is run for a proof (--rounds).
ROUNDS = 20
THREADS = 32
_PATIENCE_SECONDS = 30

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def crowd(work: Callable[[Item], Answer], items: Sequence[Item], *, threads: int = THREADS) -> list[Answer | B2BError]:
    """``work`` on every item by up to 32 threads that start together; answers and refusals, in the items' order."""
    threads = min(threads, len(items))
    start = threading.Barrier(threads)
    answers: dict[int, Answer | B2BError] = {}

    def run(number: int) -> None:
        start.wait(_PATIENCE_SECONDS)
        for position in range(number, len(items), threads):
            try:
                answers[position] = work(items[position])
            except B2BError as refusal:
                answers[position] = refusal

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(threads)))
    return [answers[position] for position in range(len(items))]


def granted(answers: Sequence[Answer | B2BError]) -> list[Answer]:
    return [answer for answer in answers if not isinstance(answer, B2BError)]


def refused(answers: Sequence[object]) -> list[B2BError]:
    return [answer for answer in answers if isinstance(answer, B2BError)]
