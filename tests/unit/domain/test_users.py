from tests.unit.domain.records import grant

from b2b.domain.users import hash_password, no_grant, verify_password


def test_a_password_is_known_again_and_no_other() -> None:
    hashed = hash_password("correct horse")
    assert verify_password("correct horse", hashed)
    assert not verify_password("Correct horse", hashed)


def test_a_hash_says_how_it_was_made_and_not_of_what() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("scrypt$16384$8$1$")
    assert "correct" not in hashed


def test_the_same_password_is_hashed_anew_each_time() -> None:
    assert hash_password("correct horse") != hash_password("correct horse")


def test_a_grant_limits_only_while_it_is_active() -> None:
    assert grant(max_seats=3).seat_limit == 3
    assert grant(max_seats=None).seat_limit is None
    assert grant(max_seats=3, active=False).seat_limit == 0
    assert grant(max_seats=None, active=False).seat_limit == 0
    assert no_grant(1, 1001).seat_limit == 0
