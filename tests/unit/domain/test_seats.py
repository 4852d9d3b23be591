import pytest

from b2b.domain.enrollment import seats


@pytest.mark.parametrize(
    ("max_seats", "used", "available", "over_allocated"),
    [
        (None, 0, None, 0),
        (None, 9, None, 0),
        (0, 0, 0, 0),
        (0, 2, 0, 2),
        (5, 0, 5, 0),
        (5, 5, 0, 0),
        (5, 7, 0, 2),
    ],
)
def test_what_is_free_and_what_is_beyond_the_limit(
    max_seats: int | None, used: int, available: int | None, over_allocated: int
) -> None:
    assert seats.available(max_seats, used) == available
    assert seats.over_allocated(max_seats, used) == over_allocated


@pytest.mark.parametrize(
    ("limit", "used", "requested", "short"),
    [(None, 10**9, 1, False), (0, 0, 1, True), (5, 4, 1, False), (5, 5, 1, True), (5, 3, 3, True), (5, 9, 0, True)],
)
def test_seats_are_short_when_what_is_asked_for_does_not_fit(
    limit: int | None, used: int, requested: int, short: bool
) -> None:
    assert seats.is_short(limit, used, requested) is short
