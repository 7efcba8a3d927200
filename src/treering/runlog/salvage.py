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
from typing import Any, Final, Literal, NamedTuple

import msgspec

from treering.errors import FormatError
from treering.limits import FRAME_MAX_BYTES, READ_CHUNK_BYTES, SCAN_BUDGET_FACTOR

from . import records
from .frames import (
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    SKIPPABLE,
    SYNC,
    FrameHeader,
    decode_frame_header,
    decode_header,
    encode_frame,
    encode_header,
    seed,
)
from .shipment import Pread

__all__ = ["Fork", "Found", "find_frame", "fork_id", "frame_at", "read_life"]

_HEAD_BYTES: Final = 64 * 1024  # a life record stands in them
_decode = msgspec.msgpack.Decoder().decode


class Found(NamedTuple):
    """A whole frame: where it stands, and its header."""

    offset: int
    head: FrameHeader

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + FRAME_HEADER_BYTES + self.head.length


def fork_id(segment_id: str, chain: int) -> str:
    """Return the id of the fork of a segment whose first frame has this chain value."""
    return hashlib.sha256(f"fork\0{segment_id}\0{chain:08x}".encode()).hexdigest()[:32]


def frame_at(segment_id: str, pread: Pread, offset: int) -> Found | None:
    """Return the frame that begins at *offset*, if a whole and valid one does."""
    head = decode_frame_header(pread(FRAME_HEADER_BYTES, offset), 0, seed(segment_id))
    if head is None or head.length > FRAME_MAX_BYTES:
        return None
    payload = pread(head.length, offset + FRAME_HEADER_BYTES)
    whole = len(payload) == head.length and zlib.crc32(payload) == head.payload_crc
    return Found(offset, head) if whole else None


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


