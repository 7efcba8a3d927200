"""
Locked runs: what a run logged is sealed, its hashes are written down, and nothing is added to it any more.

A lock is a document of the ledger: by whom, when, and the SHA-256 of every file of the run's log. What people say of
the run later, a note or a tag, is recorded beside those files and never in them. A file that appears beside them
nevertheless is told by ``verify`` and adds nothing to the run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from treering.errors import EditConflict, NotFound
from treering.runlog.sharing import make_folder

from .documents import Document, Documents
from .segments import FileSegments, SegmentRef
from .state import RunState

__all__ = ["LOCK_FILE", "Lock", "LockedSegment", "Locks"]

log = logging.getLogger("treering.store")

LOCK_FILE: Final = "locked.json"  # in the run's folder: a training that would go on in the run reads it
_KIND: Final = "lock"


class LockedSegment(msgspec.Struct, frozen=True):
    """A file of a run's log as it was when the run was locked."""

    segment: str
    writer: str
    bytes: int
    sha256: str


class Lock(msgspec.Struct, frozen=True):
    """A run's lock. ``at`` is unix seconds; ``sha256`` is of the list of the files' hashes: one number for all."""

    run_key: str
    at: float
    by: str
    note: str
    sha256: str
    segments: list[LockedSegment]
    version: int


class Locks:
    """The locks in a store's documents. Thread-safe."""

    def __init__(self, documents: Documents, segments: FileSegments, clock_ns: Callable[[], int]) -> None:
        self._documents = documents
        self._segments = segments
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._of_run: dict[str, str] = {}  # run key → document
        for document in documents.of_kind(_KIND):
            self._of_run[str(document.about.get("run_key"))] = document.id

    def is_locked(self, run_key: str) -> bool:
        """Return whether a run is locked."""
        return run_key in self._of_run

    def get(self, run_key: str) -> Lock | None:
        """Return the lock of a run; None if it has none."""
        found = self._of_run.get(run_key)
        if found is None:
            return None
        try:
            document = self._documents.get(found)
        except NotFound:
            return None
        body = self._documents.body(document.id)
        segments = msgspec.convert(body["segments"], list[LockedSegment])
        return Lock(
            run_key,
            document.created_ns / 1e9,
            document.owner,
            str(body.get("note") or ""),
            _digest_of(segments),
            segments,
            document.version,
        )

    def locks_out(self, ref: SegmentRef) -> bool:
        """Return whether a file came to a run after it was locked."""
        if not self.is_locked(ref.run_key):
            return False
        lock = self.get(ref.run_key)
        return lock is not None and all(one.segment != ref.segment for one in lock.segments)

    def lock(self, run: RunState, writers: dict[str, str], author: str, note: str) -> Lock:
        """
        Lock a run that has ended. *writers*: segment → writer label of all its files, which are closed.

        Raises:
            EditConflict: it is locked already.
            OSError: a file cannot be read, or the ledger not be written.
        """
        with self._lock:
            if self.is_locked(run.run_key):
                raise EditConflict(f"{run.name} is locked already.")
            segments = [
                self._measured(ref, writers.get(ref.segment, ""))
                for ref in sorted(self._segments.segments(run.run_key), key=lambda one: one.segment)
            ]
            body = {"segments": msgspec.to_builtins(segments), "note": note}
            made = self._documents.create(
                _KIND, run.entity, run.project, run.run_id, body, author, self._clock_ns(), run_key=run.run_key
            )
            self._of_run[run.run_key] = made.id
            lock = self.get(run.run_key)
            assert lock is not None
            self._write_mark(lock)
            return lock

    def unlock(self, run_key: str, author: str) -> None:
        """Take a lock away; that it was there stays in the ledger. Raises NotFound, OSError."""
        with self._lock:
            self._documents.delete(self._document(run_key).id, author, self._clock_ns())
            del self._of_run[run_key]
            (self._segments.folder(run_key) / LOCK_FILE).unlink(missing_ok=True)

    def differences(self, lock: Lock) -> tuple[list[str], list[str]]:
        """Return which files are not what they were, or are gone, and which were added since. Raises OSError."""
        now = {ref.segment: ref for ref in self._segments.segments(lock.run_key)}
        changed = []
        for one in lock.segments:
            ref = now.pop(one.segment, None)
            if ref is None or self._sha256(ref, one.bytes) != one.sha256:
                changed.append(one.segment)
        return changed, sorted(now)

    def _document(self, run_key: str) -> Document:
        found = self._of_run.get(run_key)
        if found is None:
            raise NotFound("this run is not locked.")
        return self._documents.get(found)

    def _measured(self, ref: SegmentRef, writer: str) -> LockedSegment:
        """Return a file's length and hash: of all its whole frames, without the room that a killed writer left."""
        with self._segments.open(ref) as reader:
            while reader.read(whole=True):
                pass
            length = reader.offset
        return LockedSegment(ref.segment, writer, length, self._sha256(ref, length))

    def _sha256(self, ref: SegmentRef, length: int) -> str:
        digest, at = hashlib.sha256(), 0
        while at < length:
            chunk = self._segments.pread(ref, min(1 << 20, length - at), at)
            if not chunk:
                break
            digest.update(chunk)
            at += len(chunk)
        return digest.hexdigest()

    def _write_mark(self, lock: Lock) -> None:
        folder = self._segments.folder(lock.run_key)
        said: dict[str, Any] = {"at": lock.at, "by": lock.by, "sha256": lock.sha256}
        try:
            make_folder(folder)
            (folder / LOCK_FILE).write_text(json.dumps(said), encoding="utf-8")
        except OSError as error:  # the lock stands in the ledger; only trainings on this machine do not hear of it
            log.warning("cannot mark run %s as locked: %s", lock.run_key, error)


def _digest_of(segments: list[LockedSegment]) -> str:
    lines = "".join(f"{one.segment} {one.bytes} {one.sha256}\n" for one in segments)
    return hashlib.sha256(lines.encode()).hexdigest()
