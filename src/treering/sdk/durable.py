"""
Putting a segment on the disk, for good.

After a failed fsync the kernel may mark the pages clean that it could not write: a second fsync then succeeds and
means nothing. So what a failed one covered is written again, from the page cache and only if its checksums still
hold, and synced once more. Until that succeeds these bytes do not count as synced.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from treering.errors import FormatError
from treering.limits import READ_CHUNK_BYTES
from treering.runlog.shipment import NOTHING, Held, measure

__all__ = ["DurableSegment"]


def _fdatasync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


class DurableSegment:
    """
    How much of one segment file survives a power cut. Its writer may go on appending meanwhile.

    Attributes:
        synced: what is known to be on the disk.
        failure: why the rest is not, in words; empty while the disk does its duty.
    """

    def __init__(self, path: Path, fdatasync: Callable[[int], None] = _fdatasync) -> None:
        self.path = path
        self.synced = NOTHING
        self.failure = ""
        self._refused = 0  # bytes that a failed sync covered
        self._fdatasync = fdatasync

    def advance(self) -> Held:
        """
        Sync what is whole by now; return what is synced. Never raises for disk reasons: see ``failure``.

        Raises:
            FormatError: the file is not the segment that it was.
        """
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            self._failed(error)
            return self.synced
        try:
            reached = measure(self.path.stem, lambda length, at: os.pread(fd, length, at), self.synced)
            if reached.length < self._refused:
                raise OSError("what the disk refused cannot be read back")
            if reached.length > self.synced.length:
                self._sync(fd, reached)
                self.synced = reached
            self.failure, self._refused = "", 0
        except OSError as error:
            self._failed(error)
        finally:
            os.close(fd)
        return self.synced

    def _sync(self, fd: int, reached: Held) -> None:
        # Once an earlier sync has failed, one that succeeds says nothing of the bytes which that one covered.
        if not self.failure:
            try:
                self._fdatasync(fd)
                return
            except OSError as error:
                self._failed(error)
        self._refused = max(self._refused, reached.length)
        self._write_again(fd, reached)
        self._fdatasync(fd)

    def _write_again(self, fd: int, reached: Held) -> None:
        def read(length: int, at: int) -> bytes:
            return os.pread(fd, min(length, max(reached.length - at, 0)), at)

        try:
            whole = measure(self.path.stem, read, self.synced) == reached
        except FormatError:
            whole = False
        if not whole:
            raise OSError("what the disk refused cannot be read back")
        at = self.synced.length
        while at < reached.length:
            # The frames that a reader saw whole never change, so the writer is not disturbed.
            at += os.pwrite(fd, read(READ_CHUNK_BYTES, at), at)

    def _failed(self, error: OSError) -> None:
        self.failure = f"{error.strerror or error} after byte {self.synced.length:,}"
