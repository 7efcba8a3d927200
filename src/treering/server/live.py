"""
Live updates: the store says that something changed, and every open stream asks what.

The store calls back from its ingest thread; here that becomes a wake-up in the event loop. A stream carries only
which runs changed, never their data, so a slow reader costs a few hundred bytes and no queue: it asks again from
where it stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool

from treering.limits import PING_EVERY_S, RIGHTS_CHECKED_EVERY_S, STREAMS_MAX
from treering.store import Store

from .errors import ApiError
from .replies import encode_json

__all__ = ["LiveHub"]


class LiveHub:
    """The open streams of one server. ``start`` in the event loop; ``close`` ends every stream."""

    def __init__(self, store: Store, ping_every_s: float = PING_EVERY_S) -> None:
        self._store = store
        self._ping_every_s = ping_every_s
        self._wakers: set[asyncio.Event] = set()
        self._closed = False
        self._checks = 0  # asked for
        self._unsubscribe: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to listen to the store."""
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = self._store.subscribe(lambda seq: self._wake_soon())

    def close(self) -> None:
        """End every stream, now and to come."""
        self._closed = True
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self.wake()

    @property
    def open_streams(self) -> int:
        """How many streams are being read."""
        return len(self._wakers)

    def wake(self) -> None:
        """Have every stream look again whether its reader may still have it; from any thread."""
        self._checks += 1
        self._wake_soon()

    def _wake_soon(self) -> None:
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop has closed, and its streams with it
                pass

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()

    def stream(self, entity: str, project: str, since: int, still_allowed: Callable[[], bool]) -> AsyncIterator[bytes]:
        """
        Return a stream of server-sent events for the changes of a project after *since*.

        Raises:
            ApiError: too many streams are open.
        """
        if len(self._wakers) >= STREAMS_MAX:
            raise ApiError("too_busy", f"{STREAMS_MAX} live streams are open.", "Poll /changes instead.")
        return self._events(entity, project, since, still_allowed)

    async def _events(
        self, entity: str, project: str, since: int, still_allowed: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        waker = asyncio.Event()
        self._wakers.add(waker)
        now_s = asyncio.get_running_loop().time
        tick_s = min(self._ping_every_s, RIGHTS_CHECKED_EVERY_S)
        try:
            # Something at once, so that the reader knows that the stream stands and no proxy waits for more.
            yield b": open\n\n"
            checked_s, checks, told_s = now_s(), self._checks, now_s()
            while not self._closed:
                waker.clear()  # before the question: what changes from here on wakes us again
                changes = await run_in_threadpool(self._store.changes, entity, project, since)
                since = changes.seq
                if changes.runs or changes.reset:
                    told_s = now_s()
                    yield b"event: change\ndata: " + encode_json(changes) + b"\n\n"
                while True:
                    await _wait(waker, tick_s)
                    if not waker.is_set() and now_s() - told_s >= self._ping_every_s * 0.9:
                        told_s = now_s()
                        yield b"event: ping\ndata: {}\n\n"
                    if checks != self._checks or now_s() - checked_s >= RIGHTS_CHECKED_EVERY_S * 0.9:
                        checked_s, checks = now_s(), self._checks
                        if not await run_in_threadpool(still_allowed):
                            return
                    if waker.is_set():
                        break
        finally:
            self._wakers.discard(waker)


async def _wait(waker: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(waker.wait(), timeout_s)
    except TimeoutError:
        pass
