"""
The watcher: notices what writers append.

Writers store into mapped memory, which raises no file event and moves a file's time once, so files are looked at.
A ticket in ``live/`` says that a run is being written; its folder's time says when it has a new file; four bytes
where the next frame would begin say whether there is one. All runs are looked through at the start and every minute.

Segments that arrive over the network need no look: whoever stored their bytes says so, and many of them are applied
in one transaction.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from treering.ids import RUN_KEY, SEGMENT_ID
from treering.limits import FULL_SCAN_S, HELPER_OUTLIVES_PARENT_S, LIVE_POLL_S

from .ingest import Ingester
from .liveness import Sight
from .segments import FileSegments, SegmentRef

log = logging.getLogger("treering.store")

LIVENESS_S: Final = 1.0
# The lock is let go after so many segments or bytes, about half a second: an edit need not wait for a whole scan.
SCAN_SEGMENTS: Final = 256
SCAN_BYTES: Final = 64 * 1024 * 1024
ARRIVED_SEGMENTS: Final = 256  # applied in one transaction
# Applying a handful of records costs hardly less than applying a hundred. When very many segments bring a few each,
# the next pass waits three times as long as this one took, so that each then has more; never longer than this.
PAUSE_MAX_S: Final = 3.0
_PAUSE_FACTOR: Final = 3.0
_FEW_FRAMES: Final = 64
# File systems stamp folders by the kernel's tick; a file made in the tick of our look would not move the time again.
_TICK_NS: Final = 50_000_000


class Watcher:
    """
    One thread that calls the ingester. ``lock`` is held while it does.

    Args:
        announced: whether new bytes of a segment are announced with ``arrive``, so that nobody need look.
    """

    def __init__(
        self,
        segments: FileSegments,
        ingester: Ingester,
        lock: threading.RLock,
        running: list[str],
        announced: Callable[[SegmentRef], bool] = lambda ref: False,
    ) -> None:
        self._announced = announced
        self._arrived: dict[SegmentRef, float] = {}  # and when the oldest bytes that wait came; the oldest first
        self._arrived_lock = threading.Lock()
        self._segments = segments
        self._ingester = ingester
        self._lock = lock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked_through = threading.Event()
        self._complete = threading.Event()
        self._running = set(running)
        self._folder_times: dict[str, int] = {}
        self._following: dict[str, set[SegmentRef]] = {}
        # A run that has ended is followed a little longer: its uploader and forked children may still write.
        self._followed_until: dict[str, float] = {}

    def start(self) -> None:
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="treering-ingest", daemon=True)
            self._thread.start()

    def wait_until_complete(self, timeout_s: float) -> bool:
        """Return whether all that was there at the start is applied, points too, within *timeout_s* of now."""
        return self._complete.wait(timeout_s)

    @property
    def has_looked_through(self) -> bool:
        """Whether everything but the points that a crash took from the tail is applied."""
        return self._looked_through.is_set()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def note_state(self, run_key: str, state: str) -> None:
        """Keep an eye on runs that may go on."""
        if state in ("running", "crashed"):
            self._running.add(run_key)
        else:
            self._running.discard(run_key)

    def arrive(self, refs: Iterable[SegmentRef]) -> None:
        """Say that segments have grown; from any thread."""
        now = time.monotonic()
        with self._arrived_lock:
            for ref in refs:
                self._arrived.setdefault(ref, now)

    @property
    def lag_s(self) -> float:
        """How long the oldest bytes have waited that arrived and are not applied yet."""
        with self._arrived_lock:
            return time.monotonic() - next(iter(self._arrived.values())) if self._arrived else 0.0

    def drain(self) -> int:
        """Apply what has arrived. Returns the number of frames applied."""
        applied = 0
        while not self._is_stopping:
            with self._arrived_lock:
                some = dict(list(self._arrived.items())[:ARRIVED_SEGMENTS])
                for ref in some:
                    del self._arrived[ref]
            if not some:
                break
            try:
                with self._lock:
                    applied += self._ingester.ingest(some, live=Sight.ARRIVED)
            except BaseException:
                with self._arrived_lock:
                    self._arrived = {
                        **some,
                        **self._arrived,
                        **some,
                    }  # the next pass reads them again, as old as they are
                raise
            self._stop.wait(0.001)  # an edit that waits for the lock gets it now
        return applied

    def _drain_in_turn(self) -> float:
        """Apply what has arrived and return after how many seconds, from now, to do that again."""
        begin = time.monotonic()
        segments = len(self._arrived)
        applied = self.drain()
        took_s = time.monotonic() - begin
        if applied > _FEW_FRAMES * segments:
            return 0.0
        return took_s + min(PAUSE_MAX_S, _PAUSE_FACTOR * took_s)

    def _run(self) -> None:
        scan_at = liveness_at = drain_at = 0.0
        owes = False
        while not self._stop.is_set():
            now = time.monotonic()
            try:
                if now >= scan_at:
                    self._look_through()
                    scan_at = time.monotonic() + FULL_SCAN_S
                else:
                    if now >= drain_at:
                        drain_at = now + self._drain_in_turn()
                    self.poll()
                owes = self._refill()
                if now >= liveness_at:
                    with self._lock:
                        self._ingester.check_liveness(list(self._running))
                        self._ingester.bound_replay()
                    liveness_at = now + LIVENESS_S
            except Exception:  # the thread must outlive whatever one pass meets; the next one reads it again
                log.exception("ingest failed; it goes on with the next pass")
                self._stop.wait(1.0)
            self._stop.wait(0.001 if owes else LIVE_POLL_S)

    def scan(self) -> int:
        """Look through all runs and read again what a crash took. Returns the number of frames applied."""
        applied = self._look_through()
        while not self._is_stopping and self._refill():
            pass
        return applied

    @property
    def _is_stopping(self) -> bool:
        return self._thread is not None and self._stop.is_set()

    def _refill(self) -> bool:
        """Read some segments again whose points a crash took from the tail. Returns whether there are more."""
        with self._lock:
            for some in self._portions(self._ingester.owed(SCAN_SEGMENTS)):
                self._ingester.ingest(some, live=Sight.OLD)
                break
            if self._ingester.count_owed():
                return True
        if self._looked_through.is_set():
            self._complete.set()
        return False

    def _portions(self, refs: list[SegmentRef]) -> Iterator[list[SegmentRef]]:
        some: list[SegmentRef] = []
        size = 0
        for ref in refs:
            some.append(ref)
            size += self._ingester.unread_bytes(ref)
            if len(some) == SCAN_SEGMENTS or size >= SCAN_BYTES:
                yield some
                some, size = [], 0
        if some:
            yield some

    def _look_through(self) -> int:
        applied = self.drain()
        refs: list[SegmentRef] = []
        for key in self._segments.runs():
            refs += [ref for ref in self._segments.segments(key) if self._ingester.behind(ref)]
        refs.sort(key=self._ingester.age)
        for some in self._portions(refs):
            with self._lock:
                applied += self._ingester.ingest(some, live=Sight.OLD)
            if self._is_stopping:
                return applied
        with self._lock:
            self._drop_tickets()
        self._looked_through.set()
        return applied

    def poll(self) -> int:
        """Look at the runs that are being written. Returns the number of frames applied."""
        with self._lock:
            now = time.monotonic()
            live = {ref.run_key for ref in self._tickets()} | self._running
            self._followed_until.update(dict.fromkeys(live, now + HELPER_OUTLIVES_PARENT_S))
            for key in [key for key, until in self._followed_until.items() if until < now]:
                del self._followed_until[key]
                self._following.pop(key, None)
                self._folder_times.pop(key, None)
            refs: list[SegmentRef] = []
            for key in self._followed_until:
                self._list(key)
                refs += [
                    ref
                    for ref in self._following.get(key, ())
                    if not self._announced(ref) and self._ingester.behind(ref)
                ]
            applied = self._ingester.ingest(refs, live=Sight.LIVE) if refs else 0
            if applied:
                self._drop_tickets()
            return applied

    def _list(self, key: str) -> None:
        try:
            changed_ns = os.stat(self._segments.folder(key)).st_mtime_ns
        except OSError:
            return
        if self._folder_times.get(key) == changed_ns:
            return
        looked_ns = time.time_ns()
        self._following[key] = set(self._segments.segments(key))
        if looked_ns - changed_ns > _TICK_NS:
            self._folder_times[key] = changed_ns

    def _tickets(self) -> list[SegmentRef]:
        try:
            names = os.listdir(self._segments.live)
        except OSError:
            return []
        found: list[SegmentRef] = []
        for name in names:
            key, _, segment = name.partition(".")
            if RUN_KEY.match(key) and SEGMENT_ID.match(segment):
                found.append(SegmentRef(key, segment))
        return found

    def _drop_tickets(self) -> None:
        for ref in self._ingester.ended(self._tickets()):
            try:
                (self._segments.live / f"{ref.run_key}.{ref.segment}").unlink(missing_ok=True)
            except OSError:
                continue  # a read-only folder keeps its tickets: a look at each costs microseconds
