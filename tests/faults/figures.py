"""What the tests measured, a line each, for the end of the run."""


class Figures:
    def __init__(self) -> None:
        self._lines: dict[str, str] = {}

    def note(self, promise: str, **figures: object) -> None:
        """``promise`` in a few words; a later note of the same replaces it. ``max_calls="59 of 60"``."""
        told = ", ".join(f"{name.replace('_', ' ')} {_text(value)}" for name, value in figures.items())
        self._lines[promise] = told

    def lines(self) -> list[str]:
        width = max(map(len, self._lines), default=0)
        return [f"{promise:<{width}}  {told}" for promise, told in self._lines.items()]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
