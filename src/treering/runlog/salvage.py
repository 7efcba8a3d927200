"""
What cannot follow the bytes that another place holds: it is given to that place as a segment of its own, a *fork*.

Two things make a fork necessary. A segment has a hole: the frames behind it are whole but nothing connects them to
those before it. Or a file is not the one that was shipped under its id before, because somebody edited or replaced
it. Nothing that was shipped is ever overwritten, so what differs is told apart from it: the payloads are kept, the
frames are chained anew behind a life record that names the origin in ``fork_of``, and the id follows from the origin
alone, so that whoever ships it, and however often, makes the same fork.

A fork is computed while it is read and never stands on the disk of the machine that ships it: a local reader of the
damaged file sees its records once already.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Any, Final, Literal

import msgspec

from treering.errors import FormatError
from treering.limits import FRAME_MAX_BYTES, READ_CHUNK_BYTES, SCAN_BUDGET_FACTOR

from . import records
from .frames import FRAME_HEADER_BYTES, HEADER_BYTES, SYNC, decode_frame_header, decode_header, seed
from .rechained import Found, Rechained, frame_at
from .shipment import Pread

__all__ = ["Fork", "Found", "created_ns_of", "find_frame", "fork_id", "frame_at", "read_life"]

_HEAD_BYTES: Final = 64 * 1024  # a life record stands in them
_decode = msgspec.msgpack.Decoder().decode


def fork_id(segment_id: str, chain: int) -> str:
    """Return the id of the fork of a segment whose first frame has this chain value."""
    return hashlib.sha256(f"fork\0{segment_id}\0{chain:08x}".encode()).hexdigest()[:32]


def find_frame(segment_id: str, pread: Pread, offset: int) -> Found | None:
    """
    Return the first whole frame that begins at *offset* or behind it; None if there is none.

    Damaged or hostile bytes cost at most four times their number in checksum work; then the search is given up.
    """
    start, at, work = seed(segment_id), offset, 0
    while True:
        chunk = pread(READ_CHUNK_BYTES, at)
        if len(chunk) < FRAME_HEADER_BYTES:
            return None
        place = chunk.find(SYNC)
        while 0 <= place <= len(chunk) - FRAME_HEADER_BYTES:
            head = decode_frame_header(chunk, place, start)
            work += FRAME_HEADER_BYTES
            if head is not None and head.length <= FRAME_MAX_BYTES:
                payload = pread(head.length, at + place + FRAME_HEADER_BYTES)
                if len(payload) == head.length and zlib.crc32(payload) == head.payload_crc:
                    return Found(at + place, head)
                work += head.length
            if work > SCAN_BUDGET_FACTOR * (at - offset + len(chunk)):
                return None
            place = chunk.find(SYNC, place + 1)
        if len(chunk) < READ_CHUNK_BYTES:
            return None
        at += len(chunk) - FRAME_HEADER_BYTES + 1


def read_life(segment_id: str, pread: Pread) -> dict[str, Any] | None:
    """Return the life record at the head of a segment, also of one whose file header is damaged; None without one."""
    data = pread(_HEAD_BYTES, 0)
    start = seed(segment_id)
    place = data.find(SYNC)
    while place >= 0:
        head = decode_frame_header(data, place, start)
        body = place + FRAME_HEADER_BYTES
        if head is not None and head.kind == records.LIFE:
            payload = data[body : body + head.length]
            if len(payload) < head.length and head.length <= FRAME_MAX_BYTES:
                payload = pread(head.length, body)
            if zlib.crc32(payload) == head.payload_crc:
                try:
                    life = _decode(payload)
                except (msgspec.DecodeError, ValueError, RecursionError):
                    return None
                return life if isinstance(life, dict) else None
        place = data.find(SYNC, place + 1)
    return None


class Fork(Rechained):
    """
    The segment that holds what another segment has from one frame on, up to the next hole.

    Args:
        segment_id: the damaged or changed segment.
        pread: reads it.
        first: the frame to begin with.
        why: ``hole``: the same life goes on behind damage; ``diverged``: the file is not the one that was shipped, so
            its records come under a life and a label of their own.
        life: the life record of the segment, or one of the same run where it is lost.
    """

    def __init__(
        self, segment_id: str, pread: Pread, first: Found, why: Literal["hole", "diverged"], life: dict[str, Any]
    ) -> None:
        own_id = fork_id(segment_id, first.head.header_crc)
        created_ns = created_ns_of(segment_id, pread, life) + 1
        own = {**life, "created_ns": created_ns, "fork_of": {"segment": segment_id, "offset": first.offset, "why": why}}
        if why == "diverged":
            own.pop("meta", None)
            label = own.get("writer") or "main"
            own |= {
                "life_id": own_id[:16],
                "writer": f"{label}/{own_id[:6]}",
                "from_step": None,
                "resumed": False,
            }
        super().__init__(own_id, segment_id, pread, first, created_ns, own)


def created_ns_of(segment_id: str, pread: Pread, life: dict[str, Any]) -> int:
    """Return when a segment was created, from its header or else its life record; 0 if neither says it."""
    try:
        return decode_header(pread(HEADER_BYTES, 0), segment_id).created_ns
    except FormatError:
        created = life.get("created_ns")
        return created if isinstance(created, int) and 0 <= created < 1 << 63 else 0
