"""
What may be appended to a segment that arrives over the network, and how it becomes durable.

The files themselves are the truth: their whole frames, proven by the chain, say where each segment stands. Only
segments that the ledger names as received are ever appended to, or cut where a crash tore the last frame. The segment
of a writer on this machine is left alone, whoever sends bytes of it. All input and output is injected, so that the
simulation can let it fail.
"""

from __future__ import annotations

import errno
import logging
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from treering.errors import (
    FormatError,
    NotASegment,
    SegmentConflict,
    SegmentDiverged,
    SegmentGap,
    StorageError,
    StorageFull,
    TreeringError,
)
from treering.ids import SEGMENT_ID, check_name, run_key
from treering.limits import (
    FRAME_MAX_BYTES,
    READ_CHUNK_BYTES,
)
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, HEADER_BYTES, SYNC, Frame, decode_frame_header, seed
from treering.runlog.shipment import NOTHING, Held, check_frames, measure

from .segments import SegmentRef

__all__ = ["Append", "Files", "Owner", "Receipt", "Receiver", "Register", "Uploader", "owner_of"]

log = logging.getLogger("treering.store")

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_decode = msgspec.msgpack.Decoder().decode


class Uploader(NamedTuple):
    """Who ships: the name that the ledger keeps, and the id of the key that was used."""

    user: str
    key: str


class Receipt(NamedTuple):
    """What the ledger says of one received segment. ``time_ns`` is this server's clock at its first append."""

    segment: str
    run_key: str
    entity: str
    project: str
    life: str
    user: str
    key: str
    time_ns: int


class Append(NamedTuple):
    """One request: bytes of *segment* from *offset* on, behind the chain value *prev*."""

    segment: str
    offset: int
    prev: int
    body: bytes
    by: Uploader


class Files(Protocol):
    """The files of received segments. One thread calls it."""

    def exists(self, ref: SegmentRef) -> bool: ...
    def size(self, ref: SegmentRef) -> int: ...
    def pread(self, ref: SegmentRef, length: int, offset: int) -> bytes: ...
    def pwrite(self, ref: SegmentRef, data: bytes, offset: int) -> None:
        """Write all of *data*, making the file, and the folder, if there is none. Raises OSError."""

    def sync(self, ref: SegmentRef) -> None:
        """Make content, length and name survive a power cut. Raises OSError."""

    def truncate(self, ref: SegmentRef, length: int) -> None: ...


class Register(Protocol):
    """Remembers which segments were received."""

    @property
    def received(self) -> Mapping[str, Receipt]:
        """All receipts, by segment."""

    def receive(self, receipts: Sequence[Receipt]) -> None:
        """Write receipts down; when this returns they survive a power cut. Raises OSError."""


# ── what a body says of its owner ────────────────────────────────────────────────────────────────────────────────
class Owner(NamedTuple):
    """Whose a segment is, by its life record."""

    run_key: str
    entity: str
    project: str
    life: str


def owner_of(segment: str, body: bytes) -> Owner:
    """
    Return whose segment begins with *body*: its names are checked, and its run key is computed from them.

    Raises:
        FormatError: the body does not begin with a file header, its mirror and a life record, or the life record's
            names and its run key disagree.
        InvalidName: a name is not one.
    """
    checked = check_frames(segment, body, 0, 0)
    for frame in _frames(segment, body[: checked.used], HEADER_BYTES):
        if frame.kind == records.HEADER:
            continue
        if frame.kind == records.LIFE:
            return _owner(segment, frame)
        break
    raise FormatError(f"{segment}: the first bytes of a segment hold its header, the mirror and a whole life record.")


def _owner(segment: str, frame: Frame) -> Owner:
    try:
        life = _decode(records.inflate(frame))
        run = life["run"]
        entity, project, run_id = (run[name] for name in ("entity", "project", "id"))
        key, life_id = run["key"], str(life.get("life_id") or segment)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"{segment}: the life record does not say which run it is of ({error}).") from None
    entity = check_name(entity, "entity")
    project = check_name(project, "project")
    computed = run_key(entity, project, check_name(run_id, "run id"))
    if key != computed:
        raise FormatError(f"{segment}: the life record names run {computed}, but gives it the key {key!r:.80}.")
    return Owner(computed, entity, project, life_id[:64])


