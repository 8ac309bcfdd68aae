"""Pages that arrive as over a slow line: a browser shows what has come, and must not move it when the rest comes."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE_BYTES = 700
PAUSE_SECONDS = 0.03
"""Between two pieces: longer than a browser takes to draw."""


class InPieces:
    """An application whose pages arrive piece after piece; what belongs to them arrives as ever."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = MutableHeaders(scope=scope)
        is_page = headers.get("sec-fetch-mode") == "navigate"
        headers["accept-encoding"] = "identity"  # a browser cannot read half of what is packed

        async def send_in_pieces(message: Message) -> None:
            body = message.get("body", b"")
            while len(body) > PIECE_BYTES:
                await send({**message, "body": body[:PIECE_BYTES], "more_body": True})
                await asyncio.sleep(PAUSE_SECONDS)
                body = body[PIECE_BYTES:]
            await send({**message, "body": body} if body else message)

        await self.app(scope, receive, send_in_pieces if is_page else send)
