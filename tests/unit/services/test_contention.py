"""Lost races are retried; a write that records at rest refuse is a fault."""

import itertools
from collections.abc import Callable, Iterable, Iterator

import pytest

from b2b.domain.errors import BrokenInvariant, ConditionFailed, TooManyRequests, WriteConflict
from b2b.services.contention import retry_conflicts

Conflicts = Iterable[WriteConflict]
NEVER = itertools.repeat


def at_rest(place: str = "Delete USER#1 SEAT#7", state: object = "as it was") -> WriteConflict:
    return ConditionFailed([0], place=place, state=lambda: state)


def moving(place: str = "Update USER#1 A#USER") -> Iterator[WriteConflict]:
    """The same place refuses again and again, and another write has been there before each look."""
    writes = itertools.count()
    yield from itertools.repeat(ConditionFailed([0], place=place, state=lambda: next(writes)))


def wandering() -> Iterator[WriteConflict]:
    for number in itertools.count():
        yield at_rest(place=f"Put STUDENT#{number}")


def alternating() -> Iterator[WriteConflict]:
    return itertools.cycle([at_rest("one place"), at_rest("another")])


def with_transactions_in_between() -> Iterator[WriteConflict]:
    """Others are at the records: a conflict of transactions comes between the refusals."""
    return itertools.cycle([at_rest(), at_rest(), at_rest(), WriteConflict()])


def scripted(conflicts: Conflicts, attempts: list[int]) -> Callable[[], str]:
    pending = iter(conflicts)

    def attempt() -> str:
        attempts.append(1)
        conflict = next(pending, None)
        if conflict is not None:
            raise conflict
        return "done"

    return attempt


def no_pause(_: float) -> None:
    """Tests do not wait."""


@pytest.mark.parametrize(
    "conflicts",
    [
        [],
        [WriteConflict()],
        [ConditionFailed()],
        [at_rest()] * 5,
        [WriteConflict()] * 23,
        [*itertools.islice(moving(), 23)],
        [*itertools.islice(wandering(), 23)],
        [*itertools.islice(alternating(), 23)],
        [*itertools.islice(with_transactions_in_between(), 23)],
    ],
)
def test_whoever_wins_in_the_end_has_won(conflicts: list[WriteConflict]) -> None:
    attempts: list[int] = []
    assert retry_conflicts(scripted(conflicts, attempts), sleep=no_pause) == "done"
    assert len(attempts) == len(conflicts) + 1


@pytest.mark.parametrize(
    "conflicts", [NEVER(WriteConflict()), moving(), wandering(), alternating(), with_transactions_in_between()]
)
def test_who_loses_all_races_to_others_is_to_come_again(conflicts: Conflicts) -> None:
    with pytest.raises(TooManyRequests):
        retry_conflicts(scripted(conflicts, []), sleep=no_pause)


@pytest.mark.parametrize(
    ("conflicts", "tries"),
    [
        (NEVER(at_rest()), 6),
        (NEVER(at_rest(state=None)), 6),
        (NEVER(WriteConflict(place="the e-mail of user 3, whose record is missing", state=lambda: (3, None))), 6),
        (itertools.chain([WriteConflict()] * 3, NEVER(at_rest())), 9),
        (itertools.chain(itertools.islice(moving("elsewhere"), 5), NEVER(at_rest())), 11),
    ],
)
def test_records_at_rest_that_refuse_a_write_are_a_fault(conflicts: Conflicts, tries: int) -> None:
    attempts: list[int] = []
    with pytest.raises(BrokenInvariant, match="recount --repair"):
        retry_conflicts(scripted(conflicts, attempts), sleep=no_pause)
    assert len(attempts) == tries


def test_a_state_that_changes_once_is_looked_at_anew() -> None:
    """Others wrote after the second look: three more of the new state have to follow."""
    states = iter(["a", "a", "b", "b", "b"])
    attempts: list[int] = []
    conflicts = NEVER(ConditionFailed([0], place="place", state=lambda: next(states)))
    with pytest.raises(BrokenInvariant):
        retry_conflicts(scripted(conflicts, attempts), sleep=no_pause)
    assert len(attempts) == 8
