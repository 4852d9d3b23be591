"""`python -m b2b_cli.emulator`: DynamoDB and SQS on 127.0.0.1 until SIGTERM. Run by the emulator's own Python."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from b2b_cli.emulator.reports import Report, Reporter
from b2b_cli.emulator.saving import Saver
from b2b_cli.emulator.services import SERVICES, OnlyServices
from b2b_cli.loopback_guard import LoopbackGuard
from b2b_cli.parenthood import end_with_parent, is_orphaned

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = "127.0.0.1"
# As ministack's own server has it.
_KEEP_ALIVE_SECONDS = 75
# When the stack was killed: so that its workers can come to an orderly end before the table is gone.
_ORPHAN_SECONDS = 4.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when everything is saved, or nothing was to be kept."""
    end_with_parent(after_seconds=_ORPHAN_SECONDS)
    options = _parser().parse_args(arguments)
    _configure(options.port)

    from ministack.app import app  # noqa: PLC0415 - reads its configuration as it is imported

    from b2b_cli.emulator import states  # noqa: PLC0415 - imports ministack

    if options.state is None:
        asyncio.run(_serve(_guarded(app, None), options.port))
        return 0
    reporter = Reporter(options.report_to)
    try:
        states.load(options.state)
    except states.Unreadable as error:
        reporter.report(Report(refusal=str(error)))
        return 1
    saver = Saver(options.state, states, reporter, keep=options.keep)
    asyncio.run(_serve(_guarded(app, saver), options.port))
    is_saved = saver.save_last()
    if options.forget is not None and is_orphaned():
        options.forget.unlink(missing_ok=True)
    return 0 if is_saved else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m b2b_cli.emulator", description="The local stack's DynamoDB and SQS."
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, help="folder that keeps the state; without it nothing is kept")
    parser.add_argument("--forget", type=Path, metavar="FILE", help="removed when the stack was killed and cannot")
    parser.add_argument("--report-to", type=int, metavar="FD", help="descriptor of the stack's pipe for reports")
    parser.add_argument("--keep", type=int, action="append", default=[], metavar="FD", help="descriptor to leave open")
    return parser


def _configure(port: int) -> None:
    """ministack takes everything from the environment, in which a person may have set other things for other ends."""
    os.environ.update(
        {
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": "us-east-1",
            "MINISTACK_ACCOUNT_ID": "000000000000",
            "SERVICES": ",".join(SERVICES),
            # It would open a port of its own for each.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # It would remove containers that another ministack of this person may have.
            "DOCKER_HOST": "unix:///nonexistent",
            "AUTH": "false",
            "USE_SSL": "0",
            "LOG_LEVEL": "INFO",
            # The saver does both.
            "PERSIST_STATE": "0",
            "LOCALSTACK_PERSISTENCE": "0",
        }
    )


def _guarded(app: "ASGIApp", saver: Saver | None) -> "ASGIApp":
    changed = saver.note_change if saver else lambda: None
    return LoopbackGuard(OnlyServices(app if saver is None else _saving(app, saver), changed))


def _saving(app: "ASGIApp", saver: Saver) -> "ASGIApp":
    """Saves for as long as ``app`` runs, which is as long as its lifespan is."""

    async def saved(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        saving = asyncio.create_task(saver.keep_saving())
        try:
            await app(scope, receive, send)
        finally:
            saving.cancel()

    return saved


async def _serve(app: "ASGIApp", port: int) -> None:
    from hypercorn.asyncio import serve  # noqa: PLC0415 - the emulator's environment has it
    from hypercorn.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.bind = [f"{_HOST}:{port}"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    await serve(app, config)


if __name__ == "__main__":
    sys.exit(main())
