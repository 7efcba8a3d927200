"""
Segments: where the bytes of the run log are.

The life of a segment: a writer creates it and appends whole frames; readers follow; a seal ends it. Nobody changes
bytes that are there. ``SegmentStore`` is what the rest of the store needs to know of that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from treering.errors import FormatError, SegmentNotFound
from treering.ids import RUN_KEY, SEGMENT_ID
from treering.limits import READ_CHUNK_BYTES
from treering.runlog.reader import Damage, SegmentReader, open_segment
from treering.runlog.writer import Writer

from .manifest import sync_file


class SegmentRef(NamedTuple):
    """Names one segment. ``run_key`` is ``"ledger"`` for the store's own."""

    run_key: str
    segment: str


LEDGER = "ledger"


class SegmentStore(Protocol):
    """Appends, measures and reads segments. Thread-safe."""

    def runs(self) -> Iterator[str]:
        """Yield the key of every run that has a folder."""

    def segments(self, run_key: str) -> list[SegmentRef]:
        """Return the segments of one run, in no order."""

    def size(self, ref: SegmentRef) -> int:
        """Return the bytes stored, which may be more than the whole frames. Raises SegmentNotFound."""

    def pread(self, ref: SegmentRef, length: int, offset: int) -> bytes:
        """Return up to *length* bytes; fewer at the end, none where the segment cannot be read."""

    def open(self, ref: SegmentRef, offset: int = 0, chain: int | None = None) -> SegmentReader:
        """Return a reader of whole frames from *offset* on. Raises SegmentNotFound, FormatError."""

    def writer(self, run_key: str, life: dict[str, Any]) -> Writer:
        """Begin a new life and return its writer."""

    def sync(self, ref: SegmentRef) -> None:
        """Bring a segment to the disk. Raises OSError."""


class FileSegments:
    """See ``SegmentStore``. ``runs/<run_key>/<segment>.trl`` and ``ledger/<segment>.trl`` in a data folder."""

    def __init__(self, folder: Path) -> None:
        self.runs_folder = folder / "runs"
        self._ledger = folder / "ledger"
        self.live = folder / "live"

    def folder(self, run_key: str) -> Path:
        return self._ledger if run_key == LEDGER else self.runs_folder / run_key

    def path(self, ref: SegmentRef) -> Path:
        return self.folder(ref.run_key) / f"{ref.segment}.trl"

    def runs(self) -> Iterator[str]:
        try:
            with os.scandir(self.runs_folder) as entries:
                names = [entry.name for entry in entries]
        except FileNotFoundError:
            return
        for name in sorted(names):
            if RUN_KEY.match(name):
                yield name

    def segments(self, run_key: str) -> list[SegmentRef]:
        try:
            names = os.listdir(self.folder(run_key))
        except OSError:
            return []
        return [
            SegmentRef(run_key, name[:-4])
            for name in sorted(names)
            if name.endswith(".trl") and SEGMENT_ID.match(name[:-4])
        ]

    def size(self, ref: SegmentRef) -> int:
        try:
            return os.stat(self.path(ref)).st_size
        except OSError:
            raise SegmentNotFound(f"{self.path(ref)} is not there.") from None

    def pread(self, ref: SegmentRef, length: int, offset: int) -> bytes:
        try:
            fd = open_segment(self.path(ref))
        except (OSError, FormatError):
            return b""
        try:
            return os.pread(fd, length, offset)
        except OSError:
            return b""
        finally:
            os.close(fd)

    def open(self, ref: SegmentRef, offset: int = 0, chain: int | None = None) -> SegmentReader:
        try:
            return SegmentReader(self.path(ref), offset, chain)
        except FileNotFoundError:
            raise SegmentNotFound(f"{self.path(ref)} is not there.") from None

    def writer(self, run_key: str, life: dict[str, Any]) -> Writer:
        folder = self.folder(run_key)
        folder.mkdir(parents=True, exist_ok=True)
        return Writer(folder, life)

    def sync(self, ref: SegmentRef) -> None:
        sync_file(self.path(ref))


__all__ = ["LEDGER", "READ_CHUNK_BYTES", "Damage", "FileSegments", "SegmentRef", "SegmentStore"]
