"""What a person is asked, and again until the answer will do."""

import pytest
import typer
from tests.person import Person, nobody

from b2b_cli.errors import CommandError
from b2b_cli.terminal import answer, is_confirmed


def even(text: str) -> str:
    if len(text) % 2:
        raise CommandError("That is odd.")
    return text.upper()


def test_what_is_given_is_not_asked_for() -> None:
    person = Person()
    assert answer(person, "ab", "What?", even, missing="Say what.") == "AB"
    assert person.asked == []


def test_what_is_given_and_wrong_ends_the_command() -> None:
    with pytest.raises(CommandError, match=r"That is odd\."):
        answer(Person("ab"), "abc", "What?", even, missing="Say what.")


def test_a_wrong_answer_is_explained_and_asked_for_again() -> None:
    person = Person("a", "abc", "ab")
    assert answer(person, None, "What?", even, missing="Say what.") == "AB"
    assert person.asked == ["What?"] * 3
    assert person.heard == ["  That is odd."] * 2


def test_without_a_terminal_nobody_is_asked() -> None:
    with pytest.raises(CommandError, match=r"Say what\."):
        answer(nobody(), None, "What?", even, missing="Say what.")


def test_who_leaves_is_not_held() -> None:
    with pytest.raises(typer.Abort):
        answer(Person("a"), None, "What?", even, missing="Say what.")


@pytest.mark.parametrize(
    ("said", "means"), [(["y"], True), ([""], True), (["YES "], True), (["n"], False), (["what", "no"], False)]
)
def test_a_question_is_answered_with_yes_or_no(said: list[str], means: bool) -> None:
    assert is_confirmed(Person(*said), "Go ahead?") is means
