"""``python -m b2b_cli.local.serving``: the API on 127.0.0.1, in several processes, until SIGTERM."""

import argparse
import sys
from typing import TYPE_CHECKING

import uvicorn

from b2b_cli.local.processes import LOOPBACK
from b2b_cli.parenthood import end_with_caller, end_with_parent

if TYPE_CHECKING:
    from b2b_cli.local.api import LocalApi

_GRACE_SECONDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description="The API of the local stack.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True, metavar="N", help="processes that serve it")
    arguments = parser.parse_args()
    end_with_parent()
    uvicorn.run(
        f"{__spec__.name}:create",
        factory=True,
        host=LOOPBACK,
        port=arguments.port,
        workers=arguments.workers,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return 0


def create() -> "LocalApi":
    """In each of the processes."""
    from b2b_cli.local.api import create_local_api  # noqa: PLC0415 - not in the process that only watches the others

    end_with_caller()
    return create_local_api()


if __name__ == "__main__":
    sys.exit(main())
