"""
The framing of event files: ``length u64, checksum of it u32, bytes, checksum of them u32``, little endian.

A file may be written while it is read: an incomplete record at its end is waited for. Damage in the middle is passed
over by looking for the next place where a length fits its checksum.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import Final, NamedTuple

from treering.errors import FormatError
from treering.limits import EVENT_DAMAGE_MAX_BYTES, EVENT_RECORD_MAX_BYTES, READ_CHUNK_BYTES

from .checksum import crc32c_of_lengths, masked_crc32c

__all__ = ["Damaged", "EventFile", "is_event_file"]

_HEAD_BYTES: Final = 12
_FOOT_BYTES: Final = 4
_SHORTEST: Final = _HEAD_BYTES + _FOOT_BYTES


def is_event_file(name: str) -> bool:
    """Return whether TensorBoard would take a file of this name for one of its own."""
    return "tfevents" in name and not name.endswith(".profile-empty")


class Damaged(NamedTuple):
    """Bytes that are no record."""

    offset: int
    size: int
    why: str


class EventFile:
    """
    Reads the records of one file, from *offset* on, as they arrive.

    ``damaged`` lists what was passed over. ``offset`` is where the next record begins.

    Raises:
        FormatError: it is no ordinary file, but a link, a device or a pipe.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        self.damaged: list[Damaged] = []
        self.given_up = False
        # A pipe of this name must not be waited for, and a link not be followed to somebody's device.
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if path.is_symlink():
                raise FormatError("a link, which is not followed") from None
            raise error
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise FormatError("no ordinary file")
        self._buffer = b""
        self._buffer_at = offset
        self._damage_left = EVENT_DAMAGE_MAX_BYTES

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> EventFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def size(self) -> int:
        """Return how long the file is now."""
        return os.fstat(self._fd).st_size

    def next(self) -> bytes | None:
        """Return the next whole record; None where the file ends for now, or nothing more of it can be read."""
        while not self.given_up:
            head = self._peek(self.offset, _HEAD_BYTES)
            if len(head) < _HEAD_BYTES:
                return None
            length, crc = struct.unpack("<QI", head)
            if masked_crc32c(head[:8]) != crc:
                if not self._find_next("a length that does not fit its checksum"):
                    return None
                continue
            if length > EVENT_RECORD_MAX_BYTES:
                self._note(self.offset, _SHORTEST + length, f"a record of {length:,} bytes, too large")
                self.offset += _SHORTEST + length
                continue
            whole = self._peek(self.offset, _SHORTEST + length)
            if len(whole) < _SHORTEST + length:
                return None
            record = whole[_HEAD_BYTES:-_FOOT_BYTES]
            at, self.offset = self.offset, self.offset + len(whole)
            if masked_crc32c(record) == int.from_bytes(whole[-_FOOT_BYTES:], "little"):
                return record
            self._note(at, len(whole), "a record that does not fit its checksum")
        return None

    def _peek(self, at: int, size: int) -> bytes:
        start = at - self._buffer_at
        if not (start >= 0 and start + size <= len(self._buffer)):
            wanted = max(size, READ_CHUNK_BYTES)
            pieces, have = [], 0
            while have < wanted:  # a read may bring less than there is
                piece = os.pread(self._fd, wanted - have, at + have)
                if not piece:
                    break
                pieces.append(piece)
                have += len(piece)
            self._buffer, self._buffer_at, start = b"".join(pieces), at, 0
        return self._buffer[start : start + size]

    def _find_next(self, why: str) -> bool:
        """Go to the next place where a record may begin; return False where there is none yet."""
        import numpy as np

        begin = self.offset
        at = begin + 1
        while True:
            chunk = self._peek(at, READ_CHUNK_BYTES)
            if len(chunk) < _SHORTEST:
                return False  # perhaps more comes; it is looked at again from the same place
            data = np.frombuffer(chunk, np.uint8)
            windows = np.lib.stride_tricks.sliding_window_view(data, _HEAD_BYTES)
            # Lengths are far below 2**32 and never 0, which rules out nearly every place, zeros above all.
            pairs = data[:-1] | data[1:]
            fours = pairs[:-2] | pairs[2:]  # of each byte and the three behind it: not 0 if one of them is not
            count = len(windows)
            places = np.flatnonzero((fours[4 : 4 + count] == 0) & (fours[:count] != 0))
            crc = crc32c_of_lengths(windows[places, :8])
            masked = (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(0xA282EAD8)
            stored = np.ascontiguousarray(windows[places, 8:12]).view("<u4").ravel()
            found = places[masked == stored]
            if len(found):
                at += int(found[0])
                self._note(begin, at - begin, why)
                self.offset = at
                return True
            at += len(windows)
            if at - begin > self._damage_left:
                self._note(begin, max(0, self.size() - begin), why)
                self.given_up = True
                return False

    def _note(self, offset: int, size: int, why: str) -> None:
        self._damage_left -= size
        if len(self.damaged) < 100:
            self.damaged.append(Damaged(offset, size, why))
        if self._damage_left < 0:
            self.given_up = True
