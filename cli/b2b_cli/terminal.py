"""The person at a command, if there is one."""

import sys
from collections.abc import Callable
from typing import Protocol

import typer

from b2b_cli.errors import CommandError

_MOST_PIPED = 10_000


class Terminal(Protocol):
    """``say`` is for a person; what other programs take from a command is printed elsewhere."""

    @property
    def is_there(self) -> bool:
        """Whether somebody can answer."""
        ...

    def say(self, text: str) -> None: ...

    def ask(self, question: str) -> str:
        """One line, which may be empty. Raises typer.Abort when the person wants to leave."""
        ...

    def ask_secretly(self, question: str) -> str:
        """As ``ask``, without showing what is typed."""
        ...

    def piped(self) -> str:
        """What another program writes to standard input."""
        ...


class StandardTerminal:
    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    @property
    def is_there(self) -> bool:
        return sys.stdin.isatty()

    def ask(self, question: str) -> str:
        return str(typer.prompt(question, default="", show_default=False, err=True))

    def ask_secretly(self, question: str) -> str:
        return str(typer.prompt(question, default="", show_default=False, err=True, hide_input=True))

    def piped(self) -> str:
        return sys.stdin.read(_MOST_PIPED)


def answer(terminal: Terminal, given: str | None, question: str, check: Callable[[str], str], *, missing: str) -> str:
    """``given``, else what the person says, asked again until ``check`` raises no CommandError.

    Raises CommandError: ``check``'s own for what was given, ``missing`` when nobody can be asked.
    """
    if given is not None:
        return check(given)
    if not terminal.is_there:
        raise CommandError(missing)
    while True:
        try:
            return check(terminal.ask(question))
        except CommandError as error:
            terminal.say(f"  {error}")


def is_confirmed(terminal: Terminal, question: str) -> bool:
    """Yes is what an empty answer means."""
    while True:
        said = terminal.ask(f"{question} [Y/n]").strip().lower()
        if said in ("", "y", "yes"):
            return True
        if said in ("n", "no"):
            return False
