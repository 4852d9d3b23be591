import pytest

from b2b.services.work.backoff import LONGEST_SECONDS, backoff

DRAWS = 200


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [
        (0, 1, 2),
        (1, 2, 4),
        (2, 4, 8),
        (3, 4, 8),
        (5, 4, 8),
        (6, 8, 16),
        (7, 16, 32),
        (11, 256, 512),
        (12, 450, LONGEST_SECONDS),
        (13, 450, LONGEST_SECONDS),
        (10_000, 450, LONGEST_SECONDS),
    ],
)
def test_the_first_tries_are_close_together_and_later_ones_further_apart(
    attempts: int, least: float, most: float
) -> None:
    drawn = [backoff(attempts) for _ in range(DRAWS)]
    assert least <= min(drawn) < max(drawn) <= most


def test_seven_failures_in_a_row_hold_nobody_up_for_more_than_a_minute() -> None:
    assert max(sum(backoff(attempts) for attempts in range(7)) for _ in range(DRAWS)) < 60


def test_who_failed_together_does_not_come_back_together() -> None:
    assert len({round(backoff(0), 2) for _ in range(DRAWS)}) > 20
