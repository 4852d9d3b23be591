"""What can be a key at all, and what is said about one that Thinkific refuses."""

import pytest
from tests.person import Person, nobody

from b2b.domain.work.upstream import KeyRefused
from b2b_cli.errors import CommandError
from b2b_cli.key import explanation, given_key

KEY = "k" * 32


def test_a_key_is_typed_unseen() -> None:
    person = Person(f" {KEY} ")
    assert given_key(person) == KEY
    assert (len(person.secretly), person.asked) == (1, [])


def test_without_a_terminal_the_key_is_piped() -> None:
    assert given_key(nobody(f"{KEY}\r\n")) == KEY


@pytest.mark.parametrize("text", ["", " \n", "two words", "two\nlines", "schlüssel", "zero\0byte", "\x1b[A"])
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(CommandError) as raised:
        given_key(nobody(text))
    assert str(raised.value).endswith("Nothing was changed.")
    assert not text.strip() or text not in str(raised.value)


def test_a_401_has_three_reasons() -> None:
    said = explanation(KeyRefused(401, "Authentication Error"), "acme")
    assert "it answered 401 (Authentication Error)" in said
    for reason in ("the key is wrong", "acme.thinkific.com", "plan"):
        assert reason in said


def test_a_403_is_the_plan() -> None:
    said = explanation(KeyRefused(403, "Access to Apps is not available on your plan."), "acme")
    assert "plan has no API" in said
    assert "acme" not in said
