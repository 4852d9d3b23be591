"""``local.json``: where a running stack is, for other programs. It is there while the stack runs."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from b2b_cli.errors import CommandError
from b2b_cli.local.folder import Folder, write_private
from b2b_cli.local.processes import Supervised

_TOLD = ("base_url", "admin_token", "dynamodb_url", "thinkific_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a running stack tells its user."""

    base_url: str
    admin_token: str
    dynamodb_url: str
    thinkific_url: str
    simulator_page: str | None
    is_first_run: bool

    @property
    def docs_url(self) -> str:
        return self.base_url.removesuffix("/api") + "/docs"


@dataclass(frozen=True, slots=True)
class Note:
    """What commands need of it: the stack's process, the functions' environment, the queues' addresses by name."""

    pid: int
    environment: dict[str, str]
    queues: dict[str, str]

    @classmethod
    def read(cls, data: Path) -> "Note":
        """Raises FileNotFoundError or NotADirectoryError where no stack runs, CommandError where nobody can read it."""
        path = Folder(data).note
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(content["pid"]), _texts(content["environment"]), _texts(content["queues"]))
        except (FileNotFoundError, NotADirectoryError):
            raise
        except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            reason = f": {error.strerror}" if isinstance(error, OSError) else ""
            raise CommandError(f"{path} cannot be read{reason}. Starting `b2b local` again writes it anew.") from None


def _texts(values: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}


class NoteWriter:
    """Names the process of ``worker`` as it is when written. ``environment`` is that of the functions."""

    def __init__(
        self, running: Running, worker: Supervised, *, environment: Mapping[str, str], queues: Mapping[str, str]
    ) -> None:
        values = asdict(running)
        self._content = {name: values[name] for name in _TOLD}
        self._more = {"environment": dict(environment), "queues": dict(queues)}
        self._worker = worker

    def write(self, folder: Folder) -> None:
        pids = {"pid": os.getpid(), "worker_pid": self._worker.current.pid}
        write_private(folder.note, json.dumps(self._content | pids | self._more, indent=2))
