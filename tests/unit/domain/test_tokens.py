import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.unit.clock import START

from b2b.domain.identity import tokens


def test_a_secret_looks_like_one_of_ours() -> None:
    secret = tokens.new_secret()
    assert len(secret) == len("b2b_") + 40 + 6
    assert secret.startswith("b2b_")
    assert secret.removeprefix("b2b_").isalnum()
    assert tokens.is_well_formed(secret)


def test_no_two_secrets_are_alike() -> None:
    assert len({tokens.new_secret() for _ in range(100)}) == 100


@pytest.mark.parametrize("position", [4, 20, 43, 44, 49])
def test_a_mistyped_character_breaks_the_checksum(position: int) -> None:
    secret = tokens.new_secret()
    wrong = "a" if secret[position] != "a" else "b"
    assert not tokens.is_well_formed(secret[:position] + wrong + secret[position + 1 :])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda secret: "",
        lambda secret: secret[:-1],
        lambda secret: secret + "0",
        lambda secret: secret.removeprefix("b2b_"),
        lambda secret: secret.upper(),
        lambda secret: "B2B_" + secret[4:],
        lambda secret: f" {secret}",
        lambda secret: secret[:10] + "é" + secret[11:],
    ],
    ids=["empty", "short", "long", "no prefix", "upper case", "other prefix", "a blank", "not ASCII"],
)
def test_what_is_no_secret_of_ours(spoil: Callable[[str], str]) -> None:
    assert not tokens.is_well_formed(spoil(tokens.new_secret()))


def test_only_a_sha_256_of_the_secret_is_kept() -> None:
    secret = tokens.new_secret()
    assert tokens.digest(secret) == hashlib.sha256(secret.encode()).hexdigest()


@pytest.mark.parametrize(("days", "expired"), [(None, False), (1, False), (0, True), (-1, True)])
def test_a_token_expires_at_its_moment(days: int | None, expired: bool) -> None:
    token = tokens.Token(
        id=1,
        name="Zapier",
        scopes=frozenset(tokens.SCOPES),
        user_id=1,
        digest="",
        last_four="",
        created_at=START,
        expires_at=None if days is None else START + timedelta(days=days),
    )
    assert token.is_expired(START) is expired


def test_scopes_are_listed_as_documented() -> None:
    assert tokens.sorted_scopes(reversed(tokens.SCOPES)) == [*tokens.SCOPES]
    assert tokens.sorted_scopes({"tokens:write", "users:read"}) == ["users:read", "tokens:write"]
