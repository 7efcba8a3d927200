"""
Writing a run log: one life of one writer process.

``append`` encodes a record, copies the frame into a mapped window of the segment file, and returns: the bytes then
belong to the kernel and survive ``kill -9``. The window is preallocated with ``posix_fallocate``, since a store into
a hole of a full disk would end the training with SIGBUS. It slides by 2 MiB, since mapped pages count as memory of
the process. Payload first, header second: a reader that sees a header sees what it describes.

A disk that refuses never raises into training. Frames then wait in a bounded backlog; what does not fit is counted,
and a ``gap`` record names the count once the disk is back.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from treering.ids import new_segment_id
from treering.limits import (
    BACKLOG_MAX_BYTES,
    DISK_RETRY_S,
    FIRST_ALLOCATION_BYTES,
    FRAME_MAX_BYTES,
    SEGMENT_MAX_AGE_S,
    SEGMENT_MAX_BYTES,
    STATE_EVERY_BYTES,
    WINDOW_BYTES,
)

from . import records
from .frames import (
    CODEC_NONE,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    SKIPPABLE,
    SYNC,
    encode_header,
    pack_frame_fields,
    pack_u32,
    seed,
)
from .sharing import file_mode

__all__ = ["Writer", "map_is_safe"]

# Kinds that an older reader may pass over without misunderstanding the run.
_OPTIONAL = frozenset(
    {
        records.BEAT,
        records.SYSTEM,
        records.CONSOLE,
        records.FACTS,
        records.SOURCE,
        records.SEAL,
        records.FILE,
        records.HELD,
        records.DOCUMENT,
        records.WAITING,
        records.ARTIFACT,
        records.USE,
        records.VERSION,
        records.ARTIFACT_ACT,
    }
)
_FLAGS: Final = tuple(SKIPPABLE if kind in _OPTIONAL else CODEC_NONE for kind in range(256))

# A checkpoint that is large itself (a config may hold a megabyte) stands more rarely: at most a ninth of the log.
_BYTES_PER_CHECKPOINT_BYTE: Final = 8

_PAGE = mmap.ALLOCATIONGRANULARITY
_MADV_POPULATE_WRITE: Final = 23  # linux/mman.h; the mmap module has no name for it

# A file that is truncated or unreachable on another machine would kill a mapped writer with SIGBUS.
_NETWORK = (
    "nfs",
    "lustre",
    "fuse",
    "cifs",
    "smb",
    "9p",
    "beegfs",
    "gpfs",
    "afs",
    "ceph",
    "gluster",
    "orangefs",
    "pvfs",
)


def map_is_safe(folder: Path | str) -> bool:
    """Return whether files in *folder* may be written through a memory map: not on a network or FUSE file system."""
    try:
        device = os.stat(folder).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                fields = line.split(" - ")
                major, _, minor = fields[0].split()[2].partition(":")
                if os.makedev(int(major), int(minor)) == device:
                    return not fields[1].split()[0].startswith(_NETWORK)
    except (OSError, ValueError, IndexError):
        pass
    return True


def _allocate(fd: int, offset: int, length: int) -> None:
    """Reserve real blocks, so that a later store into the map cannot fail."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, offset, length)
        return
    # macOS: writing zeros is the only portable way to own the blocks.
    for at in range(offset, offset + length, 1 << 20):
        os.pwrite(fd, bytes(min(1 << 20, offset + length - at)), at)