class Fork:
    """
    The segment that holds what another segment has from one frame on, up to the next hole.

    Args:
        segment_id: the damaged or changed segment.
        pread: reads it.
        first: the frame to begin with.
        why: ``hole``: the same life goes on behind damage; ``diverged``: the file is not the one that was shipped, so
            its records come under a life and a label of their own.
        life: the life record of the segment, or one of the same run where it is lost.

    ``pread`` reads the fork front to back; going back begins again at its front.
    """

    def __init__(
        self, segment_id: str, pread: Pread, first: Found, why: Literal["hole", "diverged"], life: dict[str, Any]
    ) -> None:
        self.segment_id = fork_id(segment_id, first.head.header_crc)
        self.first = first
        self._origin = segment_id
        self._pread = pread
        self._seed = seed(self.segment_id)
        created_ns = _created_ns(segment_id, pread, life) + 1
        own = {**life, "created_ns": created_ns, "fork_of": {"segment": segment_id, "offset": first.offset, "why": why}}
        if why == "diverged":
            own.pop("meta", None)
            label = own.get("writer") or "main"
            own |= {
                "life_id": self.segment_id[:16],
                "writer": f"{label}/{self.segment_id[:6]}",
                "from_step": None,
                "resumed": False,
            }
        header = encode_header(self.segment_id, created_ns)
        seq = max(first.head.first_seq - 1, 0)
        mirror = self._frame(records.HEADER, header, seq, int.from_bytes(header[-4:], "little"))
        front = self._frame(records.LIFE, records.encode(own), seq, _chain_of(mirror))
        self._front = header + mirror + front
        self._front_chain = _chain_of(front)
        self._begin()

    def _begin(self) -> None:
        self._at = self.first.offset  # in the origin
        self._block, self._block_at = self._front, 0  # what was made last, and where it stands in the fork
        self._chain, self._origin_chain = self._front_chain, self.first.head.prev
        self._records, self._size = 1, len(self._front)
        self._sha = hashlib.sha256(self._front)
        self._sealed = False

    def _frame(
        self, kind: int, payload: bytes, seq: int, prev: int, nrec: int = 1, flags: int = 0, raw: int = -1
    ) -> bytes:
        return encode_frame(
            kind,
            payload,
            first_seq=seq,
            prev=prev,
            crc_seed=self._seed,
            nrec=nrec,
            flags=flags,
            raw_length=len(payload) if raw < 0 else raw,
        )

    def pread(self, length: int, offset: int) -> bytes:
        """As ``os.pread`` on the fork: up to *length* bytes; fewer where the origin has no more whole frames."""
        if offset < self._block_at:
            self._begin()
        parts: list[bytes] = []
        while length > 0:
            skip = offset - self._block_at
            if skip < len(self._block):
                piece = self._block[skip : skip + length]
                parts.append(piece)
                offset += len(piece)
                length -= len(piece)
            elif not self._next_block():
                break
        return b"".join(parts)

    def extent(self) -> tuple[int, int]:
        """Return where in the origin the fork's frames end now, and the number of the record that would follow."""
        at, seq, chain, start = self.first.offset, self.first.head.first_seq, self.first.head.prev, seed(self._origin)
        chunk, chunk_at = b"", at
        while True:
            if at + FRAME_HEADER_BYTES > chunk_at + len(chunk):
                chunk, chunk_at = self._pread(READ_CHUNK_BYTES, at), at
            head = decode_frame_header(chunk, at - chunk_at, start)
            if head is None or head.prev != chain or head.length > FRAME_MAX_BYTES:
                return at, seq
            body = at - chunk_at + FRAME_HEADER_BYTES
            payload = chunk[body : body + head.length]
            if len(payload) < head.length:
                payload = self._pread(head.length, at + FRAME_HEADER_BYTES)
            if len(payload) < head.length or zlib.crc32(payload) != head.payload_crc:
                return at, seq
            at, seq, chain = at + FRAME_HEADER_BYTES + head.length, head.first_seq + head.nrec, head.header_crc

    def _next_block(self) -> bool:
        """Make the next frames, up to a chunk of them; False when the origin has none now."""
        made: list[bytes] = []
        size = 0
        while size < READ_CHUNK_BYTES and not self._sealed:
            used = self._take(self._pread(READ_CHUNK_BYTES, self._at), made)
            if not used:
                found = frame_at(self._origin, self._pread, self._at)
                if found is None or not self._take(self._pread(found.end - found.offset, found.offset), made):
                    break
            size = sum(map(len, made))
        if not made:
            return False
        block = b"".join(made)
        self._block_at += len(self._block)
        self._block = block
        return True

    def _take(self, chunk: bytes, made: list[bytes]) -> int:
        """Chain the whole frames at the front of *chunk* anew; return how many bytes of the origin they were."""
        at, start = 0, seed(self._origin)
        while not self._sealed:
            head = decode_frame_header(chunk, at, start)
            if head is None or head.prev != self._origin_chain or head.length > FRAME_MAX_BYTES:
                break
            if self._at == self.first.offset and head.header_crc != self.first.head.header_crc:
                break  # the file was changed since: what stands here now is of another fork
            body = at + FRAME_HEADER_BYTES
            end = body + head.length
            payload = chunk[body:end]
            if len(payload) < head.length or zlib.crc32(payload) != head.payload_crc:
                break
            at = end
            self._at += end - body + FRAME_HEADER_BYTES
            self._origin_chain = head.header_crc
            if head.kind in (records.HEADER, records.LIFE):
                continue  # our own front says it
            if head.kind == records.SEAL:
                payload, head = self._new_seal(payload, head)
            frame = self._frame(head.kind, payload, head.first_seq, self._chain, head.nrec, head.flags, head.raw_length)
            self._chain = _chain_of(frame)
            self._records += head.nrec
            self._sealed = head.kind == records.SEAL
            self._sha.update(frame)
            self._size += len(frame)
            made.append(frame)
        return at

    def _new_seal(self, payload: bytes, head: FrameHeader) -> tuple[bytes, FrameHeader]:
        try:
            old = _decode(payload)
        except (msgspec.DecodeError, ValueError, RecursionError):
            old = {}
        seal = {**(old if isinstance(old, dict) else {}), "sha256": self._sha.hexdigest(), "bytes": self._size}
        seal["records"] = self._records
        encoded = records.encode(seal)
        return encoded, head._replace(flags=SKIPPABLE, raw_length=len(encoded))


def _chain_of(frame: bytes) -> int:
    return int.from_bytes(frame[FRAME_HEADER_BYTES - 4 : FRAME_HEADER_BYTES], "little")


def _created_ns(segment_id: str, pread: Pread, life: dict[str, Any]) -> int:
    try:
        return decode_header(pread(HEADER_BYTES, 0), segment_id).created_ns
    except FormatError:
        created = life.get("created_ns")
        return created if isinstance(created, int) and 0 <= created < 1 << 63 else 0
