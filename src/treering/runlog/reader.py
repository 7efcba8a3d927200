"""
Reading a segment, once or while it grows.

Only ``pread``, never ``mmap``: a file that is truncated under a mapped reader kills the reader. A frame counts when
its header CRC and its payload CRC hold; the header CRC is seeded with the segment id, so neither damage nor the
stale bytes of another file can invent a record. A bad frame with nothing valid behind it is the tail of a living
writer or of a crash: the reader waits there. A bad frame with valid ones behind it is a hole: it is reported with
its place, and everything behind it is read.
"""

from __future__ import annotations

import os
import stat
import zlib
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

from treering.errors import NotASegment
from treering.ids import SEGMENT_ID
from treering.limits import FRAME_MAX_BYTES, READ_CHUNK_BYTES, SCAN_BUDGET_FACTOR

from . import records
from .frames import (
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    SYNC,
    Frame,
    FrameHeader,
    Header,
    decode_frame_header,
    decode_header,
    seed,
)

__all__ = ["Damage", "Header", "SegmentReader", "open_segment"]


class Damage(NamedTuple):
    """Bytes of a segment that could not be read."""

    offset: int
    length: int
    reason: str


def open_segment(path: Path | str) -> int:
    """
    Return a descriptor to read a segment with.

    A folder may hold anything under a segment's name: opening a pipe must not wait for somebody who writes into it.

    Raises:
        NotASegment: not a regular file.
        FileNotFoundError, OSError: as ``open`` does.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotASegment(f"{path}: not a regular file.")
    return fd


class SegmentReader:
    """
    Reads the whole frames of one segment file, from *offset* on, and can be asked again as the file grows.

    Attributes:
        header: the file header, or one rebuilt from the file's name if its sector is lost.
        offset: where the next frame will begin; give it, with ``chain``, to a later reader to go on there.
        chain: header CRC of the last frame read.
        damage: holes found so far, in file order.
        sealed: a seal record was read; the writer will add nothing more.

    Raises:
        NotASegment: another kind of file.
        NewerFormat: written by a treering that this one must not guess at.
        FileNotFoundError, OSError: as ``open`` does.
    """

    def __init__(self, path: Path | str, offset: int = 0, chain: int | None = None) -> None:
        self.path = Path(path)
        self.damage: list[Damage] = []
        self.sealed = False
        self._torn = False
        self._work = 0
        self._seen: list[list[int]] = []  # after a hole: [first, last) sequence numbers already returned
        self._fd = open_segment(self.path)
        try:
            self.header = self._read_header()
        except BaseException:
            os.close(self._fd)
            raise
        self._seed = seed(self.header.segment_id)
        self.offset = offset or HEADER_BYTES
        self.chain = self.header.crc if chain is None else chain
        self._next_seq: int | None = None if offset > HEADER_BYTES else 0

    def close(self) -> None:
        """Close the file. Reading afterwards raises OSError."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> SegmentReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def status(self) -> str:
        """``"sealed"``, ``"damaged"`` (a hole), ``"torn"`` (no whole frame at the end) or ``"clean"``."""
        if self.damage:
            return "damaged"
        if self.sealed:
            return "sealed"
        return "torn" if self._torn else "clean"

    def pending(self) -> bool:
        """Return whether something stands where the next frame would begin: one 4-byte read, for polling many files."""
        return os.pread(self._fd, 4, self.offset) not in (b"", b"\0\0\0\0")

    def read(self, limit_bytes: int = READ_CHUNK_BYTES, *, whole: bool = False) -> list[Frame]:
        """
        Return the next whole frames, about *limit_bytes* of them; an empty list when there are none for now.

        Zeros are the room in front of a living writer, or a hole: a frame behind them, in the same chunk, tells the
        two apart. *whole* says that the writer is gone: frames are then looked for behind any number of zeros.

        Header mirrors are passed over. Frames come in file order; after a hole each sequence number comes once.
        """
        while True:
            chunk = os.pread(self._fd, max(limit_bytes, FRAME_HEADER_BYTES), self.offset)
            if len(chunk) < FRAME_HEADER_BYTES:
                self._torn = any(chunk)
                return []
            frames, used, need = self._parse(chunk)
            if not used and need > len(chunk):  # one frame larger than the chunk
                chunk = os.pread(self._fd, need, self.offset)
                frames, used, need = self._parse(chunk)
            if used:
                self.offset += used
                self._torn = False
                if frames:
                    return frames
                continue
            zeros = not any(chunk[:FRAME_HEADER_BYTES])
            if zeros and SYNC[:1] not in chunk and not (whole and self._more_behind_zeros(chunk)):
                self._torn = False
                return []
            if not self._resync():
                self._torn = whole or not zeros  # a payload that is being written stands behind the zeros of its header
                return []

    # ── parsing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _parse(self, chunk: bytes) -> tuple[list[Frame], int, int]:
        """Return (frames, bytes used, bytes that the first frame needs), up to the first frame that is not whole."""
        frames: list[Frame] = []
        at = 0
        size = len(chunk)
        crc32 = zlib.crc32
        while True:
            head = decode_frame_header(chunk, at, self._seed)
            if head is None or head.length > FRAME_MAX_BYTES:
                return frames, at, 0
            begin = at + FRAME_HEADER_BYTES
            end = begin + head.length
            if end > size:
                return frames, at, end if at == 0 else 0
            payload = chunk[begin:end]
            if crc32(payload) != head.payload_crc:
                if not self._followed(chunk, end):
                    return frames, at, 0
                self.damage.append(Damage(self.offset + at, end - at, "payload checksum"))
                self._note_gap(head)
            elif self._accept(head, self.offset + at, end - at) and head.kind != records.HEADER:
                if head.kind == records.SEAL:
                    self.sealed = True
                frames.append(
                    Frame(
                        head.kind,
                        head.flags,
                        head.nrec,
                        head.first_seq,
                        self.offset + at,
                        self.offset + end,
                        payload,
                        head.header_crc,
                    )
                )
            self.chain = head.header_crc
            at = end

    def _accept(self, head: FrameHeader, offset: int, length: int) -> bool:
        """Return whether this frame's records are new; after a hole a displaced block may repeat or precede others."""
        first, last = head.first_seq, head.first_seq + head.nrec
        if head.kind == records.HEADER:
            return True
        if not self.damage:
            if head.prev != self.chain:
                self.damage.append(Damage(offset, 0, "chain broken before this frame"))
                self._seen = (
                    [[0, first]]
                    if self._next_seq is not None and first >= self._next_seq
                    else [[0, self._next_seq or 0]]
                )
            else:
                self._next_seq = last
                return True
        if not self._mark_seen(first, last):
            self.damage.append(Damage(offset, length, "records that were already read"))
            return False
        return True

    def _mark_seen(self, first: int, last: int) -> bool:
        seen = self._seen
        at = bisect_right(seen, [first, 1 << 63]) - 1
        if at >= 0 and first < seen[at][1]:
            return False
        if at >= 0 and seen[at][1] == first:
            seen[at][1] = last
        else:
            seen.insert(at + 1, [first, last])
        return True

    def _note_gap(self, head: FrameHeader) -> None:
        if not self._seen:
            self._seen = [[0, head.first_seq]]
        self._mark_seen(head.first_seq, head.first_seq + head.nrec)

    def _followed(self, chunk: bytes, end: int) -> bool:
        """Return whether a valid frame header stands behind a bad payload: then it is damage, not work in progress."""
        if len(chunk) - end >= FRAME_HEADER_BYTES:
            return decode_frame_header(chunk, end, self._seed) is not None
        behind = os.pread(self._fd, FRAME_HEADER_BYTES, self.offset + end)
        return decode_frame_header(behind, 0, self._seed) is not None

    # ── damage ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _resync(self) -> bool:
        """
        Look for the next valid frame behind the bad one at ``offset``; move there and report the hole.

        Returns whether there is something to read at ``offset`` now.
        """
        size = os.fstat(self._fd).st_size
        budget = SCAN_BUDGET_FACTOR * size
        at = self.offset + 1
        while at + FRAME_HEADER_BYTES <= size and self._work < budget:
            chunk = os.pread(self._fd, READ_CHUNK_BYTES, at)
            if len(chunk) < FRAME_HEADER_BYTES:
                return False
            self._work += len(chunk)
            found = chunk.find(SYNC)
            while found >= 0 and found + FRAME_HEADER_BYTES <= len(chunk) and self._work < budget:
                head = decode_frame_header(chunk, found, self._seed)
                if head is not None and head.length <= FRAME_MAX_BYTES:
                    self._work += head.length
                    payload = os.pread(self._fd, head.length, at + found + FRAME_HEADER_BYTES)
                    if len(payload) == head.length and zlib.crc32(payload) == head.payload_crc:
                        if not self._has_arrived():
                            self._hole(at + found, head)
                        return True
                found = chunk.find(SYNC, found + 1)
            if at + len(chunk) >= size:
                return False
            at += len(chunk) - FRAME_HEADER_BYTES
        return False

    def _has_arrived(self) -> bool:
        """Return whether the frame at ``offset`` is whole by now: a living writer finished it after it was read."""
        head = decode_frame_header(os.pread(self._fd, FRAME_HEADER_BYTES, self.offset), 0, self._seed)
        if head is None or head.length > FRAME_MAX_BYTES:
            return False
        payload = os.pread(self._fd, head.length, self.offset + FRAME_HEADER_BYTES)
        return len(payload) == head.length and zlib.crc32(payload) == head.payload_crc

    def _hole(self, end: int, head: FrameHeader) -> None:
        """Note the bytes up to *end* as lost and go on at the frame that begins there."""
        if not self._seen:
            self._seen = [[0, self._next_seq if self._next_seq is not None else 0]]
        self.damage.append(Damage(self.offset, end - self.offset, "no valid frame"))
        self.offset = end
        self.chain = head.prev

    def _more_behind_zeros(self, chunk: bytes) -> bool:
        """Return whether anything but zeros stands in *chunk*, read at ``offset``, or follows it."""
        if chunk.count(0) != len(chunk):
            return True
        size = os.fstat(self._fd).st_size
        at = self.offset + len(chunk)
        while at < size and self._work < SCAN_BUDGET_FACTOR * size:
            chunk = os.pread(self._fd, READ_CHUNK_BYTES, at)
            if not chunk:
                return False
            if chunk.count(0) != len(chunk):
                return True
            at += len(chunk)
        return False

    def _read_header(self) -> Header:
        data = os.pread(self._fd, HEADER_BYTES * 2 + FRAME_HEADER_BYTES, 0)
        try:
            return decode_header(data[:HEADER_BYTES], str(self.path))
        except NotASegment as error:
            rebuilt = self._rebuild_header(data)
            if rebuilt is None:
                raise error from None
            return rebuilt

    def _rebuild_header(self, data: bytes) -> Header | None:
        """Take the damaged header from its mirror in the first frame, or the id from the file's name if frames fit."""
        mirror = data[HEADER_BYTES + FRAME_HEADER_BYTES :]
        try:
            header = decode_header(mirror)
        except NotASegment:
            header = None
        if header is None:
            name = self.path.stem
            if not SEGMENT_ID.match(name) or not self._any_frame(seed(name)):
                return None
            header = Header(name, 0, 1, 0, 0)
        self.damage.append(Damage(0, HEADER_BYTES, "file header"))
        self._seen = [[0, 0]]
        return header

    def _any_frame(self, crc_seed: int) -> bool:
        data = os.pread(self._fd, READ_CHUNK_BYTES, 0)
        found = data.find(SYNC)
        while found >= 0:
            if decode_frame_header(data, found, crc_seed) is not None:
                return True
            found = data.find(SYNC, found + 1)
        return False
