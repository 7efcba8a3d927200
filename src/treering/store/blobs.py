"""Blobs: content-addressed bytes. A name is the SHA-256 of what it names, so a blob never changes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from treering.errors import InvalidValue, NotFound
from treering.runlog.sharing import file_mode, make_folder

from .manifest import sync_file, sync_folder

_NAME: Final = re.compile(r"[0-9a-f]{64}\Z")
_CHUNK: Final = 1 << 20
_DISCARDED: Final = ".discarded"


class BlobStore(Protocol):
    """Stores bytes by their SHA-256. Thread-safe."""

    def put(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Store the concatenation of *chunks*, durably and whole or not at all; returns (name, bytes)."""

    def get(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a blob. Raises NotFound."""

    def range(self, name: str, start: int, length: int) -> bytes:
        """Return at most *length* bytes from *start* on. Raises NotFound."""

    def size(self, name: str) -> int:
        """Return the bytes of a blob. Raises NotFound."""

    def list(self) -> Iterator[str]:
        """Yield all names, sorted."""

    def delete(self, name: str) -> bool:
        """Remove a blob; returns whether it was there."""


class FileBlobs:
    """See ``BlobStore``. ``<aa>/<sha256>`` below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Return where a blob is or would be. Raises InvalidValue for what is not a SHA-256 in hexadecimal."""
        if not _NAME.match(name):
            raise InvalidValue(f"a blob's name is 64 hexadecimal digits, got {name!r}.")
        return self._folder / name[:2] / name

    def put(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        make_folder(self._folder)
        temporary = self._folder / f".{os.urandom(8).hex()}.tmp"
        digest = hashlib.sha256()
        size = 0
        try:
            with open(temporary, "xb", opener=self._open) as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            target = self.path(digest.hexdigest())
            make_folder(target.parent)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
        return target.name, size

    def _open(self, path: str, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC, file_mode(self._folder))

    def adopt(self, file: Path, name: str) -> None:
        """Make *file*, on the same disk and known to have the SHA-256 *name*, the blob of that name. Durable."""
        sync_file(file)
        target = self.path(name)
        make_folder(target.parent)
        os.replace(file, target)
        sync_folder(target.parent)

    def get(self, name: str) -> Iterator[bytes]:
        path = self.path(name)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise NotFound(f"there is no blob {name}.") from None
        return self._read(file)

    @staticmethod
    def _read(file: object) -> Iterator[bytes]:
        with file as opened:  # type: ignore[attr-defined]
            while chunk := opened.read(_CHUNK):
                yield chunk

    def range(self, name: str, start: int, length: int) -> bytes:
        path = self.path(name)
        if start < 0 or length < 0:
            raise InvalidValue(f"start and length must be at least 0, got {start} and {length}.")
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"there is no blob {name}.") from None
        try:
            return os.pread(fd, length, start)
        finally:
            os.close(fd)

    def size(self, name: str) -> int:
        try:
            return os.stat(self.path(name)).st_size
        except FileNotFoundError:
            raise NotFound(f"there is no blob {name}.") from None

    def has(self, name: str) -> bool:
        """Return whether a blob is there."""
        try:
            return self.path(name).is_file()
        except (InvalidValue, OSError):
            return False

    def changed_ns(self, name: str) -> int:
        """Return when a blob was written or touched, in unix nanoseconds. Raises NotFound."""
        try:
            return os.stat(self.path(name)).st_mtime_ns
        except FileNotFoundError:
            raise NotFound(f"there is no blob {name}.") from None

    def touch(self, name: str) -> bool:
        """
        Return whether a blob is there, and see to it that it stays for a while: what is young is never garbage.

        For whoever finds that some bytes are here already and is about to say so.
        """
        try:
            os.utime(self.path(name))
        except (InvalidValue, OSError):
            return False
        return True

    def discard(self, name: str, older_than_ns: int) -> bool:
        """
        Remove a blob unless somebody touched it since *older_than_ns*, unix nanoseconds; return whether it is gone.

        Whoever touches it at this very moment either keeps it, or finds that it is not there and writes it again.
        """
        path = self.path(name)
        aside = self._folder / f".{name}.{os.urandom(4).hex()}{_DISCARDED}"
        try:
            if os.stat(path).st_mtime_ns > older_than_ns:
                return False
            os.rename(path, aside)
        except FileNotFoundError:
            return True
        if os.stat(aside).st_mtime_ns > older_than_ns:
            os.replace(aside, path)
            return False
        os.unlink(aside)
        return True

    def restore_discarded(self) -> None:
        """Put back what a kill left in the middle of ``discard``; whether it goes is then decided anew."""
        for aside in self._folder.glob(f".*{_DISCARDED}"):
            name = aside.name[1:].partition(".")[0]
            if _NAME.match(name) and not self.has(name):
                os.replace(aside, self.path(name))
            else:
                aside.unlink(missing_ok=True)

    def list(self) -> Iterator[str]:
        for folder in sorted(self._folder.glob("??")):
            yield from sorted(path.name for path in folder.iterdir() if _NAME.match(path.name))

    def delete(self, name: str) -> bool:
        try:
            os.unlink(self.path(name))
        except FileNotFoundError:
            return False
        return True
