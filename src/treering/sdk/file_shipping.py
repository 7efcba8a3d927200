"""
Getting files to another place, after the records that declare them.

A run's log says which files belong to it, by hash; their bytes lie beside it. The destination is asked which of them
it lacks, and is sent those, in pieces and from where an earlier try ended. Points come first: a piece is sent when no
record waits, and is small enough that the next record does not wait long for it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from treering.errors import TreeringError
from treering.limits import (
    BLOB_CHUNK_BYTES,
    BLOBS_QUERY_MAX,
    FILE_DECLARED_WAIT_S,
    READ_CHUNK_BYTES,
    SHIP_BACKOFF_MAX_S,
    SHIP_EVERY_S,
)
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, SYNC, Frame, decode_frame_header, seed
from treering.runlog.shipment import Pread

from .destination import Refused, TooLarge, Unreachable
from .shipping import SegmentStatus

__all__ = ["Declared", "FileDestination", "FileShipper", "PieceGap", "declared_files"]

_MARK: Final = SYNC + bytes([records.FILE])
_PIECE_FIRST_BYTES: Final = 256 * 1024
_PIECE_LEAST_BYTES: Final = 32 * 1024
_PIECE_S: Final = 1.0  # that one piece should take
_SETBACKS_MAX: Final = 20  # answers after which a file is no further than before
_NOT_YET: Final = frozenset({"run_not_found", "not_found", "project_not_found"})  # its records are not applied yet
_ASK_AGAIN_S: Final = 1.0


class Declared(NamedTuple):
    """A file that a run's log names."""

    sha256: str
    size: int


class PieceGap(TreeringError):
    """The destination has another number of bytes of a file than what a piece would follow."""

    def __init__(self, length: int) -> None:
        super().__init__(f"The other side has {length:,} bytes.")
        self.length = length


class FileDestination(Protocol):
    """Where files go. Both methods raise Unreachable or Refused."""

    def missing_files(self, run_key: str, sha256: Sequence[str]) -> list[tuple[str, int]]:
        """Return those of the files that have to be sent for a run, and from where on."""

    def send_piece(self, run_key: str, file: Declared, offset: int, piece: bytes) -> tuple[int, bool]:
        """Send a piece; return how many bytes are there now, and whether that is all. Raises PieceGap."""


class Segments(Protocol):
    """Where the records are, as ``SegmentFiles`` has them."""

    def run_of(self, segment: str) -> str:
        """Return the key of the run whose folder has the segment."""

    def pread(self, segment: str, length: int, offset: int) -> bytes:
        """As ``os.pread``."""


def declared_files(segment: str, pread: Pread, begin: int, end: int) -> tuple[list[Declared], int]:
    """
    Return the files that frames between *begin* and *end* of a segment declare, and where to look on.

    Only those frames are looked at that say they are of this kind: a log of millions of points is read at the speed of
    the page cache.
    """
    start = seed(segment)
    found: list[Declared] = []
    at = begin
    while at < end:
        chunk = pread(min(READ_CHUNK_BYTES, end - at), at)
        place = chunk.find(_MARK)
        while place >= 0:
            frame, whole = _frame(chunk, place, at, start, pread, end)
            if frame is not None:
                found += _declared(frame)
            elif not whole:
                return found, at + place
            place = chunk.find(_MARK, place + 1)
        if len(chunk) < READ_CHUNK_BYTES:
            # A mark that is cut in half here is whole the next time.
            return found, max(begin, at + len(chunk) - len(_MARK) + 1)
        at += len(chunk) - len(_MARK) + 1
    return found, at


def _frame(chunk: bytes, place: int, at: int, start: int, pread: Pread, end: int) -> tuple[Frame | None, bool]:
    """Return the frame at *place*, if it is one, and whether more bytes would change that."""
    head_bytes = chunk[place : place + FRAME_HEADER_BYTES]
    if len(head_bytes) < FRAME_HEADER_BYTES:
        head_bytes = pread(FRAME_HEADER_BYTES, at + place)
    if len(head_bytes) < FRAME_HEADER_BYTES:
        return None, False
    head = decode_frame_header(head_bytes, 0, start)
    if head is None:
        return None, True
    offset = at + place
    frame_end = offset + FRAME_HEADER_BYTES + head.length
    if frame_end > end:
        return None, False
    payload = pread(head.length, offset + FRAME_HEADER_BYTES)
    frame = Frame(head.kind, head.flags, head.nrec, head.first_seq, offset, frame_end, payload, head.header_crc)
    return frame, True


def _declared(frame: Frame) -> list[Declared]:
    try:
        return [
            Declared(file.sha256, int(file.bytes))
            for file in records.decode(frame)
            if len(file.sha256) == 64 and set(file.sha256) <= _HEX
        ]
    except (TreeringError, msgspec.DecodeError, TypeError, ValueError, AttributeError):
        return []  # whoever wrote it wrote nonsense; the destination says so on the run


