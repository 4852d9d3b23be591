"""`python -m b2b_cli.simulator`: the simulator as a server on 127.0.0.1, until SIGTERM or Ctrl-C."""

import argparse
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from b2b_cli.loopback_guard import LoopbackGuard
from b2b_cli.parenthood import end_with_parent
from b2b_cli.simulator.app import create_app
from b2b_cli.simulator.authentication import DEFAULT_ACCESS_TOKEN, DEFAULT_API_KEY, DEFAULT_SUBDOMAIN, Credentials
from b2b_cli.simulator.connections import ResettableProtocol
from b2b_cli.simulator.store import Store, StoreError
from b2b_cli.simulator.switches import SwitchError, Switches

_HOST = "127.0.0.1"
_BACKLOG = 2048
# Longer than any client keeps an idle connection, so that none is closed as it is used again.
_KEEP_ALIVE_SECONDS = 75
_GRACE_SECONDS = 3


class _AnnouncedServer(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:
            _say(f"listening on http://{_HOST}:{sockets[0].getsockname()[1]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until told to end. Answers the exit status: 0, or 1 with a line that says why it cannot start."""
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn ends the server and then raises the signal again, for whoever handled it before: that is this.
        signal.signal(signal_number, lambda *_: sys.exit(0))
    options = _parser().parse_args(arguments)
    end_with_parent()
    try:
        switches = Switches.parse(options.switch)
        listener = _listen(options.port)
        store = Store(options.database)
    except (SwitchError, StoreError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    credentials = Credentials(options.api_key, options.subdomain, options.access_token)
    app = create_app(store, switches, credentials, demo_catalogue=options.demo_catalogue)
    config = uvicorn.Config(
        LoopbackGuard(app),
        http=ResettableProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    try:
        _AnnouncedServer(config).run(sockets=[listener])
    finally:
        store.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m b2b_cli.simulator",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "A school on Thinkific, simulated: the Admin API v1 under /api/public/v1, GraphQL's courses at\n"
            "/stable/graphql, a page at / that shows what happens, and controls under /_simulator/. It listens on\n"
            "127.0.0.1 only and ends on SIGTERM or Ctrl-C."
        ),
        epilog=f"switches, with their defaults:\n{Switches.described()}",
    )
    parser.add_argument("--port", type=int, required=True, metavar="P", help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--database", type=Path, required=True, metavar="FILE", help="SQLite file with the data, made where missing"
    )
    parser.add_argument(
        "--api-key", default=DEFAULT_API_KEY, metavar="KEY", help="API key to accept (default: %(default)s)"
    )
    parser.add_argument(
        "--access-token",
        default=DEFAULT_ACCESS_TOKEN,
        metavar="TOKEN",
        help="API Access Token that GraphQL accepts (default: %(default)s)",
    )
    parser.add_argument(
        "--subdomain", default=DEFAULT_SUBDOMAIN, metavar="NAME", help="the school's subdomain (default: %(default)s)"
    )
    parser.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch below; may be repeated"
    )
    parser.add_argument(
        "--demo-catalogue", action="store_true", help="sell eight courses and three bundles, if nothing is sold yet"
    )
    return parser


def _listen(port: int) -> socket.socket:
    """A bound socket. Raises OSError, in words, where the port is in use or cannot be had."""
    # Named TCP, or asyncio leaves Nagle's algorithm on, and every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise OSError(f"cannot listen on {_HOST}:{port}: {reason}") from error
    return listener


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
