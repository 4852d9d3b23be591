"""The embedded DynamoDB and SQS: ministack, in an environment of its own because it pins botocore."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from b2b_cli.emulator.reports import Reports
from b2b_cli.errors import CommandError
from b2b_cli.local.processes import LOOPBACK, Child, free_port

_PROJECT = Path(__file__).parents[3]
_READY_SECONDS = 60.0
_CONFIG = Config(connect_timeout=2, read_timeout=30)
# It saves its state when it is told to stop.
_SAVE_SECONDS = 60.0


class EmulatorRefusal(CommandError):
    """It does not start with the state that there is; a sentence says why."""


class Emulator:
    """Runs until ``stop``. What is in it is kept in the folder ``state``; None keeps nothing.

    ``holds`` is a descriptor that stays open for as long as anything may be written there, ``forgets`` a file that goes
    when this process is killed. With ``every_service`` it is ministack as it comes, all of AWS and unguarded: for tests
    of what is deployed.
    """

    def __init__(
        self,
        *,
        log: Path,
        state: Path | None,
        every_service: bool = False,
        holds: int | None = None,
        forgets: Path | None = None,
    ) -> None:
        self.url = f"http://{LOOPBACK}:{free_port()}"
        # Why it cannot save at the moment, and the moment of the last save.
        self.problem: str | None = None
        self.saved_at: str | None = None
        self._is_to_keep = state is not None
        self._reports = Reports()
        if every_service:
            self.child = self._every_service(log)
        else:
            self.child = self._guarded(log, state, forgets, [] if holds is None else [holds])
        self._reports.close_writer()
        try:
            self.child.wait_until(self._answers, seconds=_READY_SECONDS)
        except CommandError as error:
            refusal = next((report.refusal for report in self._reports.read() if report.refusal), None)
            self.discard()
            raise (EmulatorRefusal(refusal) if refusal else error) from None
        except BaseException:
            self.child.stop(seconds=_SAVE_SECONDS)
            raise

    def _guarded(self, log: Path, state: Path | None, forgets: Path | None, holds: Sequence[int]) -> Child:
        writer = self._reports.writer
        command = [str(_executable("python")), "-P", "-m", "b2b_cli.emulator", "--port", self._port]
        if state is not None:
            command += ["--state", str(state), "--report-to", str(writer)]
            command += [argument for descriptor in holds for argument in ("--keep", str(descriptor))]
            command += [] if forgets is None else ["--forget", str(forgets)]
        environment = {"PYTHONPATH": str(_PROJECT / "cli")}
        return Child("emulator", command, log=log, environment=environment, inherits=[writer, *holds])

    def _every_service(self, log: Path) -> Child:
        environment = {
            "PERSIST_STATE": "0",
            # Its default is every interface.
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": self._port,
            "MINISTACK_HOST": "localhost",
        }
        return Child("emulator", [str(_executable("ministack"))], log=log, environment=environment)

    @property
    def _port(self) -> str:
        return self.url.rpartition(":")[2]

    def environment(self) -> dict[str, str]:
        """By which AWS clients find it instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }

    def client(self, service: str, config: Config | None = None) -> Any:
        make: Any = self._session.client
        return make(service, endpoint_url=self.url, config=_CONFIG.merge(config or Config()))

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
            region_name="us-east-1",
        )

    def hear(self) -> None:
        """Take in what it has reported since the last time."""
        for report in self._reports.read():
            self.problem = report.problem
            self.saved_at = report.saved_at or self.saved_at

    def stop(self) -> None:
        """Save, and end."""
        self.child.stop(seconds=_SAVE_SECONDS)
        self.hear()
        self._reports.close()

    def discard(self) -> None:
        """End without another save: what is on the disk stays as it is."""
        self.child.kill()
        self._reports.close()
        self._is_to_keep = False

    @property
    def is_saved(self) -> bool:
        """Of one that has ended: whether nothing of what was to be kept is lost."""
        return self.child.exit_code == 0 or not self._is_to_keep

    @property
    def reason(self) -> str:
        """Why it is not."""
        return self.problem or f"the emulator {self.child.how_it_ended}"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=1, trust_env=False).is_success
        except httpx.HTTPError:
            return False


def _executable(name: str) -> Path:
    """Of ministack's environment, which ``B2B_MINISTACK`` may name by the path of its command."""
    path = Path(os.environ.get("B2B_MINISTACK", _PROJECT / ".ministack/bin/ministack")).with_name(name)
    if not path.exists():
        raise CommandError(f"The emulator is not installed at {path}: run `make setup`.")
    return path
