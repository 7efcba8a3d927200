"""Reading every byte of a run again, and saying what is wrong with it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from treering.errors import TreeringError
from treering.runlog import records

from .metadata import MetadataStore
from .model import DamageRow, SegmentCheck, Verification
from .segments import SegmentRef, SegmentStore
from .state import RunState

_decode = msgspec.msgpack.Decoder().decode


def verify_run(metadata: MetadataStore, segments: SegmentStore, state: RunState) -> Verification:
    """Read all segments of a run from the first byte to the last."""
    writers = {s.segment: s.writer for s in metadata.segments(state.id)}
    checks = [_check(segments, ref, writers.get(ref.segment, "")) for ref in segments.segments(state.run_key)]
    ok = all(check.status in ("clean", "sealed", "torn") and check.sha256_ok is not False for check in checks)
    return Verification(checks, ok)


def _check(segments: SegmentStore, ref: SegmentRef, writer: str) -> SegmentCheck:
    frames = count = 0
    seal: dict[str, Any] | None = None
    try:
        with segments.open(ref) as reader:
            while found := reader.read(whole=True):
                frames += len(found)
                count += sum(frame.nrec for frame in found)
                for frame in found:
                    if frame.kind == records.SEAL:
                        seal = _seal(frame)
            damage = [DamageRow(ref.segment, d.offset, d.length, d.reason) for d in reader.damage]
            whole = None if seal is None else _digest(segments, ref, seal)
            status, end, sealed = reader.status, reader.offset, reader.sealed
    except (TreeringError, OSError) as error:
        damage = [DamageRow(ref.segment, 0, 0, str(error))]
        return SegmentCheck(ref.segment, writer, 0, frames, count, "damaged", damage, False, None)
    return SegmentCheck(ref.segment, writer, end, frames, count, status, damage, sealed, whole)


def _seal(frame: Any) -> dict[str, Any] | None:
    try:
        value = _decode(records.inflate(frame))
    except (TreeringError, msgspec.DecodeError):
        return None
    return value if isinstance(value, dict) else None


def _digest(segments: SegmentStore, ref: SegmentRef, seal: dict[str, Any]) -> bool:
    """Return whether the SHA-256 in the seal is that of everything before it."""
    size, wanted = seal.get("bytes"), seal.get("sha256")
    if not isinstance(size, int):
        return False
    digest = hashlib.sha256()
    at = 0
    while at < size:
        chunk = segments.pread(ref, min(1 << 20, size - at), at)
        if not chunk:
            return False
        digest.update(chunk)
        at += len(chunk)
    return digest.hexdigest() == wanted
