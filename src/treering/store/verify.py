"""Reading every byte of a run again, of its log and of its files, and saying what is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from typing import Any

import msgspec
import sqlalchemy as sa

from treering.errors import NotFound, TreeringError
from treering.limits import VERIFY_DAMAGED_LISTED, VERIFY_READ_MAX_BYTES
from treering.runlog import records

from . import schema as t
from .blobs import FileBlobs
from .files import here
from .metadata import MetadataStore
from .model import DamageRow, FileCheck, FilesCheck, SegmentCheck, Verification
from .segments import SegmentRef, SegmentStore
from .state import RunState

_decode = msgspec.msgpack.Decoder().decode


def verify_run(
    metadata: MetadataStore, segments: SegmentStore, state: RunState, files: FilesCheck, lock: list[str] | None
) -> Verification:
    """
    Read all segments of a run from the first byte to the last.

    Args:
        files: what ``verify_files`` found.
        lock: of a locked run the segments that are not what they were when it was locked.
    """
    writers = {s.segment: s.writer for s in metadata.segments(state.id)}
    checks = [_check(segments, ref, writers.get(ref.segment, "")) for ref in segments.segments(state.run_key)]
    ok = all(check.status in ("clean", "sealed", "torn") and check.sha256_ok is not False for check in checks)
    return Verification(checks, ok and not files.damaged_count and not lock, files, lock)


def verify_files(metadata: MetadataStore, blobs: FileBlobs, run_id: int, of_versions: Set[str]) -> FilesCheck:
    """
    Read all files of a run, and hold them against the hashes in its log.

    Args:
        of_versions: content of those versions of artifacts that the run logged and that are there. What it declared
            for others, which were removed or never came, goes with the garbage.
    """
    declared: dict[str, tuple[str, int, bool]] = {}
    needed = set(of_versions)
    f = t.files.c
    query = sa.select(f.path, f.sha256, f.bytes, f.purpose, here().label("here")).where(f.run_id == run_id)
    with metadata.connect() as connection:
        for row in connection.execute(query.order_by(f.path)):
            declared.setdefault(row.sha256, (row.path, int(row.bytes), bool(row.here)))
            needed |= {row.sha256} if row.purpose != "artifact" else set()
    read = total = waiting = count = damaged_count = 0
    damaged: list[FileCheck] = []
    for sha256, (path, size, is_here) in declared.items():
        if sha256 not in needed:
            continue
        count, total = count + 1, total + size
        if not is_here:
            waiting += 1
            continue
        with_content = read + size <= VERIFY_READ_MAX_BYTES
        read += size if with_content else 0
        problem = _problem(blobs, sha256, size, with_content)
        if problem:
            damaged_count += 1
            damaged += [FileCheck(path, sha256, size, problem)] if len(damaged) < VERIFY_DAMAGED_LISTED else []
    unread = total - read - sum(size for s, (_, size, is_here) in declared.items() if s in needed and not is_here)
    return FilesCheck(count, total, unread, waiting, damaged_count, damaged)


def _problem(blobs: FileBlobs, sha256: str, size: int, with_content: bool) -> str:
    """Return what is wrong with the bytes of a hash; empty if nothing is."""
    try:
        found = blobs.size(sha256)
        if found != size:
            return f"it has {found:,} bytes and not {size:,}"
        if with_content and _hash_of(blobs, sha256) != sha256:
            return "it holds other bytes than its hash says"
    except NotFound:
        return "it is gone"
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    return ""


def _hash_of(blobs: FileBlobs, sha256: str) -> str:
    with open(blobs.path(sha256), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
