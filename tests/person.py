"""Somebody at a terminal, who has thought of the answers before."""

import typer


class Person:
    """Gives ``answers`` in turn, whatever is asked, and leaves after the last.

    ``asked`` and ``secretly``: the questions; ``heard``: all that was said. ``pipes``: there is no terminal, this comes
    from another program.
    """

    def __init__(self, *answers: str, pipes: str | None = None) -> None:
        self._answers = iter(answers)
        self._pipes = pipes
        self.asked: list[str] = []
        self.secretly: list[str] = []
        self.heard: list[str] = []

    @property
    def is_there(self) -> bool:
        return self._pipes is None

    def say(self, text: str) -> None:
        self.heard.append(text)

    def ask(self, question: str) -> str:
        assert self.is_there
        self.asked.append(question)
        for answer in self._answers:
            return answer
        raise typer.Abort

    def ask_secretly(self, question: str) -> str:
        self.secretly.append(question)
        answer = self.ask(question)
        self.asked.pop()
        return answer

    def piped(self) -> str:
        assert self._pipes is not None
        return self._pipes


def nobody(pipes: str = "") -> Person:
    """A command that runs without a terminal."""
    return Person(pipes=pipes)
