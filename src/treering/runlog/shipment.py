"""
Moving a segment from one place to another without losing, doubling or inventing a byte.

Whoever ships and whoever receives use this file and nothing else to decide what a stretch of bytes is worth. A
segment only ever grows at its end, by whole frames, and the chain value at an offset is a checksum of everything
before it. So a receiver needs two numbers to know whether it may append: where it stands, and its chain value there.
Everything here is pure but for the ``pread`` that it is given.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

from treering.errors import FormatError
from treering.limits import FRAME_MAX_BYTES, SHIP_BATCH_BYTES

from .frames import FRAME_HEADER_BYTES, HEADER_BYTES, MAGIC, SYNC, decode_header, seed
from .records import SEAL

__all__ = ["NOTHING", "Checked", "Held", "Pread", "check_frames", "measure", "next_batch"]

Pread = Callable[[int, int], bytes]
"""``pread(length, offset)``: up to *length* bytes of one segment; fewer at its end."""

# Of a frame header only what is asked here: sync, kind, length, prev, payload CRC, header CRC.
_FRAME: Final = struct.Struct("<IB3xI12xIII")
_SYNC: Final = int.from_bytes(SYNC, "little")
# Payloads up to here are checked together with their header; beyond, a second checksum costs little beside the bytes.
_SHORT_BYTES: Final = 1024


def _whole_frames() -> list[int]:
    """
    Return, per length of a payload, what turns its CRC into the CRC of its whole frame.

    A CRC is linear, and that of anything followed by its own CRC is one constant. So the checksum of header, header
    CRC and payload follows from the payload's alone: with h and p the actual checksums of both, it is as expected
    exactly if ``shift(h ^ header_crc) == p ^ payload_crc``, where ``shift`` maps nothing but 0 to 0. A wrong header or
    a wrong payload is always seen; two wrong ones that hide each other are one pair in 2**32, and such a frame would
    have to hold the right chain value as well.
    """
    header = zlib.crc32(zlib.crc32(b"").to_bytes(4, "little"))
    found = [header]
    for _ in range(_SHORT_BYTES):
        found.append(zlib.crc32(b"\0", found[-1]) ^ zlib.crc32(b"\0"))
    return found


_WHOLE: Final = _whole_frames()


class Held(NamedTuple):
    """
    What a place holds of one segment.

    Attributes:
        length: bytes of the file header and the whole frames behind it; 0 if it holds nothing.
        chain: the chain value at ``length``: the header CRC of the last frame.
        sealed: the last frame is a seal, so nothing will follow.
    """

    length: int
    chain: int
    sealed: bool


NOTHING: Final = Held(0, 0, False)


class Checked(NamedTuple):
    """
    The whole frames at the front of some bytes.

    Attributes:
        used: bytes of the file header, if the bytes begin with it, and of the whole frames.
        chain: the chain value at their end.
        sealed: the last of them is a seal.
        frames: how many there are.
        need: if not even one is whole, the bytes that the first one needs; else 0.
    """

    used: int
    chain: int
    sealed: bool
    frames: int
    need: int


def check_frames(segment_id: str, data: bytes | memoryview, offset: int, chain: int) -> Checked:
    """
    Return what of *data*, which stands at *offset* of a segment behind the chain value *chain*, is whole.

    A frame that is cut off or fails a checksum ends the count: it, and what follows, is not part of the result. What
    is before it is proven byte by byte.

    Raises:
        FormatError: at offset 0 the file header is missing, wrong, or of another segment; or the first frame does not
            continue *chain*; or something follows a seal.
        NewerFormat: the file header names a version that must not be guessed at.
    """
    at, frames, sealed = 0, 0, False
    if offset == 0:
        if len(data) < HEADER_BYTES:
            return Checked(0, 0, False, 0, HEADER_BYTES)
        header = decode_header(bytes(data[:HEADER_BYTES]), segment_id)
        if header.segment_id != segment_id:
            raise FormatError(f"{segment_id}: these bytes begin segment {header.segment_id}.")
        at, chain = HEADER_BYTES, header.crc
    crc32, size, start = zlib.crc32, len(data), seed(segment_id)
    unpack, head_bytes, longest, sync_mark = _FRAME.unpack_from, FRAME_HEADER_BYTES, FRAME_MAX_BYTES, _SYNC
    whole, short = _WHOLE, _SHORT_BYTES
    # A slice of bytes is copied, and still costs less than a slice of a memoryview at a few hundred bytes.
    view = bytes(data)
    need = 0
    while size - at >= head_bytes:
        sync, kind, length, prev, payload_crc, header_crc = unpack(view, at)
        body = at + head_bytes
        end = body + length
        if (  # the usual frame, at two thirds of the time; any other is looked at in order below
            length <= short
            and end <= size
            and crc32(view[at:end], start) == whole[length] ^ payload_crc
            and prev == chain
            and sync == sync_mark
            and not sealed
        ):
            at, chain, sealed = end, header_crc, kind == SEAL
            frames += 1
            continue
        if sync != sync_mark or crc32(view[at : body - 4], start) != header_crc or length > longest:
            break
        if prev != chain:
            raise FormatError(f"{segment_id}: the frame at byte {offset + at:,} does not follow what stands before it.")
        if sealed:
            raise FormatError(f"{segment_id}: something follows the seal, at byte {offset + at:,}.")
        if end > size:
            need = end if not frames else 0
            break
        if crc32(view[body:end]) != payload_crc:
            break
        at, chain, sealed = end, header_crc, kind == SEAL
        frames += 1
    return Checked(at, chain, sealed, frames, need)


def measure(segment_id: str, pread: Pread, held: Held = NOTHING) -> Held:
    """
    Return how far the whole frames of a segment reach, reading on from *held*.

    Raises:
        FormatError, NewerFormat: as ``check_frames``. What the segment holds then cannot be told from this file.
    """
    length, chain, sealed = held
    want = SHIP_BATCH_BYTES
    while not sealed:
        data = pread(want, length)
        if len(data) < (FRAME_HEADER_BYTES if length else HEADER_BYTES):
            break
        if length == 0 and data[: len(MAGIC)] == bytes(len(MAGIC)):
            break  # preallocated, not yet written
        checked = check_frames(segment_id, data, length, chain)
        if not checked.used:
            if checked.need <= len(data) or len(data) < want:
                break  # the file ends within the frame
            want = checked.need
            continue
        length, chain, sealed = length + checked.used, checked.chain, checked.sealed
        want = SHIP_BATCH_BYTES
    return Held(length, chain, sealed)


def next_batch(segment_id: str, pread: Pread, held: Held, limit_bytes: int) -> tuple[bytes, Checked]:
    """
    Return the whole frames that follow *held*, about *limit_bytes* of them, and what they come to.

    At least one frame is returned if there is a whole one, however large; none when nothing new is whole. The first
    batch of a segment holds its file header, mirror and life record, so a receiver knows at once whose it is.

    Raises:
        FormatError, NewerFormat: as ``check_frames``; at an offset that is not a frame's end of this very file it says
            that the file is not the one that was shipped before.
    """
    want = max(limit_bytes, FRAME_HEADER_BYTES)
    while True:
        data = pread(want, held.length)
        if held.length == 0 and not any(data[: len(MAGIC)]):
            return b"", Checked(0, 0, False, 0, 0)
        checked = check_frames(segment_id, data, held.length, held.chain)
        if checked.need > len(data) == want:
            want = checked.need
            continue
        if held.length == 0 and checked.frames < 2 and len(data) == want:
            want = 2 * want + FRAME_MAX_BYTES // 16
            continue
        return data[: checked.used], checked
