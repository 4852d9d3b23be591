"""An application in the place of the network: httpx clients that call it in this process and thread."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

Open = Callable[..., httpx.Client]


class InProcess(httpx.BaseTransport):
    """Runs each request to its end on ``runner``. A connection that the application resets is httpx's own error."""

    def __init__(self, app: Any, runner: asyncio.Runner) -> None:
        self._transport = httpx.ASGITransport(app)
        self._runner = runner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()  # a body that is sent in pieces
        try:
            return self._runner.run(self._answer(request))
        except ConnectionResetError as error:
            raise httpx.ReadError(str(error), request=request) from error

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._transport.handle_async_request(request)
        # As it was sent: whoever asked decompresses it.
        content = b"".join([chunk async for chunk in answer.aiter_raw()])
        return httpx.Response(answer.status_code, headers=answer.headers, content=content, request=request)
