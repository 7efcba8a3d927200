"""
Compression for readers that are far away. On loopback it costs more time than it saves: 14 MB take 7 ms as they are.
"""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["CompressRemote"]

_MIN_BYTES = 1_000


class CompressRemote:
    """ASGI layer that offers gzip to clients on other machines. Event streams are left alone by the layer inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._compressed = GZipMiddleware(app, minimum_size=_MIN_BYTES, compresslevel=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        # No client address means a unix socket.
        near = client is None or client[0] in ("", "127.0.0.1", "::1") or client[0].startswith("127.")
        await (self.app if near or scope["type"] != "http" else self._compressed)(scope, receive, send)
