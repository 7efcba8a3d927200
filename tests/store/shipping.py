"""Run logs written on another machine, and what ships them: pieces of files, and disks that fail."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

from treering.runlog.shipment import NOTHING, Held, next_batch
from treering.store.received_files import ReceivedFiles
from treering.store.receiver import Uploader
from treering.store.segments import SegmentRef

ADA = Uploader("ada", "k1")


class Piece:
    """A stretch of whole frames of a segment file."""

    def __init__(self, segment: str, offset: int, prev: int, body: bytes) -> None:
        self.segment, self.offset, self.prev, self.body = segment, offset, prev, body

    def __iter__(self) -> Iterator[object]:
        return iter((self.segment, self.offset, self.prev, self.body, ADA))


def pread_of(path: Path):
    data = path.read_bytes()
    return lambda length, offset: data[offset : offset + length]


def piece(path: Path, held: Held = NOTHING, limit_bytes: int = 1 << 20) -> Piece:
    """Return what a sender would send to somebody who holds *held*."""
    body, _ = next_batch(path.stem, pread_of(path), held, limit_bytes)
    return Piece(path.stem, held.length, held.chain, body)


def pieces(path: Path, limit_bytes: int) -> list[Piece]:
    """Return a whole segment in pieces of about *limit_bytes*."""
    found: list[Piece] = []
    held = NOTHING
    while True:
        body, checked = next_batch(path.stem, pread_of(path), held, limit_bytes)
        if not body:
            return found
        found.append(Piece(path.stem, held.length, held.chain, body))
        held = Held(held.length + checked.used, checked.chain, checked.sealed)


def frames_of(path: Path) -> bytes:
    """Return the whole frames of a file, without the room reserved behind them."""
    return b"".join(piece.body for piece in pieces(path, 1 << 20))


class FailingFiles(ReceivedFiles):
    """A disk on which chosen calls fail: ``fail["sync"] = error`` for the next one, or for all with ``forever``."""

    fail: dict[str, OSError]
    forever = False
    short = False

    def _maybe(self, name: str) -> None:
        error = self.fail.get(name) if self.forever else self.fail.pop(name, None)
        if error is not None:
            raise error

    def pwrite(self, ref: SegmentRef, data: bytes, offset: int) -> None:
        if self.short and "pwrite" in self.fail:
            super().pwrite(ref, data[: len(data) // 2], offset)
        self._maybe("pwrite")
        super().pwrite(ref, data, offset)

    def sync(self, ref: SegmentRef) -> None:
        self._maybe("sync")
        super().sync(ref)

    def truncate(self, ref: SegmentRef, length: int) -> None:
        self._maybe("truncate")
        super().truncate(ref, length)


def no_space() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def broken() -> OSError:
    return OSError(errno.EIO, "Input/output error")
