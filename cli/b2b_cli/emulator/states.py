"""The state of ministack's services as text and back, in ministack's own format."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.services import dynamodb, sqs

from b2b_cli.emulator.services import SERVICES

_MODULES = dict(zip(SERVICES, (dynamodb, sqs), strict=True))
_FORMAT = "__ministack_format__"


class Unreadable(Exception):
    """A sentence that names the file."""


def load(folder: Path) -> None:
    """Give the services what ``folder`` has of them. Raises Unreadable, and leaves the files as they are."""
    for name, module in _MODULES.items():
        path = folder / f"{name}.json"
        if path.exists():
            try:
                module.load_persisted_state(_payload(name, path))
            except OSError as error:
                raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
                raise Unreadable(f"{path} is damaged.") from error


def _payload(name: str, path: Path) -> Any:
    content = json.loads(path.read_text(encoding="utf-8"), object_hook=persistence._json_object_hook)  # noqa: SLF001 - ministack's own way in swallows errors
    if content[_FORMAT] > persistence._state_format_version(name):  # noqa: SLF001 - as above
        raise Unreadable(f"{path} was written by a newer release of the emulator.")
    return content["payload"]


def texts() -> Iterator[tuple[str, str]]:
    """The name of each service's file, and what is to be in it. Nobody else may change the services meanwhile."""
    with _without_copies():
        for name, module in _MODULES.items():
            content = {_FORMAT: persistence._state_format_version(name), "payload": module.get_state()}  # noqa: SLF001 - as above
            yield f"{name}.json", json.dumps(content, default=persistence._json_default)  # noqa: SLF001 - as above


@contextmanager
def at_rest() -> Iterator[None]:
    """Within, no thread is in the middle of a change."""
    with dynamodb._lock, sqs._queues_lock:  # noqa: SLF001 - what their threads take
        yield


@contextmanager
def _without_copies() -> Iterator[None]:
    """The services copy their state as they hand it out, which takes three times as long as writing it."""
    real = copy.deepcopy
    vars(copy)["deepcopy"] = lambda value, _memo=None: value
    try:
        yield
    finally:
        vars(copy)["deepcopy"] = real
