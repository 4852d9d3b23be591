"""Resetting a connection in the middle of a call, which ASGI has no message for."""

import asyncio
import socket
import struct

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_ABORT = "b2b_cli.simulator.abort"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ResettableProtocol(H11Protocol):
    """Uvicorn's protocol, which also hands each request the means to reset its connection, as ASGI state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.app_state = {**self.app_state, _ABORT: self._abort}

    def _abort(self) -> None:
        # Closing with a linger time of zero sends RST instead of FIN.
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()


async def reset_connection(scope: Scope, receive: Receive) -> None:
    """Ends the call without an answer. Where no server is in between, raises ConnectionResetError instead."""
    abort = scope.get("state", {}).get(_ABORT)
    if abort is None:
        raise ConnectionResetError("the simulator reset the connection, as its faults ask for")
    abort()
    while (await receive())["type"] != "http.disconnect":
        pass
