"""
Files on their way in: pieces from clients become blobs once they are whole and are what their hash says.

A client sends a file from its beginning; after a broken connection, or a restart of either side, it goes on where the
bytes that are here end. Every run has pieces of its own, so that nobody can spoil, or look at, another's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from treering.errors import BlobConflict, InvalidValue
from treering.limits import ARRIVING_KEPT_S
from treering.runlog.sharing import file_mode, make_folder

from .blobs import FileBlobs

__all__ = ["Arrivals"]

_CHUNK: Final = 1 << 20


class Arrivals:
    """Collects files below *folder* and hands them to *blobs*. Thread-safe."""

    def __init__(self, blobs: FileBlobs, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder
        self._lock = threading.Lock()
        self._busy: dict[str, tuple[threading.Lock, int]] = {}
        self._forget_old()

    def length(self, run_key: str, sha256: str) -> int:
        """Return how many bytes of a file have come for a run."""
        try:
            return self._path(run_key, sha256).stat().st_size
        except OSError:
            return 0

    def take(self, run_key: str, sha256: str, offset: int, total: int, chunk: bytes) -> tuple[int, bool]:
        """
        Take a piece. Returns how many bytes are here, and whether the file is whole, and then durable.

        Raises:
            BlobConflict: the piece does not begin where the bytes that are here end.
            InvalidValue: there are more bytes than *total*, or they are not what the hash says; they are dropped.
        """
        if offset + len(chunk) > total:
            raise InvalidValue(f"{offset + len(chunk):,} bytes are more than the file has, {total:,}.")
        if offset == 0 and len(chunk) == total:
            if hashlib.sha256(chunk).hexdigest() != sha256:
                raise _changed(sha256)
            if not self._blobs.touch(sha256):
                self._blobs.put([chunk])
            return total, True
        path = self._path(run_key, sha256)
        with self._alone(path.name):
            have = self.length(run_key, sha256)
            if offset != have:
                raise BlobConflict(f"{have:,} bytes of {sha256} are here; the piece begins at {offset:,}.", have)
            if chunk:  # none follows when the server ended between the last piece and this
                make_folder(self._folder)
                with open(path, "ab", opener=self._open) as file:
                    file.write(chunk)
                have += len(chunk)
            if have < total:
                return have, False
            if _hash_of(path) != sha256:
                path.unlink(missing_ok=True)
                raise _changed(sha256)
            self._blobs.adopt(path, sha256)
        return have, True

    def _open(self, path: str, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC, file_mode(self._folder))

    def _path(self, run_key: str, sha256: str) -> Path:
        self._blobs.path(sha256)  # raises for what is no hash
        return self._folder / f"{run_key}.{sha256}"

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Let one thread at a time work on a file."""
        with self._lock:
            lock, waiting = self._busy.get(name, (threading.Lock(), 0))
            self._busy[name] = lock, waiting + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, waiting = self._busy.pop(name)
                if waiting > 1:
                    self._busy[name] = lock, waiting - 1

    def _forget_old(self) -> None:
        """Remove pieces that nobody has added to for days."""
        now = time.time()
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(self._folder)):
                if now - entry.stat(follow_symlinks=False).st_mtime > ARRIVING_KEPT_S:
                    os.unlink(entry.path)


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _changed(sha256: str) -> InvalidValue:
    return InvalidValue(f"the bytes are not those of {sha256}: the file was changed since, or on its way.")
