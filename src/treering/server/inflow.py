"""
Bodies of frames on their way in: read within limits, inflated within limits, and asked to come slower under load.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from treering.limits import (
    BODY_TIMEOUT_S,
    INGEST_APPENDS_PER_S,
    INGEST_BODY_MAX_BYTES,
    INGEST_IN_FLIGHT_BYTES,
    INGEST_RATIO_MAX,
    SHIP_EVERY_MAX_S,
    SHIP_EVERY_S,
)

from .errors import ApiError

__all__ = ["BLOB", "FRAMES", "Inflow", "inflate"]

FRAMES: Final = "application/x-treering-frames"
BLOB: Final = "application/x-treering-blob"
RETRY_AFTER_S: Final = 5

# A body of constant rows shrinks a lot, and a small one may: the ratio counts beyond this.
_RATIO_FREE_BYTES: Final = 256 * 1024
_INFLATED_ELSEWHERE_BYTES: Final = 32 * 1024  # inflating more takes over a millisecond, which other requests would wait
_ACTIVE_S: Final = 10.0


def inflate(body: bytes) -> bytes:
    """
    Return the bytes of a deflated (zlib) body.

    Raises:
        ApiError: it does not inflate, is more than a body may be, or expands like no run log does.
    """
    most = min(INGEST_BODY_MAX_BYTES, max(_RATIO_FREE_BYTES, INGEST_RATIO_MAX * len(body)))
    engine = zlib.decompressobj()
    try:
        raw = engine.decompress(body, most + 1)
    except zlib.error as error:
        raise ApiError("malformed_segment", f"The body does not inflate: {error}.") from None
    if len(raw) > most:
        raise ApiError("too_large", f"The body inflates beyond {most:,} bytes.")
    if not engine.eof or engine.unused_data:
        raise ApiError("malformed_segment", "The body is not one whole deflate stream.")
    return raw


class Inflow:
    """
    What one server process lets in at once, and how often it wants to be sent to. Lives in the event loop.

    Args:
        lag_s: how far the index is behind what has arrived.
    """

    def __init__(self, lag_s: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._lag_s = lag_s
        self._clock = clock
        self.in_flight_bytes = 0
        self._seen: dict[str, float] = {}  # segment → when it was sent to last
        self._active = 0
        self._counted_at = 0.0

    async def read(self, request: Request, content_type: str = FRAMES, max_bytes: int = INGEST_BODY_MAX_BYTES) -> bytes:
        """
        Return the body of a request; frames are inflated.

        Raises:
            ApiError: another content type; too large, too slow, or more than may be under way at once.
        """
        headers = request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != content_type:
            raise ApiError("unsupported_media_type", f"This route takes {content_type}.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > max_bytes:
            raise ApiError("too_large", f"The body is larger than {max_bytes:,} bytes.")
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                more = True
                while more:
                    message = await request.receive()
                    if message["type"] == "http.disconnect":
                        raise ApiError("bad_request", "The connection ended before the body did.")
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    size += len(chunk)
                    self.in_flight_bytes += len(chunk)
                    if size > max_bytes:
                        raise ApiError("too_large", f"The body is larger than {max_bytes:,} bytes.")
                    # What is counted is what came, not what was announced: an idle client takes nobody's place.
                    if self.in_flight_bytes > INGEST_IN_FLIGHT_BYTES and self.in_flight_bytes > size:
                        raise too_busy(f"Bodies of {self.in_flight_bytes:,} bytes are under way.")
                    chunks.append(chunk)
        except TimeoutError:
            raise ApiError("request_timeout", f"The body did not arrive within {BODY_TIMEOUT_S:g} s.") from None
        finally:
            self.in_flight_bytes -= size
        body = b"".join(chunks)
        if content_type != FRAMES or headers.get("content-encoding", "identity").strip().lower() != "deflate":
            return body
        if len(body) > _INFLATED_ELSEWHERE_BYTES:
            return await run_in_threadpool(inflate, body)
        return inflate(body)

    def note(self, segment: str) -> None:
        """Note that a segment was sent to."""
        self._seen[segment] = self._clock()

    @property
    def every_s(self) -> float:
        """How often each client should send: each second, more rarely the more segments grow or the index is behind."""
        now = self._clock()
        if now - self._counted_at >= 1.0:
            self._counted_at = now
            self._seen = {segment: at for segment, at in self._seen.items() if now - at < _ACTIVE_S}
            self._active = len(self._seen)
        wanted = max(SHIP_EVERY_S, self._active / INGEST_APPENDS_PER_S, self._lag_s())
        return round(min(wanted, SHIP_EVERY_MAX_S), 2)


def too_busy(message: str) -> ApiError:
    """Return the error that asks a client to come again."""
    return ApiError(
        "too_busy", message, "Nothing was stored; send it again later.", {"retry-after": str(RETRY_AFTER_S)}
    )