_HEX: Final = frozenset("0123456789abcdef")


class _Job:
    """One file that has to be at the destination for one run."""

    __slots__ = ("again", "file", "offset", "run_key", "setbacks", "since")

    def __init__(self, run_key: str, file: Declared, since: float) -> None:
        self.run_key = run_key
        self.file = file
        self.offset = 0
        self.since = since
        self.setbacks = 0
        self.again = False  # the other side has a part of it already, which may be what is wrong


class FileShipper:
    """
    Ships the files that segments declare. Not thread-safe.

    Args:
        segments: where the records are.
        blobs: the folder with the bytes.
        clock: monotonic seconds.

    Attributes:
        error: why nothing can be sent at present; empty while the destination answers.
        failed: files that will not get there, by hash, with the reason.
        sent_bytes: confirmed by the destination since the beginning.
        progress_at: when bytes were last confirmed.
    """

    def __init__(
        self,
        segments: Segments,
        blobs: Path,
        destination: FileDestination,
        clock: Callable[[], float],
        *,
        chance: random.Random | None = None,
    ) -> None:
        self._segments = segments
        self._blobs = blobs
        self._destination = destination
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads requests over time
        self._looked: dict[str, int] = {}
        self._known: set[tuple[str, str]] = set()
        self._asking: dict[str, deque[_Job]] = {}  # by run
        self._sending: deque[_Job] = deque()
        self._ask_at: dict[str, float] = {}
        self._piece_bytes = _PIECE_FIRST_BYTES
        self._piece_max = BLOB_CHUNK_BYTES
        self._failures = 0
        self._quiet_until = 0.0
        self._store: tuple[str, int] | None = None
        self.error = ""
        self.failed: dict[str, str] = {}
        self.failed_runs: dict[str, str] = {}
        self.sent_bytes = 0
        self.requests = 0
        self.progress_at = clock()

    # ── what is to be sent ──────────────────────────────────────────────────────────────────────────────────────

    def look(self, status: Iterable[SegmentStatus], store: tuple[str, int] | None) -> None:
        """Learn which files are declared by what the destination holds. *store*: which one it is, as it says."""
        if self._store is not None and store is not None and store != self._store:
            self._begin_again()
        self._store = store or self._store
        for one in status:
            forked = one.target != one.segment  # what stands behind damage is sent as a part of its own
            end = one.ours if forked else one.held
            begin = self._looked.get(one.segment, 0)
            if end <= begin:
                continue
            run_key = self._segments.run_of(one.segment)
            try:
                found, self._looked[one.segment] = declared_files(one.segment, self._reader(one.segment), begin, end)
            except OSError:
                continue  # the shipper says what is wrong with it
            now = self._clock()
            for file in found:
                if (run_key, file.sha256) not in self._known:
                    self._known.add((run_key, file.sha256))
                    self._asking.setdefault(run_key, deque()).append(_Job(run_key, file, now))

    def _reader(self, segment: str) -> Pread:
        segments = self._segments
        return lambda length, offset: segments.pread(segment, length, offset)

    def _begin_again(self) -> None:
        """It is another store, or an older state of the same: ask for everything again."""
        self._looked.clear()
        self._known.clear()
        self._asking.clear()
        self._sending.clear()
        self.failed.clear()
        self.failed_runs.clear()

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return not self._sending and not any(self._asking.values())

    @property
    def left(self) -> tuple[int, int]:
        """Return how many files are left, and how many bytes of them, as far as is known."""
        jobs = [*self._sending, *(job for waiting in self._asking.values() for job in waiting)]
        return len(jobs), sum(job.file.size - job.offset for job in jobs)

    # ── one step ────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self) -> float:
        """Make at most one request. Returns when to be called again, by the clock."""
        now = self._clock()
        if now < self._quiet_until:
            return self._quiet_until
        try:
            if self._ask(now) or self._send():
                self.error, self._failures = "", 0
                return self._clock()
        except Unreachable as error:
            return self._back_off(str(error), error.retry_after_s)
        except Refused as error:
            return self._back_off(str(error), None)
        waiting = [at for run_key, at in self._ask_at.items() if self._asking.get(run_key)]
        return min([now + SHIP_EVERY_S, *waiting])

    def _ask(self, now: float) -> bool:
        for run_key in list(self._asking):
            if now < self._ask_at.get(run_key, 0.0):
                continue
            waiting = self._asking[run_key]
            asked = [waiting.popleft() for _ in range(min(len(waiting), BLOBS_QUERY_MAX))]
            if not waiting:
                del self._asking[run_key]
            if not asked:
                continue
            self.requests += 1
            try:
                missing = dict(self._destination.missing_files(run_key, [job.file.sha256 for job in asked]))
            except Refused as error:
                self._refused(asked, error, now)
                return True
            except Unreachable:
                self._asking.setdefault(run_key, deque()).extendleft(reversed(asked))
                raise
            for job in asked:
                if job.file.sha256 in missing:
                    job.offset = min(max(missing[job.file.sha256], 0), job.file.size)
                    job.again = job.offset > 0
                    self._sending.append(job)
            return True
        return False

    def _send(self) -> bool:
        if not self._sending:
            return False
        job = self._sending[0]
        piece = self._read(job)
        if piece is None:
            self._sending.popleft()
            return True
        begun = self._clock()
        self.requests += 1
        try:
            length, whole = self._destination.send_piece(job.run_key, job.file, job.offset, piece)
        except PieceGap as gap:
            ahead = job.offset < gap.length <= job.file.size  # somebody else sends it, too
            job.setbacks += not ahead
            if gap.length == job.offset or not 0 <= gap.length <= job.file.size or job.setbacks > _SETBACKS_MAX:
                self._fail(job, "the other side does not go on with it")
                self._sending.popleft()
            else:
                job.offset = gap.length
            return True
        except TooLarge as error:
            if len(piece) <= _PIECE_LEAST_BYTES:
                self._fail(job, str(error))
                self._sending.popleft()
            self._piece_bytes = self._piece_max = max(len(piece) // 2, _PIECE_LEAST_BYTES)
            return True
        except Refused as error:
            self._sending.popleft()
            if job.again and not error.everything and error.code not in _NOT_YET:
                job.again, job.offset = False, 0
                self._sending.append(job)
            else:
                self._refused([job], error, begun)
            return True
        self._adapt(len(piece), self._clock() - begun)
        if whole or job.offset + len(piece) <= length <= job.file.size:
            self.sent_bytes += len(piece)
            self.progress_at = self._clock()
        else:  # no progress, so that nobody waits for its end for ever
            job.setbacks += 1
        job.offset = max(length, 0)
        if whole:
            self._sending.popleft()
        elif job.offset >= job.file.size:
            self._fail(job, "the other side has all bytes and does not say that it is whole")
            self._sending.popleft()
        elif job.setbacks > _SETBACKS_MAX:
            self._fail(job, "the other side takes its bytes and does not keep them")
            self._sending.popleft()
        return True

    def _read(self, job: _Job) -> bytes | None:
        """Return the next piece of a file; None if it cannot be read."""
        path = self._blobs / job.file.sha256[:2] / job.file.sha256
        want = min(self._piece_bytes, job.file.size - job.offset)
        try:
            with path.open("rb") as file:
                file.seek(job.offset)
                piece = file.read(want)
        except OSError as error:
            self._fail(job, f"its bytes cannot be read here: {error.strerror}")
            return None
        if len(piece) != want:
            self._fail(job, f"only {job.offset + len(piece):,} of {job.file.size:,} bytes are here")
            return None
        return piece

    def _adapt(self, size: int, took_s: float) -> None:
        if took_s < _PIECE_S / 2 and size == self._piece_bytes:
            self._piece_bytes = min(2 * self._piece_bytes, self._piece_max)
        elif took_s > 2 * _PIECE_S:
            self._piece_bytes = max(self._piece_bytes // 2, _PIECE_LEAST_BYTES)

    # ── when it does not go well ────────────────────────────────────────────────────────────────────────────────

    def _refused(self, jobs: Collection[_Job], error: Refused, now: float) -> None:
        if error.everything:
            for job in jobs:
                self._asking.setdefault(job.run_key, deque()).append(job)
            raise error
        for job in jobs:
            if error.code in _NOT_YET and now - job.since < FILE_DECLARED_WAIT_S:
                self._asking.setdefault(job.run_key, deque()).append(job)
                self._ask_at[job.run_key] = now + _ASK_AGAIN_S
            else:
                self._fail(job, str(error))

    def _fail(self, job: _Job, reason: str) -> None:
        self.failed[job.file.sha256] = reason
        self.failed_runs.setdefault(job.run_key, f"the file {job.file.sha256[:12]}…: {reason}")

    def _back_off(self, reason: str, retry_after_s: float | None) -> float:
        self.error = reason
        self._failures += 1
        pause = min(SHIP_BACKOFF_MAX_S, 2.0 ** min(self._failures - 1, 10)) * (0.5 + self._chance.random() / 2)
        self._quiet_until = self._clock() + max(pause, min(retry_after_s or 0.0, SHIP_BACKOFF_MAX_S))
        return self._quiet_until

    def try_now(self) -> None:
        """Do not wait for the end of a pause: something changed."""
        self._quiet_until = 0.0