def _frames(segment: str, data: bytes, at: int) -> Iterator[Frame]:
    """Yield frames that ``check_frames`` found whole."""
    start = seed(segment)
    while (head := decode_frame_header(data, at, start)) is not None:
        body = at + FRAME_HEADER_BYTES
        end = body + head.length
        yield Frame(head.kind, head.flags, head.nrec, head.first_seq, at, end, data[body:end], head.header_crc)
        at = end


# ── the logic: one thread, no locks ──────────────────────────────────────────────────────────────────────────────
class Receiver:
    """
    Decides what may be appended, and appends it durably. One thread calls it; all input and output is injected.

    Args:
        hint: how far the index has applied a segment, which saves reading that far again; None if unknown.
        find: where a segment lies that the register does not know: one of this machine's own.
        sync_all: makes several files durable at once and says how each went; by default one after the other.
    """

    def __init__(
        self,
        files: Files,
        register: Register,
        *,
        hint: Callable[[str], Held | None] = lambda segment: None,
        find: Callable[[str], SegmentRef | None] = lambda segment: None,
        clock_ns: Callable[[], int] = time.time_ns,
        sync_all: Callable[[Sequence[SegmentRef]], list[OSError | None]] | None = None,
    ) -> None:
        self._files = files
        self._register = register
        self._hint = hint
        self._find = find
        self._clock_ns = clock_ns
        self._sync_all = sync_all or (lambda refs: [self._sync(ref) for ref in refs])
        self.positions: dict[str, Held] = {}  # what was acknowledged, or may be
        self._broken: dict[str, Held] = {}  # a write or a sync failed: what was acknowledged before it
        self.sync_s = 0.0  # spent making files durable
        self._tails: set[str] = set()  # measured, but what stands behind the whole frames is not cut yet

    def held(self, segment: str) -> Held | None:
        """
        Return what is held of a segment, durably; None if it is unknown.

        Raises:
            StorageError: the disk does not say.
            FormatError: the file is not that segment.
        """
        receipt = self._register.received.get(segment)
        if receipt is None:
            ref = self._find(segment)
            return None if ref is None else self._measure_foreign(ref)
        return self._position(SegmentRef(receipt.run_key, segment))

    def ref(self, segment: str) -> SegmentRef | None:
        """Return where a received segment lies."""
        receipt = self._register.received.get(segment)
        return None if receipt is None else SegmentRef(receipt.run_key, segment)

    def commit(self, appends: Sequence[Append]) -> list[Held | Exception]:
        """Append what may be appended, make it durable, and return one answer for each of *appends*, in order."""
        answers: list[Held | Exception | None] = [None] * len(appends)
        self._register_new(appends, answers)
        ahead: dict[SegmentRef, Held] = {}  # written, not durable yet
        waiting: dict[SegmentRef, list[int]] = {}
        conflicts: dict[int, SegmentConflict] = {}  # they tell what is held, so they wait for the sync as well
        failed: dict[SegmentRef, StorageError] = {}
        for number, append in enumerate(appends):
            if answers[number] is not None:
                continue
            ref = self.ref(append.segment)
            try:
                if ref is None:
                    answers[number] = self._answer_foreign(append)
                    continue
                if ref in failed:
                    waiting[ref].append(number)
                    continue
                held = ahead.get(ref) or self._position(ref)
                after = self._write(ref, append, held)
            except SegmentConflict as error:
                if ref in ahead:
                    conflicts[number] = error
                answers[number] = error
            except TreeringError as error:  # also a disk that does not say where the segment stands
                answers[number] = error
            except OSError as error:
                assert ref is not None
                failed[ref] = self._fail(ref, error)
                waiting.setdefault(ref, []).append(number)
            else:
                if after is not held:
                    ahead[ref] = after
                if ref in ahead:
                    waiting.setdefault(ref, []).append(number)
                else:
                    answers[number] = after
        touched = [ref for ref in ahead if ref not in failed]
        begin = time.perf_counter()
        for ref, problem in zip(touched, self._sync_all(touched), strict=True):
            if problem is None:
                self.positions[ref.segment] = ahead[ref]
            else:
                failed[ref] = self._fail(ref, problem)
        self.sync_s += time.perf_counter() - begin
        for ref, numbers in waiting.items():
            for number in numbers:
                answers[number] = failed.get(ref) or self.positions[ref.segment]
        for number, conflict in conflicts.items():
            conflict.held = self.positions.get(appends[number].segment, NOTHING)
        return [answer if answer is not None else StorageError("not stored") for answer in answers]

    def _register_new(self, appends: Sequence[Append], answers: list[Held | Exception | None]) -> None:
        """Write down, before there is a file, that it will be a received one: a file without that is a local one."""
        new: dict[str, Receipt] = {}
        for number, append in enumerate(appends):
            segment = append.segment
            if segment in self._register.received or segment in new:
                continue
            try:
                if not SEGMENT_ID.match(segment):
                    raise FormatError(f"a segment's id is 32 hexadecimal digits, got {segment[:64]!r}.")
                if self._find(segment) is not None:
                    continue
                if append.offset:
                    raise SegmentGap(f"{segment}: nothing is held, and the bytes begin at {append.offset:,}.", NOTHING)
                owner = owner_of(segment, append.body)
                if not self._files.exists(SegmentRef(owner.run_key, segment)):
                    new[segment] = Receipt(segment, *owner, *append.by, self._clock_ns())
            except TreeringError as error:
                answers[number] = error
        if not new:
            return
        try:
            self._register.receive(list(new.values()))
        except OSError as error:
            for number, append in enumerate(appends):
                if append.segment in new:
                    answers[number] = _storage_error(error)

    # ── one append ──────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, ref: SegmentRef, append: Append, held: Held) -> Held:
        """Write what *append* adds to *held* and return what is held then; the very same if it adds nothing."""
        segment, offset, body = append.segment, append.offset, append.body
        if offset > held.length:
            raise SegmentGap(f"{segment}: {held.length:,} bytes are held; these begin at {offset:,}.", held)
        overlap = min(held.length - offset, len(body))
        if overlap and self._files.pread(ref, overlap, offset) != body[:overlap]:
            raise SegmentDiverged(f"{segment}: other bytes are held from {offset:,} on.", held)
        if not overlap and append.prev != held.chain:
            raise SegmentDiverged(f"{segment}: the bytes follow another record than the one that is held.", held)
        rest = memoryview(body)[overlap:]
        if not rest:
            return held
        if held.sealed:
            raise SegmentDiverged(f"{segment}: it is sealed; nothing can follow.", held)
        try:
            checked = check_frames(segment, rest, held.length, held.chain)
        except FormatError as error:
            if overlap:  # a sender that has other bytes from here on
                raise SegmentDiverged(str(error), held) from None
            raise
        if not checked.frames:
            raise FormatError(f"{segment}: no whole frame among the {len(rest):,} bytes from {held.length:,} on.")
        if held.length == 0:
            owner_of(segment, body)
        if segment in self._tails:
            self._cut(ref, held)
        self._files.pwrite(ref, bytes(rest[: checked.used]), held.length)
        return Held(held.length + checked.used, checked.chain, checked.sealed)

    def _sync(self, ref: SegmentRef) -> OSError | None:
        try:
            self._files.sync(ref)
        except OSError as error:
            return error
        return None

    def _fail(self, ref: SegmentRef, error: OSError) -> StorageError:
        """
        Believe nothing that was written since the last acknowledgement.

        After a failed fdatasync the kernel may forget that pages are not on the disk, so that the next one succeeds
        without them. They are cut off at once, so that a restart does not find them; if even that fails, before
        anything more is appended.
        """
        acknowledged = self.positions.pop(ref.segment, NOTHING)
        self._broken.setdefault(ref.segment, acknowledged)
        log.error("segment %s of run %s: %s", ref.segment, ref.run_key, error)
        try:
            if self._files.exists(ref) and self._files.size(ref) > acknowledged.length:
                self._files.truncate(ref, acknowledged.length)
        except OSError:
            pass
        return _storage_error(error)

    # ── where a segment stands ──────────────────────────────────────────────────────────────────────────────────

    def _position(self, ref: SegmentRef) -> Held:
        known = self.positions.get(ref.segment)
        if known is not None and (known == NOTHING or self._files.exists(ref)):
            return known
        if known is not None:
            # Somebody removed the run's folder. Bytes that were appended now would go with the removed file, and who
            # asks would believe that this is the second copy.
            log.error("segment %s of run %s: %d bytes were held; the file is gone", *reversed(ref), known.length)
            self.positions.pop(ref.segment)
            self._tails.discard(ref.segment)
        try:
            held = self._settle(ref) if ref.segment in self._broken else self._measure(ref)
        except OSError as error:
            raise _storage_error(error) from None
        self.positions[ref.segment] = held
        return held

    def _settle(self, ref: SegmentRef) -> Held:
        """Cut a segment back to what was acknowledged, and see that this much is really there."""
        acknowledged = self._broken[ref.segment]
        if self._files.exists(ref):
            if self._files.size(ref) > acknowledged.length:
                self._files.truncate(ref, acknowledged.length)
            self._files.sync(ref)
        held = self._measure_whole(ref)
        if held != acknowledged:
            log.error("%s: %d bytes were acknowledged, %d are there", ref, acknowledged.length, held.length)
            self._tails.add(ref.segment)
        del self._broken[ref.segment]
        return held

    def _measure(self, ref: SegmentRef) -> Held:
        """Find the end of the whole frames after a restart; what a crash left unsynced is made durable first."""
        if not self._files.exists(ref):
            return NOTHING
        size = self._files.size(ref)
        begin = self._hint(ref.segment)
        if begin is not None and begin.length > size:
            log.error("%s: %d bytes are in the index, %d in the file", ref, begin.length, size)
            begin = None
        try:
            if begin is None:
                held = self._measure_whole(ref)
            else:
                held = measure(ref.segment, lambda length, offset: self._pread(ref, length, offset), begin)
        except FormatError:
            held = self._measure_whole(ref)
        self._files.sync(ref)
        if size > held.length:
            self._tails.add(ref.segment)
        return held

    def _measure_whole(self, ref: SegmentRef) -> Held:
        try:
            return measure(ref.segment, lambda length, offset: self._pread(ref, length, offset))
        except NotASegment:
            return NOTHING  # made, but its first bytes did not survive a power cut; or its first sector is damaged

    def _pread(self, ref: SegmentRef, length: int, offset: int) -> bytes:
        try:
            return self._files.pread(ref, length, offset)
        except FileNotFoundError:
            return b""

    def _cut(self, ref: SegmentRef, held: Held) -> None:
        """
        Cut what stands behind the whole frames, since its sender is about to send it again.

        A torn frame is worth nothing. Whole frames behind damage are, if the sender should not have them any more:
        they are kept in a file beside it.
        """
        size = self._files.size(ref)
        if size > held.length:
            if self._whole_frame_behind(ref, held.length, size):
                aside = ref._replace(segment=f"{ref.segment}.behind-{held.length}")
                log.error("%s: damaged at byte %d; what follows is kept in %s.trl", ref, held.length, aside.segment)
                for at in range(held.length, size, READ_CHUNK_BYTES):
                    chunk = self._files.pread(ref, min(READ_CHUNK_BYTES, size - at), at)
                    self._files.pwrite(aside, chunk, at - held.length)
                self._files.sync(aside)
            self._files.truncate(ref, held.length)
        self._tails.discard(ref.segment)

    def _whole_frame_behind(self, ref: SegmentRef, begin: int, size: int) -> bool:
        start, at = seed(ref.segment), begin + 1
        while at < size:
            chunk = self._files.pread(ref, READ_CHUNK_BYTES, at)
            found = chunk.find(SYNC)
            while found >= 0:
                head = decode_frame_header(chunk, found, start)
                if head is not None and head.length <= FRAME_MAX_BYTES:
                    payload = self._files.pread(ref, head.length, at + found + FRAME_HEADER_BYTES)
                    if len(payload) == head.length and zlib.crc32(payload) == head.payload_crc:
                        return True
                found = chunk.find(SYNC, found + 1)
            if len(chunk) < FRAME_HEADER_BYTES:
                return False
            at += len(chunk) - FRAME_HEADER_BYTES + 1
        return False

    # ── segments of this machine's own writers ──────────────────────────────────────────────────────────────────

    def _answer_foreign(self, append: Append) -> Held:
        """The sender and a writer share the folder: nothing is changed, what the file holds is the answer."""
        ref = self._find(append.segment) or SegmentRef(owner_of(append.segment, append.body).run_key, append.segment)
        return self._measure_foreign(ref)

    def _measure_foreign(self, ref: SegmentRef) -> Held:
        try:
            return measure(ref.segment, lambda length, offset: self._pread(ref, length, offset))
        except OSError as error:
            raise _storage_error(error) from None


def _storage_error(error: OSError) -> StorageError:
    if isinstance(error, StorageError):
        return error
    reason = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", None) in _FULL:
        return StorageFull(f"The server's disk is full ({reason}). Nothing was stored; it goes on once there is room.")
    return StorageError(f"The server's disk refused ({reason}). Nothing was stored; ship it again.")
