"""The bytes of a segment: its file header and its frames, as FORMAT.md beside this file specifies. Pure functions."""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

from treering.errors import NewerFormat, NotASegment

MAGIC: Final = b"\x89TRL\r\n\x1a\n"  # a text-mode copy or a 7-bit channel changes it visibly
MAJOR: Final = 1
MINOR: Final = 0
SYNC: Final = b"TRF\xf2"

HEADER_BYTES: Final = 48
FRAME_HEADER_BYTES: Final = 36

CODEC_MASK: Final = 0b11
CODEC_NONE: Final = 0
CODEC_ZLIB: Final = 1
SKIPPABLE: Final = 0x80  # a reader that does not know the kind may pass over the frame

_HEADER = struct.Struct("<8sHHII16sQ")  # and crc u32
_FRAME = struct.Struct("<4sBBHIIQII")  # and header_crc u32
_U32 = struct.Struct("<I")

pack_frame_fields = _FRAME.pack
pack_u32 = _U32.pack


class Header(NamedTuple):
    """The file header of a segment."""

    segment_id: str
    created_ns: int
    major: int
    minor: int
    crc: int


class FrameHeader(NamedTuple):
    """The 36 bytes before a payload, checked."""

    kind: int
    flags: int
    nrec: int
    length: int
    raw_length: int
    first_seq: int
    prev: int
    payload_crc: int
    header_crc: int


class Frame(NamedTuple):
    """One whole, valid frame. ``chain`` is its header CRC: the checksum of the segment's prefix up to ``end``."""

    kind: int
    flags: int
    nrec: int
    first_seq: int
    offset: int
    end: int
    payload: bytes
    chain: int


def seed(segment_id: str) -> int:
    """
    Return the value that every header CRC of this segment starts from.

    It depends on the random segment id alone, so a stale frame of another segment never validates here, and frames
    are still recognised when the sector with the file header is lost (the id is also the file's name).
    """
    return zlib.crc32(bytes.fromhex(segment_id))


def encode_header(
    segment_id: str, created_ns: int, *, major: int = MAJOR, minor: int = MINOR, incompat: int = 0
) -> bytes:
    """Return the 48 bytes at the start of a segment file."""
    body = _HEADER.pack(MAGIC, major, minor, HEADER_BYTES, incompat, bytes.fromhex(segment_id), created_ns)
    return body + _U32.pack(zlib.crc32(body))


def decode_header(data: bytes, where: str = "segment") -> Header:
    """
    Parse the first 48 bytes of a segment file.

    Raises:
        NotASegment: too short, another magic, or a wrong checksum.
        NewerFormat: a major version or an incompatible feature that this version does not know.
    """
    if len(data) < HEADER_BYTES or data[:8] != MAGIC:
        raise NotASegment(f"{where}: does not begin with a treering segment header.")
    _, major, minor, _, incompat, segment_id, created_ns = _HEADER.unpack_from(data)
    (crc,) = _U32.unpack_from(data, HEADER_BYTES - 4)
    if crc != zlib.crc32(data[: HEADER_BYTES - 4]):
        raise NotASegment(f"{where}: the file header fails its checksum.")
    if major > MAJOR or incompat:
        raise NewerFormat(
            f"{where}: run log format {major}.{minor} (features {incompat:#x}); this treering reads up to {MAJOR}.x. "
            "Upgrade treering to read it; the file was not touched."
        )
    return Header(segment_id.hex(), created_ns, major, minor, crc)


def encode_frame(
    kind: int,
    payload: bytes,
    *,
    first_seq: int,
    prev: int,
    crc_seed: int,
    nrec: int = 1,
    flags: int = 0,
    raw_length: int | None = None,
) -> bytes:
    """Return header and payload of one frame."""
    length = len(payload)
    raw = length if raw_length is None else raw_length
    head = _FRAME.pack(SYNC, kind, flags, nrec, length, raw, first_seq, prev, zlib.crc32(payload))
    return head + _U32.pack(zlib.crc32(head, crc_seed)) + payload


def decode_frame_header(data: bytes | memoryview, offset: int, crc_seed: int) -> FrameHeader | None:
    """Parse the frame header at *offset*; None if it is not one, or not one of this segment."""
    if len(data) - offset < FRAME_HEADER_BYTES:
        return None
    sync, kind, flags, nrec, length, raw, first_seq, prev, payload_crc = _FRAME.unpack_from(data, offset)
    if sync != SYNC:
        return None
    (header_crc,) = _U32.unpack_from(data, offset + FRAME_HEADER_BYTES - 4)
    if zlib.crc32(data[offset : offset + FRAME_HEADER_BYTES - 4], crc_seed) != header_crc:
        return None
    return FrameHeader(kind, flags, nrec, length, raw, first_seq, prev, payload_crc, header_crc)
