"""
Segments that arrive over the network.

The life of an append: it waits in a queue; the one committer thread takes all that wait, has them checked and written
behind what the files hold, makes every touched file durable at once, and only then answers. So fifty clients cost one
round of ``fdatasync``, and what was answered with "held" survives a power cut.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any, NamedTuple

from treering.errors import (
    Overloaded,
    StorageError,
    TreeringError,
)
from treering.limits import (
    RECEIVE_APPENDS_MAX,
    RECEIVE_BACKLOG_BYTES,
)
from treering.runlog.shipment import Held

from .received_files import ReceivedFiles
from .receiver import Append, Receiver, Register, Uploader
from .segments import FileSegments, SegmentRef

__all__ = ["Counts", "Received"]

log = logging.getLogger("treering.store")


class Counts:
    """What the committer has done since the server started, for its metrics. One thread writes; any may read."""

    def __init__(self) -> None:
        self.appends = 0
        self.bytes = 0
        self.commits = 0
        self.commit_s = 0.0
        self.sync_s = 0.0
        self.failures = 0


class _Look(NamedTuple):
    """A question what is held of segments."""

    segments: Collection[str]


class Received:
    """
    The received segments of a store. Thread-safe.

    Args:
        receiver: the logic; from here on only the committer thread calls it.
        arrived: called on the committer thread with the segments that have grown, once that is durable.
        may_write: raises StorageFull while the disk is too full for anything new.
    """

    def __init__(
        self,
        receiver: Receiver,
        arrived: Callable[[list[SegmentRef]], None],
        may_write: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._receiver = receiver
        self._arrived = arrived
        self._may_write = may_write
        self._close = close
        self._queue: deque[tuple[Append | _Look, Future[Any]]] = deque()
        self._queued_bytes = 0
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.counts = Counts()

    @classmethod
    def on_disk(
        cls,
        segments: FileSegments,
        register: Register,
        arrived: Callable[[list[SegmentRef]], None],
        may_write: Callable[[], None],
        *,
        hint: Callable[[str], Held | None],
        find: Callable[[str], SegmentRef | None],
        clock_ns: Callable[[], int],
    ) -> Received:
        """Return the received segments of a data folder."""
        files = ReceivedFiles(segments)
        receiver = Receiver(files, register, hint=hint, find=find, clock_ns=clock_ns, sync_all=files.sync_all)
        return cls(receiver, arrived, may_write, files.close)

    def append(self, segment: str, offset: int, prev: int, body: bytes, by: Uploader) -> Held:
        """
        Append frames to a segment and return what is held once they are durable.

        Raises:
            SegmentGap, SegmentDiverged: they do not fit; what is held stands in the error. Nothing was changed.
            FormatError, InvalidName: they are not frames of this segment, or not the beginning of one.
            StorageFull, StorageError: the disk refused. Nothing of it counts as held.
            Overloaded: too much waits.
        """
        return self.submit(Append(segment, offset, prev, body, by)).result()

    def submit(self, append: Append) -> Future[Held]:
        """Queue an append; the future has what ``append`` returns or raises."""
        self._may_write()
        return self._put(append, len(append.body))

    def held(self, segments: Collection[str]) -> dict[str, Held]:
        """Return what is held, durably, of those segments that are known and readable."""
        return self.look(segments).result()

    def look(self, segments: Collection[str]) -> Future[dict[str, Held]]:
        """Queue the question of ``held``."""
        return self._put(_Look(segments), 0)

    def follows(self, ref: SegmentRef) -> bool:
        """Return whether *ref* is a received segment that this process has had to do with: its arrival is announced."""
        return ref.segment in self._receiver.positions

    def length(self, segment: str) -> int:
        """Return the bytes held as far as that is known without looking; 0 if not."""
        held = self._receiver.positions.get(segment)
        return 0 if held is None else held.length

    def _put(self, job: Append | _Look, size: int) -> Future[Any]:
        future: Future[Any] = Future()
        with self._wake:
            if self._closed:
                raise Overloaded("The server is stopping.")
            if self._queued_bytes and self._queued_bytes + size > RECEIVE_BACKLOG_BYTES:
                raise Overloaded(f"{self._queued_bytes:,} bytes wait for the disk already.")
            self._queued_bytes += size
            self._queue.append((job, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="treering-received", daemon=True)
                self._thread.start()
            self._wake.notify()
        return future

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closed:
                    self._wake.wait()
                if not self._queue:
                    return
                jobs = [self._queue.popleft() for _ in range(min(len(self._queue), RECEIVE_APPENDS_MAX))]
                self._queued_bytes -= sum(len(job.body) for job, _ in jobs if isinstance(job, Append))
            try:
                self._do(jobs)
            except BaseException as error:  # whoever waits must be told, and the thread must go on
                log.exception("the committer failed")
                for _, future in jobs:
                    if not future.done():
                        future.set_exception(StorageError(f"The server failed to store it ({type(error).__name__})."))

    def _do(self, jobs: list[tuple[Append | _Look, Future[Any]]]) -> None:
        begin = time.perf_counter()
        appends = [(job, future) for job, future in jobs if isinstance(job, Append)]
        answers = self._receiver.commit([job for job, _ in appends]) if appends else []
        took_s = time.perf_counter() - begin
        counts = self.counts
        grown: dict[SegmentRef, None] = {}
        for (append, future), answer in zip(appends, answers, strict=True):
            if isinstance(answer, Exception):
                counts.failures += isinstance(answer, StorageError)
                future.set_exception(answer)
                continue
            ref = self._receiver.ref(append.segment)
            if ref is not None and append.body:
                grown[ref] = None
            counts.appends += 1
            counts.bytes += len(append.body)
            future.set_result(answer)
        if appends:
            counts.commits += 1
            counts.commit_s += took_s
            counts.sync_s = self._receiver.sync_s
        for job, future in jobs:
            if isinstance(job, _Look):
                future.set_result(self._look(job.segments))
        if grown:
            self._arrived(list(grown))

    def _look(self, segments: Collection[str]) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for segment in segments:
            try:
                held = self._receiver.held(segment)
            except (TreeringError, OSError) as error:
                log.warning("segment %s cannot be measured: %s", segment, error)
                continue
            if held is not None:
                found[segment] = held
        return found

    def close(self) -> None:
        """Finish what waits, then close the files. Idempotent."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._close()
