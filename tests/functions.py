"""The Lambda functions that the repository has, found by their handlers."""

from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "functions"

# Dotted names, such as ``api.users``.
ALL = tuple(sorted(".".join(path.parent.relative_to(_FOLDER).parts) for path in _FOLDER.glob("*/*/handler.py")))


def of_kind(kind: str) -> tuple[str, ...]:
    """``kind``: ``api``, ``workers`` or ``schedules``."""
    return tuple(name for name in ALL if name.startswith(f"{kind}."))
