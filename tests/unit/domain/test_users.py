from tests.unit.domain.records import grant

from b2b.domain.identity.users import no_grant


def test_a_grant_limits_only_while_it_is_active() -> None:
    assert grant(max_seats=3).seat_limit == 3
    assert grant(max_seats=None).seat_limit is None
    assert grant(max_seats=3, active=False).seat_limit == 0
    assert grant(max_seats=None, active=False).seat_limit == 0
    assert no_grant(1, 1001).seat_limit == 0
