"""The embedded DynamoDB and SQS: ministack, in an environment of its own because it pins botocore."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from b2b_cli.errors import CommandError
from b2b_cli.local.processes import LOOPBACK, Child, free_port

_PROJECT = Path(__file__).parents[3]
_READY_SECONDS = 30.0
_CONFIG = Config(connect_timeout=2, read_timeout=30)
# It writes its state when it is told to stop.
_SAVE_SECONDS = 60.0


class Emulator:
    """Runs until ``stop``, which is when the data is written to ``state``; None keeps nothing."""

    def __init__(self, *, log: Path, state: Path | None) -> None:
        self.url = f"http://{LOOPBACK}:{free_port()}"
        keep = {"PERSIST_STATE": "1", "STATE_DIR": str(state)} if state else {"PERSIST_STATE": "0"}
        self.child = Child(
            "emulator",
            [str(_executable())],
            log=log,
            environment={
                **keep,
                # Its default is every interface.
                "BIND_HOST": LOOPBACK,
                "GATEWAY_PORT": self.url.rpartition(":")[2],
                "MINISTACK_HOST": "localhost",
            },
        )
        try:
            self.child.wait_until(self._answers, seconds=_READY_SECONDS)
        except BaseException:
            self.child.stop(seconds=1)
            raise

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

    def stop(self) -> None:
        self.child.stop(seconds=_SAVE_SECONDS)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=1, trust_env=False).is_success
        except httpx.HTTPError:
            return False


def _executable() -> Path:
    path = Path(os.environ.get("B2B_MINISTACK", _PROJECT / ".ministack/bin/ministack"))
    if not path.exists():
        raise CommandError(f"The emulator is not installed at {path}: run `make setup`.")
    return path
