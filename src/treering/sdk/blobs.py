"""
Where the bytes of media and files go: ``blobs/<first two digits>/<sha256>`` in the data folder.

A blob appears whole or not at all, and a name says what is in it; bytes that are there already are not written again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from treering.errors import StorageError
from treering.limits import GARBAGE_YOUNG_S, READ_CHUNK_BYTES
from treering.runlog.sharing import is_shared, make_folder

__all__ = ["Blob", "Blobs"]

_LEFTOVER_S: Final = 86_400.0  # a temporary file this old belongs to nobody


class Blob(NamedTuple):
    """The name and the length of stored bytes."""

    sha256: str
    size: int


class Blobs:
    """
    The blobs of one data folder, as a training process writes them. Thread-safe; several processes may write at once.

    Every method raises StorageError when the data folder refuses, and OSError when a file of the user does.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Return where a blob is, or would be."""
        return self.folder / sha256[:2] / sha256

    def put(self, data: bytes | bytearray | memoryview) -> Blob:
        """Store *data*; return its name."""
        view = memoryview(data).cast("B")
        blob = Blob(hashlib.sha256(view).hexdigest(), len(view))
        if self._has(blob):
            return blob
        with self.temporary() as temporary, _refusals():
            with open(temporary, "wb") as file:
                file.write(view)
            self._place(temporary, blob)
        return blob

    def copy(self, source: Path) -> Blob:
        """Store what *source* holds now. It is read once, so the name fits whatever was read."""
        digest, size = hashlib.sha256(), 0
        with self.temporary() as temporary, open(source, "rb") as original:
            with _refusals():
                copy = open(temporary, "wb")  # noqa: SIM115 - closed below, with errors that tell the two files apart
            try:
                while chunk := original.read(READ_CHUNK_BYTES):
                    digest.update(chunk)
                    size += len(chunk)
                    with _refusals():
                        copy.write(chunk)
            finally:
                with _refusals():
                    copy.close()
            blob = Blob(digest.hexdigest(), size)
            if not self._has(blob):
                with _refusals():
                    self._place(temporary, blob)
        return blob

    def take(self, temporary: Path) -> Blob:
        """Store a file that was written at a place from :meth:`temporary`; it is moved, not copied."""
        with _refusals():
            with open(temporary, "rb") as file:
                blob = Blob(hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno()).st_size)
            if not self._has(blob):
                self._place(temporary, blob)
        return blob

    def keep(self, copy: Path, blob: Blob) -> None:
        """Make *copy*, a file beside the blobs whose hash and size are known, the blob of that name, or drop it."""
        with _refusals():
            if self._has(blob):
                copy.unlink(missing_ok=True)
            else:
                self._place(copy, blob)

    def has(self, blob: Blob) -> bool:
        """Return whether the bytes are there."""
        return self._has(blob)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """Yield a path beside the blobs at which a file may be written; what is left there afterwards is removed."""
        with _refusals():
            make_folder(self.folder)
        path = self.folder / f".{os.urandom(8).hex()}.tmp"
        try:
            yield path
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def remove_leftovers(self, older_than_s: float = _LEFTOVER_S) -> None:
        """Remove temporary files of processes that were killed."""
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") and entry.name.endswith(".tmp"):
                    with suppress(OSError):
                        if time.time() - entry.stat().st_mtime > older_than_s:
                            os.unlink(entry.path)

    def _has(self, blob: Blob) -> bool:
        """Return whether the bytes are there; then they stay for a while, since what is young is never garbage."""
        path = self.path(blob.sha256)
        try:
            found = os.stat(path)
            if found.st_size != blob.size:
                return False
            if time.time() - found.st_mtime > GARBAGE_YOUNG_S / 2:
                os.utime(path)
        except OSError:  # not there, or another user's in a shared folder: then it is written again
            return False
        return True

    def _place(self, temporary: Path, blob: Blob) -> None:
        fd = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC)
        try:
            getattr(os, "fdatasync", os.fsync)(fd)
        finally:
            os.close(fd)
        target = self.path(blob.sha256)
        make_folder(target.parent)
        if not is_shared(self.folder):
            os.chmod(temporary, 0o600)
        os.replace(temporary, target)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(error.errno, f"the data folder refuses: {error.strerror or error}") from error
