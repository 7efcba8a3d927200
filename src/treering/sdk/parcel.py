"""
What is shipped: a segment as it stands here, and how far it is known to be at the destination.

A ``Parcel`` reads our own side and sends nothing; what follows from it, the ``Shipper`` decides.
"""

from __future__ import annotations

from typing import Final, Literal

from treering.errors import FormatError, NewerFormat
from treering.limits import READ_CHUNK_BYTES
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, HEADER_BYTES, decode_frame_header, decode_header, seed
from treering.runlog.salvage import Found, find_frame, frame_at
from treering.runlog.shipment import NOTHING, Checked, Held, Pread, check_frames

__all__ = ["ASK", "BEHIND", "CHECK", "DONE", "FORKED", "SEARCH", "SHIP", "Parcel"]

ASK: Final = 0  # what the destination holds is not known
CHECK: Final = 1  # it is known, and not yet whether it is the front of our file
SHIP: Final = 2
SEARCH: Final = 3  # it is not: where do they part?
BEHIND: Final = 4  # the destination holds all of ours, and more
FORKED: Final = 5  # another part carries what differs
DONE: Final = 6


class Parcel:
    """
    One thing to ship: a segment, or the fork of one.

    Attributes:
        name: its id at the destination.
        origin: the id of the segment that it is, or that it is a fork of.
        remote: what the destination holds, as it says; ``at``: what of that is proven to be ours.
    """

    __slots__ = (
        "at",
        "chunk",
        "depth",
        "due",
        "end",
        "error",
        "full",
        "high",
        "idle_since",
        "indexed",
        "looked_at",
        "low",
        "name",
        "origin",
        "phase",
        "pread",
        "queued",
        "remote",
        "stumbles",
        "walk",
        "why",
    )

    def __init__(self, name: str, origin: str, pread: Pread, depth: int = 0) -> None:
        self.name = name
        self.origin = origin
        self.depth = depth
        self.pread = pread
        self.queued = 0
        self.due = 0.0
        self.error = ""
        self.stumbles = 0
        self.begin_again()

    def begin_again(self) -> None:
        """Forget what was known of the destination."""
        self.phase = ASK
        self.remote = NOTHING
        self.at = NOTHING  # proven: the destination's copy up to here is ours
        self.walk = NOTHING  # how far our own frames were read on the way to ``remote``
        self.chunk = NOTHING  # where the last piece of that walk began
        self.low, self.high = NOTHING, 0  # the search: equal up to low, different from high on
        self.indexed = 0
        self.end = False  # nothing stands behind ``at``, not behind damage either, as of the last look
        self.full = False
        self.idle_since: float | None = None
        self.looked_at = 0.0  # when to look behind damage
        self.why: Literal["hole", "diverged"] = "hole"

    @property
    def is_fork(self) -> bool:
        return self.name != self.origin

    def read_to(self, limit: int) -> Found | None:
        """
        Read our own whole frames on to *limit*, passing over holes.

        Returns the frame behind a hole that reaches over *limit*; else None.
        """
        name, pread = self.name, self.pread
        while self.walk.length < limit:
            at = self.walk
            data = pread(min(READ_CHUNK_BYTES, limit - at.length), at.length)
            try:
                checked = check_frames(name, data, at.length, at.chain)
            except NewerFormat:
                raise
            except FormatError:
                checked = Checked(0, 0, False, 0, 0)
            if not checked.used and checked.need > len(data) and at.length + checked.need <= limit:
                data = pread(checked.need, at.length)
                checked = check_frames(name, data, at.length, at.chain)
            if checked.used:
                self.chunk = at
                self.walk = Held(at.length + checked.used, checked.chain, checked.sealed)
                continue
            if frame_at(name, pread, at.length) is not None:
                return None  # a frame of ours that crosses the limit
            found = find_frame(name, pread, at.length)
            if found is None:
                return None
            if found.offset > limit:
                return found
            self.walk = self.chunk = Held(found.offset, found.head.prev, False)
        return None

    def goes_on(self) -> bool:
        """Return whether a frame of ours stands where the reading came to."""
        return frame_at(self.name, self.pread, self.walk.length) is not None

    def boundary(self, low: Held, length: int) -> Held:
        """Return the first end of a frame of ours at *length* or behind it, walking from *low*."""
        at, name, pread = low, self.name, self.pread
        while at.length < length:
            data = pread(min(READ_CHUNK_BYTES, length - at.length), at.length)
            try:
                checked = check_frames(name, data, at.length, at.chain)
            except FormatError:
                return at
            if not checked.used:
                if checked.need <= len(data):
                    return at
                data = pread(checked.need, at.length)
                checked = check_frames(name, data, at.length, at.chain)
                if not checked.used:
                    return at
            at = Held(at.length + checked.used, checked.chain, checked.sealed)
        return at

    def last_frame(self, begin: Held, end: Held) -> tuple[Held, bytes]:
        """Return the last frame of our own between two places, and where it stands: it names all that is before it."""
        data = self.pread(end.length - begin.length, begin.length)
        start, at = seed(self.name), 0 if begin.length else HEADER_BYTES
        while (head := decode_frame_header(data, at, start)) is not None:
            behind = at + FRAME_HEADER_BYTES + head.length
            if behind >= len(data):
                return Held(begin.length + at, head.prev, False), data[at:]
            at = behind
        return begin, data

    def first_place(self) -> Held:
        """Return where our first frame stands and what it continues: behind the file header if that is whole."""
        try:
            return Held(HEADER_BYTES, decode_header(self.pread(HEADER_BYTES, 0), self.name).crc, False)
        except FormatError:
            found = find_frame(self.name, self.pread, 0)
            return Held(HEADER_BYTES, 0, False) if found is None else Held(found.offset, found.head.prev, False)

    def next_frame(self, offset: int) -> Found | None:
        """Return the first whole frame of ours at *offset* or behind it."""
        return frame_at(self.name, self.pread, offset) or find_frame(self.name, self.pread, offset + 1)

    def content(self, offset: int) -> Found | None:
        """Return the first frame at *offset* or behind it that says more than whose segment it is."""
        found = self.next_frame(offset)
        while found is not None and found.head.kind in (records.HEADER, records.LIFE):
            found = self.next_frame(found.end)
        return found
