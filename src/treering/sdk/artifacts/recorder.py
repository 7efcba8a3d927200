"""
Logging versions, off the training's thread.

A thread stores what is not stored yet, several files at once, and says of each in the run's log that it belongs to the
run, so that an uploader can send it. The record of the version itself comes last: whatever ends the process before it,
nothing half made is ever seen, and what was stored and sent need not be again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from treering.errors import InvalidValue, StorageError, TreeringError
from treering.limits import ARTIFACT_COPIES_AT_ONCE, DISK_RETRY_S, FINISH_FULL_DISK_S, MEDIA_SIGNAL_S
from treering.runlog import records
from treering.runlog.artifact_manifest import Entry, Manifest
from treering.sdk.blobs import Blob, Blobs
from treering.sdk.encoder import Encoder
from treering.sdk.media.media import problem_of
from treering.values import Warn

from .contents import Contents, Local, remove_old_copies
from .copying import copy_hashed

__all__ = ["Job", "Recorder"]

_PURPOSE: Final = "artifact"
_WAIT_S: Final = 0.05
_POLITE_S: Final = 3.0  # of waiting for the end in silence
_TOGETHER: Final = 256  # files that are declared at once


class Job:
    """
    A version that is being logged.

    Attributes:
        record: its id in the run's log, 16 hexadecimal digits.
        error: why it could not be logged; empty while all is well.
        manifest: what is in it; known once everything is stored.
        done: set when its record is handed to the run's log, or it has failed.
    """

    def __init__(self, contents: Contents, about: dict[str, Any], label: str) -> None:
        self.record = secrets.token_hex(8)
        self.contents = contents
        self.about = about
        self.label = label
        self.error = ""
        self.manifest: Manifest | None = None
        self.done = threading.Event()


class Recorder:
    """
    The versions that one process logs to a run, one after the other.

    Args:
        blobs: of the run's data folder.
        encoder: through which records reach the run's log.
        warn, say: tell people something, once per subject or always.
    """

    def __init__(self, blobs: Blobs, encoder: Encoder, warn: Warn, say: Callable[[str], None]) -> None:
        self._blobs = blobs
        self._encoder = encoder
        self._warn = warn
        self._say = say
        self._waiting: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._moved = 0  # bytes and files, so that somebody who waits sees progress
        self._refused = False  # the data folder, at the last try
        self._closed = False

    def put(self, job: Job) -> None:
        """Take over a version; return at once."""
        with self._lock:
            self._waiting.append(job)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="treering-artifacts", daemon=True)
                self._thread.start()

    def drain(self, patience_s: float, quick: bool = False) -> None:
        """Wait until everything is logged; give up when nothing moves for *patience_s*, at once on Ctrl-C."""
        patience_s = min(patience_s, MEDIA_SIGNAL_S) if quick else patience_s
        began = since = time.monotonic()
        moved = self._moved
        thread = self._thread
        try:
            while thread is not None and thread.is_alive():
                thread.join(_WAIT_S)
                now = time.monotonic()
                if self._moved != moved and not quick:
                    moved, since = self._moved, now
                if now - since > (min(patience_s, FINISH_FULL_DISK_S) if self._refused else patience_s):
                    break
                if now - began > _POLITE_S:
                    self._warn("artifacts waiting", "artifacts are still being stored. Ctrl-C stops waiting.")
                thread = self._thread
        except KeyboardInterrupt:
            self._say("stopped waiting for artifacts.")
        self._closed = True
        for job in [*self._waiting]:
            self._fail(job, "the run ended before it was stored")

    # ── the thread ──────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        remove_old_copies(self._blobs.folder)
        while True:
            with self._lock:
                if not self._waiting or self._closed:
                    self._thread = None
                    return
                job = self._waiting[0]
            while not self._log(job) and not self._closed:
                self._refused = True
                time.sleep(min(DISK_RETRY_S, _WAIT_S * 20))
            with self._lock:
                if self._waiting and self._waiting[0] is job:
                    self._waiting.popleft()

    def _log(self, job: Job) -> bool:
        """Store and log a version. Returns False when the data folder refused and another try may help."""
        try:
            self._store(job)
        except StorageError as error:
            self._warn(
                "artifacts disk", f"artifacts cannot be stored: {error}. The training goes on, and so does trying."
            )
            return False
        except Exception as error:  # a file that is gone, or changed although it was promised not to
            self._fail(job, str(error) if isinstance(error, TreeringError) else problem_of(error))
        self._refused = False
        return True

    def _fail(self, job: Job, why: str) -> None:
        if not job.done.is_set():
            job.error = why.rstrip(".")
            self._warn(f"artifact {job.record}", f"log_artifact(): {job.label} was not logged: {job.error}.")
            job.done.set()

    def _store(self, job: Job) -> None:
        local = {id(entry): entry for entry in job.contents.entries.values() if isinstance(entry, Local)}
        declared: dict[str, int] = {}
        with ThreadPoolExecutor(ARTIFACT_COPIES_AT_ONCE, thread_name_prefix="treering-artifacts") as pool:
            alone = len(local) == 1
            for blob in pool.map(lambda entry: self._keep(job.contents, entry, alone), local.values()):
                declared[blob.sha256] = blob.size
                self._moved += 1
                if len(declared) >= _TOGETHER:
                    self._declare(declared)
                if self._closed:
                    return
        manifest = job.contents.manifest()
        # What was there already, in an earlier version: the run says that it needs it, too.
        for entry in job.contents.entries.values():
            if isinstance(entry, Entry) and entry.sha256 is not None:
                declared[entry.sha256] = entry.bytes or 0
        listed = self._blobs.put(manifest.encode())
        declared[listed.sha256] = listed.size
        self._declare(declared)
        body = {
            "id": job.record,
            **job.about,
            "digest": listed.sha256,
            "manifest_bytes": listed.size,
            "bytes": manifest.total_bytes,
            "files": len(manifest),
        }
        self._encoder.hand_in([(records.ARTIFACT, [time.time_ns(), body])])
        job.manifest = manifest
        job.done.set()

    def _declare(self, declared: dict[str, int]) -> None:
        """Say in the run's log that it needs these bytes; then whoever ships it can send them."""
        now_ns = time.time_ns()
        self._encoder.hand_in(
            [
                (records.FILE, (now_ns, f"{_PURPOSE}/{sha256}", sha256, size, {"purpose": _PURPOSE}))
                for sha256, size in declared.items()
            ]
        )
        declared.clear()

    def _keep(self, contents: Contents, entry: Local, alone: bool) -> Blob:
        """See that the bytes of a file are a blob of this run's folder."""
        if entry.copy is not None and contents.blobs.folder == self._blobs.folder and entry.blob is not None:
            if entry.copy.exists():
                self._blobs.keep(entry.copy, entry.blob)
            return self._there(entry.blob)
        source = entry.copy or entry.source
        if source is None:  # made by an encoder, which stored it beside this folder or another
            assert entry.blob is not None
            source = contents.blobs.path(entry.blob.sha256)
            if contents.blobs.folder == self._blobs.folder:
                return self._there(entry.blob)
        with self._blobs.temporary() as temporary:
            blob = Blob(*copy_hashed(source, temporary, self._note, alone=alone))
            entry.check_unchanged()
            if entry.blob is not None and entry.blob != blob:
                raise InvalidValue(f"{source} holds other bytes than were added. Add the file again.")
            entry.blob = blob
            self._blobs.keep(temporary, blob)
        return blob

    def _there(self, blob: Blob) -> Blob:
        if not self._blobs.has(blob):
            raise InvalidValue(f"{self._blobs.path(blob.sha256)} is gone. Add the file again.")
        return blob

    def _note(self, size: int) -> None:
        self._moved += size
