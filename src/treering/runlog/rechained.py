"""
A segment whose frames are those of another one, chained anew behind a life record of its own.

The chain of a segment begins with its id, so frames cannot be put elsewhere as they are. Payloads, record numbers and
times stay; header, life record and seal are made anew. What is made is computed while it is read, front to back, and
need not stand on a disk.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from treering.errors import TreeringError
from treering.limits import FRAME_MAX_BYTES, READ_CHUNK_BYTES

from . import records
from .frames import (
    FRAME_HEADER_BYTES,
    SKIPPABLE,
    FrameHeader,
    decode_frame_header,
    encode_frame,
    encode_header,
    seed,
)
from .shipment import Pread

__all__ = ["Found", "Rechained", "frame_at"]

_decode: Final = msgspec.msgpack.Decoder().decode


class Found(NamedTuple):
    """A whole frame: where it stands, and its header."""

    offset: int
    head: FrameHeader

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + FRAME_HEADER_BYTES + self.head.length


def frame_at(segment_id: str, pread: Pread, offset: int) -> Found | None:
    """Return the frame that begins at *offset*, if a whole and valid one does."""
    head = decode_frame_header(pread(FRAME_HEADER_BYTES, offset), 0, seed(segment_id))
    if head is None or head.length > FRAME_MAX_BYTES:
        return None
    payload = pread(head.length, offset + FRAME_HEADER_BYTES)
    whole = len(payload) == head.length and zlib.crc32(payload) == head.payload_crc
    return Found(offset, head) if whole else None


class Rechained:
    """
    The segment *segment_id* that holds what the segment *origin* has from one frame on, up to the next hole.

    Args:
        pread: reads the origin.
        first: the frame to begin with.
        created_ns: when the new segment says that it was created.
        life: the life record that stands at its front.
        edits: record kind → what becomes of the content of such a record, which names what is named anew as well. What
            it cannot make sense of (any exception of decoding or looking up) is kept as it is.

    ``pread`` reads what is made front to back; going back begins again at its front.
    """

    def __init__(
        self,
        segment_id: str,
        origin: str,
        pread: Pread,
        first: Found,
        created_ns: int,
        life: dict[str, Any],
        edits: Mapping[int, Callable[[Any], Any]] | None = None,
    ) -> None:
        self.segment_id = segment_id
        self.first = first
        self._origin = origin
        self._pread = pread
        self._edits = edits or {}
        self._seed = seed(segment_id)
        header = encode_header(segment_id, created_ns)
        seq = max(first.head.first_seq - 1, 0)
        mirror = self._frame(records.HEADER, header, seq, int.from_bytes(header[-4:], "little"))
        front = self._frame(records.LIFE, records.encode(life), seq, _chain_of(mirror))
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
            elif head.kind in self._edits:
                payload, head = self._edited(payload, head)
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

    def _edited(self, payload: bytes, head: FrameHeader) -> tuple[bytes, FrameHeader]:
        try:
            encoded = records.encode(self._edits[head.kind](_decode(payload)))
        except (msgspec.DecodeError, ValueError, TypeError, LookupError, AttributeError, RecursionError, TreeringError):
            return payload, head
        return encoded, head._replace(raw_length=len(encoded))


def _chain_of(frame: bytes) -> int:
    return int.from_bytes(frame[FRAME_HEADER_BYTES - 4 : FRAME_HEADER_BYTES], "little")
