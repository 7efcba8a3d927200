"""
uvicorn's HTTP/1.1 with a deadline for the request head: without one, a client that never finishes it holds a
connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from treering.limits import HEADERS_TIMEOUT_S

__all__ = ["Http1"]


class Http1(H11Protocol):
    """Closes a connection whose first request head is not complete within ``HEADERS_TIMEOUT_S``."""

    _head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_deadline = self.loop.call_later(HEADERS_TIMEOUT_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # ``cycle`` is set once a head was read; from then on uvicorn's own keep-alive timer watches.
        if self.cycle is not None:
            self._cancel_head_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head_deadline()
        super().connection_lost(exc)

    def _cancel_head_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None