class Writer:
    """
    The segments of one life. Thread-safe; safe in signal handlers and ``__del__`` (those queue while an append runs).

    Args:
        folder: the run's folder; segments are ``<segment_id>.trl`` in it.
        life: the map of the life record, written at the head of every segment with its ``index``; the key ``meta``
            goes into the first one only.
        checkpoint: returns the map of a state record; called about once per MiB, on the appending thread.
        mapped: False writes each frame with ``pwrite`` instead of a map (network folders).
        room: called before another segment is begun; an OSError from it counts as a full disk.
        clock_ns: wall clock, nanoseconds.

    Raises:
        OSError: the first segment cannot be created. Nothing raises for disk reasons after that.
    """

    def __init__(
        self,
        folder: Path | str,
        life: dict[str, Any],
        *,
        checkpoint: Callable[[], dict[str, Any]] | None = None,
        mapped: bool | None = None,
        segment_max_bytes: int = SEGMENT_MAX_BYTES,
        room: Callable[[], None] | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.folder = Path(folder)
        self.life = life
        self.segment_id = ""
        self.segments: list[str] = []
        self.closed = False
        self.lost_records = 0  # of all time; each loss is also in a gap record
        self.disk_error: OSError | None = None  # the present one, None while the disk accepts
        self._mapped = map_is_safe(folder) if mapped is None else mapped
        self.checkpoint = checkpoint
        self._segment_max = segment_max_bytes
        self._check_room = room
        self._clock_ns = clock_ns
        self.lock = threading.RLock()
        self._busy = False
        self._waiting: deque[tuple[int, bytes, int]] = deque()  # from signal handlers, drained by the outer append
        self._encode = records.encode
        self._seq = 0
        self._backlog: deque[tuple[int, bytes, int]] = deque()  # what the disk refused, oldest first
        self._backlog_bytes = 0
        self._gap: dict[str, Any] | None = None  # the loss that no gap record names yet
        self._retry_at = 0.0
        self._fd = -1
        self._map: mmap.mmap | None = None
        self._window_start = self._pos = self._chain = self._crc_seed = self._first_seq = self._hashed = 0
        self._mark = self._state_at = 0
        self._state_due = False
        self._opened_at = 0.0
        self._sha = hashlib.sha256()
        self._open_segment()

    # ── the hot path ────────────────────────────────────────────────────────────────────────────────────────────

    def append(self, kind: int, obj: Any, nrec: int = 1) -> None:
        """
        Save one record. When this returns, the record survives the death of the process.

        Raises:
            TypeError, OverflowError, UnicodeEncodeError: *obj* is not plain msgpack data. Never OSError.
        """
        with self.lock:
            self.append_locked(kind, obj, nrec)

    def append_locked(self, kind: int, obj: Any, nrec: int = 1) -> None:
        """:meth:`append` for a caller that holds ``lock`` already: one lock per ``log()`` call, not two."""
        payload = self._encode(obj)
        size = len(payload)
        payload_crc = crc32(payload)
        while self._pos + FRAME_HEADER_BYTES + size <= self._mark:
            seq = self._seq
            head = pack_frame_fields(SYNC, kind, _FLAGS[kind], nrec, size, size, seq, self._chain, payload_crc)
            crc = crc32(head, self._crc_seed)
            head += pack_u32(crc)
            window = self._map
            if window is None:
                break
            # A signal handler may have logged during the calls above; then this frame's place is taken. From here on
            # no call stands between the stores, so that none can run between them.
            if seq == self._seq:
                at = self._pos - self._window_start
                body = at + FRAME_HEADER_BYTES
                end = body + size
                window[body:end] = payload
                window[at:body] = head
                self._pos += FRAME_HEADER_BYTES + size
                self._chain = crc
                self._seq = seq + nrec
                return
        self._append_slowly(kind, payload, nrec)

    def _append_slowly(self, kind: int, payload: bytes, nrec: int) -> None:
        """When more than a copy has to happen: a handler that logs meanwhile queues, and this call drains."""
        if self._busy:
            if not self.closed:
                self._waiting.append((kind, payload, nrec))
            return
        self._busy = True
        try:
            self._put(kind, payload, nrec)
        finally:
            self._busy = False
        if self._waiting:
            self._drain()
        if self._state_due:
            self._write_state()

    def _put(self, kind: int, payload: bytes, nrec: int) -> None:
        end = self._pos + FRAME_HEADER_BYTES + len(payload)
        if end <= self._mark or self._make_room(kind, payload, nrec):
            self._place(kind, payload, nrec)

    def _place(self, kind: int, payload: bytes, nrec: int) -> None:
        """Store a frame for which there is room."""
        size = len(payload)
        while True:
            seq, begin = self._seq, self._pos
            head = pack_frame_fields(SYNC, kind, _FLAGS[kind], nrec, size, size, seq, self._chain, crc32(payload))
            crc = crc32(head, self._crc_seed)
            head += pack_u32(crc)
            window = self._map
            if window is None:
                if not self._write_plain(head + payload, begin, kind, payload, nrec):
                    return
                break
            if seq == self._seq:
                at = begin - self._window_start
                body = at + FRAME_HEADER_BYTES
                window[body : body + size] = payload
                window[at:body] = head
                break
        self._pos = begin + FRAME_HEADER_BYTES + size
        self._chain = crc
        self._seq = seq + nrec

    def _drain(self) -> None:
        while self._waiting:
            kind, payload, nrec = self._waiting.popleft()
            self._busy = True
            try:
                self._put(kind, payload, nrec)
            finally:
                self._busy = False

    def _write_state(self) -> None:
        self._state_due = False
        if self.checkpoint is None:
            return
        try:
            payload = self._encode([self._clock_ns(), self.checkpoint()])
        except (TypeError, ValueError, OverflowError, RecursionError):
            return  # a checkpoint only saves reading; it must not cost the row that was just saved
        self._busy = True
        try:
            if FRAME_HEADER_BYTES + len(payload) <= FRAME_MAX_BYTES:
                self._put(records.STATE, payload, 1)
            self._state_at = self._pos + max(STATE_EVERY_BYTES, _BYTES_PER_CHECKPOINT_BYTE * len(payload))
            self._set_mark()
        finally:
            self._busy = False

    # ── room ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _make_room(self, kind: int, payload: bytes, nrec: int) -> bool:
        """Slide the window, begin the next segment, or hold the frame in memory: False when it was held or lost."""
        size = FRAME_HEADER_BYTES + len(payload)
        if size > FRAME_MAX_BYTES:
            self._lose(nrec, f"a record of {size:,} bytes; at most {FRAME_MAX_BYTES:,} are allowed")
            return False
        refused = self._fd < 0 or self.disk_error is not None
        if refused and (time.monotonic() < self._retry_at or not self._recover()):
            return self._hold(kind, payload, nrec)
        self._mark = 0  # a handler that logs while the windows change queues
        try:
            if self._pos + size > self._segment_max:
                self._rotate()
            if self._map is not None and self._pos + size > self._window_start + len(self._map):
                self._slide(size)
            if self._pos >= self._state_at:
                self._state_at = self._pos + STATE_EVERY_BYTES
                self._state_due = self.checkpoint is not None
        except (OSError, ValueError) as error:  # ValueError: mmap of a file that somebody truncated
            self._fail(error if isinstance(error, OSError) else OSError(errno.EIO, str(error)))
            return self._hold(kind, payload, nrec)
        self._set_mark()
        return True

    def _set_mark(self) -> None:
        """The one number that the hot path compares with: past it, something other than a copy has to happen."""
        if self.disk_error is not None or self._fd < 0:
            self._mark = 0
            return
        room = self._segment_max if self._map is None else min(self._window_start + len(self._map), self._segment_max)
        self._mark = min(room, max(self._state_at, self._pos + FRAME_HEADER_BYTES)) if self.checkpoint else room

    def _slide(self, size: int) -> None:
        """Map the next window, with room for *size* more bytes."""
        start = self._pos // _PAGE * _PAGE
        needed = -(-(self._pos - start + size) // _PAGE) * _PAGE
        first = self._pos <= FIRST_ALLOCATION_BYTES // 2
        length = max(needed, FIRST_ALLOCATION_BYTES if first else WINDOW_BYTES)
        while True:
            try:
                _allocate(self._fd, start, length)
                break
            except OSError as error:
                # An almost full disk is used to its last pages before anything has to wait.
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or length == needed:
                    raise
                length = max(needed, length // 4 // _PAGE * _PAGE)
        self._hash_until(self._pos)
        window = mmap.mmap(self._fd, length, offset=start)
        try:
            # All page faults at once instead of one by one inside log(): p99 of 10 floats 8.6 → 5.3 µs on ext4.
            window.madvise(_MADV_POPULATE_WRITE)
        except (OSError, ValueError, AttributeError):
            pass  # a kernel before 5.14, or macOS
        if self._map is not None:
            self._map.close()
        self._map, self._window_start = window, start

    def _open_segment(self) -> None:
        """Create the next segment file with its header, header mirror and life record."""
        if self._check_room is not None:
            self._check_room()
        segment_id = new_segment_id()
        path = self.folder / f"{segment_id}.trl"
        created_ns = self._clock_ns()
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, file_mode(self.folder))
        header = encode_header(segment_id, created_ns)
        life = {**self.life, "index": len(self.segments), "created_ns": created_ns}
        if self.segments:
            life.pop("meta", None)
        payload = self._encode(life)
        try:
            os.pwrite(fd, header, 0)
            self._fd, self._map, self._window_start = fd, None, 0
            self._pos, self._chain, self._crc_seed = (
                HEADER_BYTES,
                int.from_bytes(header[-4:], "little"),
                seed(segment_id),
            )
            self._sha, self._hashed = hashlib.sha256(), 0
            self._first_seq = self._seq
            if self._mapped:
                self._slide(2 * FRAME_HEADER_BYTES + len(header) + len(payload))
        except OSError:
            os.close(fd)
            self._fd = -1
            path.unlink(missing_ok=True)
            raise
        self._opened_at = time.monotonic()
        self._state_at = self._pos + STATE_EVERY_BYTES
        self._state_due = False
        self.disk_error = None
        self.segment_id = segment_id
        self.segments.append(segment_id)
        seq, self._seq = self._seq, self._first_seq
        self._place(records.HEADER, header, 1)
        self._seq = seq  # the mirror is no record: it takes no sequence number
        self._place(records.LIFE, payload, 1)
        self._set_mark()

    def _rotate(self) -> None:
        self._seal("rotate")
        self._open_segment()
        self._state_at = self._pos  # the new segment begins with a checkpoint
        self._state_due = self.checkpoint is not None

    def rotate_if_old(self) -> None:
        """Begin a new segment if this one is older than six hours, so that a slow run is sealed and shipped too."""
        with self.lock:
            if not self._busy and self._fd >= 0 and time.monotonic() - self._opened_at > SEGMENT_MAX_AGE_S:
                self._busy = True
                try:
                    self._rotate()
                except OSError as error:
                    self._fail(error)
                finally:
                    self._busy = False

    # ── the end of a segment ────────────────────────────────────────────────────────────────────────────────────

    def _seal(self, reason: str) -> None:
        """Write the last frame, with the SHA-256 of everything before it, and give back the preallocated room."""
        fd, self._mark = self._fd, 0
        try:
            self._hash_until(self._pos)
            seal = {
                "sha256": self._sha.hexdigest(),
                "bytes": self._pos,
                "records": self._seq - self._first_seq,
                "reason": reason,
            }
            payload = self._encode(seal)
            size = FRAME_HEADER_BYTES + len(payload)
            if self._map is not None and self._pos + size > self._window_start + len(self._map):
                self._slide(size)
            self._place(records.SEAL, payload, 1)
        finally:
            if self._map is not None:
                self._map.close()
                self._map = None
            if fd >= 0:
                self._fd = -1
                try:
                    os.ftruncate(fd, self._pos)
                finally:
                    os.close(fd)

    def _hash_until(self, end: int) -> None:
        """Feed the running SHA-256, per window while its pages are warm: 64 MiB at once would stall the training."""
        while self._hashed < end:
            chunk = os.pread(self._fd, min(1 << 20, end - self._hashed), self._hashed)
            if not chunk:
                return
            self._sha.update(chunk)
            self._hashed += len(chunk)

    def close(self, reason: str = "finish") -> None:
        """Seal and close. Idempotent; never raises for disk reasons. Appending afterwards does nothing."""
        with self.lock:
            if self.closed:
                return
            self._drain()
            if self._backlog or self.disk_error is not None:
                self._recover()
            self._write_gap()
            self.closed = self._busy = True  # what is appended from here on is dropped
            try:
                if self._fd >= 0 and self.disk_error is None:
                    self._seal(reason)
            except OSError as error:
                self._fail(error)
            for _, _, nrec in self._backlog:
                self.lost_records += nrec

    def abandon(self) -> None:
        """Forget the segment without touching it: what a forked child does with its parent's writer."""
        self.lock = threading.RLock()
        self._busy, self.closed, self._mark = True, True, 0
        fd, self._fd = self._fd, -1
        window, self._map = self._map, None
        if window is not None:
            window.close()
        if fd >= 0:
            os.close(fd)

    # ── a disk that refuses ─────────────────────────────────────────────────────────────────────────────────────

    def _write_plain(self, frame: bytes, offset: int, kind: int, payload: bytes, nrec: int) -> bool:
        """Network folders: write the frame with pwrite, again after a short write; a failure is like a full disk."""
        done = 0
        try:
            while done < len(frame):
                done += os.pwrite(self._fd, frame[done:], offset + done)
            return True
        except OSError as error:
            self._fail(error)
            return self._hold(kind, payload, nrec)

    def _fail(self, error: OSError) -> None:
        """Note the error and stop using this file: after a failed write nothing more is believed of it."""
        self.disk_error = error
        self._retry_at = time.monotonic() + DISK_RETRY_S
        self._mark = 0
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and self._fd >= 0:
            fd, self._fd = self._fd, -1
            window, self._map = self._map, None
            try:
                if window is not None:
                    window.close()
                os.close(fd)
            except (OSError, ValueError):
                pass

    def _hold(self, kind: int, payload: bytes, nrec: int) -> bool:
        """Keep the frame in memory until the disk is back, dropping (and counting) the oldest beyond the limit."""
        self._backlog.append((kind, payload, nrec))
        self._backlog_bytes += len(payload) + FRAME_HEADER_BYTES
        while self._backlog_bytes > BACKLOG_MAX_BYTES:
            _, old, count = self._backlog.popleft()
            self._backlog_bytes -= len(old) + FRAME_HEADER_BYTES
            self._lose(count, str(self.disk_error))
        return False

    def _lose(self, count: int, reason: str) -> None:
        now = self._clock_ns()
        self.lost_records += count
        if self._gap is None:
            self._gap = {"count": 0, "reason": reason, "since_ns": now, "until_ns": now}
        self._gap["count"] += count
        self._gap["until_ns"] = now

    def _recover(self) -> bool:
        """Try the disk again: a window or a segment, then the gap record, then what waited. True if all is written."""
        try:
            if self._fd < 0:
                self._open_segment()
            elif self._mapped:
                self._slide(FRAME_HEADER_BYTES + 1024)
            self.disk_error = None
            self._set_mark()
        except (OSError, ValueError) as error:
            self._fail(error if isinstance(error, OSError) else OSError(errno.EIO, str(error)))
            return False
        held, self._backlog, self._backlog_bytes = self._backlog, deque(), 0
        self._write_gap()
        while held:
            self._put(*held.popleft())  # goes back into the backlog if the disk fails again
        return self.disk_error is None

    def _write_gap(self) -> None:
        """Put the uncounted loss into the log, where it happened: before everything that was kept."""
        gap, self._gap = self._gap, None
        if gap is not None:
            self._put(records.GAP, self._encode([self._clock_ns(), gap]), 1)

    # ── what others may ask ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def path(self) -> Path:
        """The present segment file."""
        return self.folder / f"{self.segment_id}.trl"

    @property
    def position(self) -> int:
        """Bytes of whole frames in the present segment."""
        return self._pos

    @property
    def waiting_records(self) -> int:
        """Records that are held in memory because the disk refuses."""
        return sum(entry[2] for entry in self._backlog)
