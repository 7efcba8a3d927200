"""
Content that was downloaded before, by its hash: the next download of the same bytes asks no server.

It is used where ``TREERING_CACHE_DIR`` names a folder. When it grows beyond ``TREERING_CACHE_MAX_BYTES``, 10 GiB unless
that says another number, what was not used for longest goes.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from treering.errors import InvalidValue, StorageError
from treering.limits import ARTIFACT_CACHE_MAX_BYTES

from .copying import copy_hashed

__all__ = ["Cache"]

_FOLDER: Final = "TREERING_CACHE_DIR"
_LIMIT: Final = "TREERING_CACHE_MAX_BYTES"


class Cache:
    """Files by their SHA-256 below *folder*. Several processes may use it; a file that is read is young again."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Cache | None:
        """Return the cache that the environment names; None for none. Raises InvalidValue: its limit is no number."""
        folder = environ.get(_FOLDER)
        if not folder:
            return None
        limit = environ.get(_LIMIT) or str(ARTIFACT_CACHE_MAX_BYTES)
        if not (limit.isascii() and limit.isdecimal()):
            raise InvalidValue(f"{_LIMIT} is a whole number of bytes, got {limit!r:.40}.")
        return cls(Path(folder).expanduser(), int(limit))

    def find(self, sha256: str) -> Path | None:
        """Return where content is; None if it is not here."""
        path = self._folder / sha256[:2] / sha256
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def keep(self, sha256: str, file: Path) -> None:
        """Copy a file, which holds what its hash says, into the cache. A disk that refuses costs only that."""
        target = self._folder / sha256[:2] / sha256
        temporary = target.with_name(f".{sha256}.{secrets.token_hex(4)}.tmp")
        try:
            if target.exists() or file.stat().st_size > self._max_bytes:
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            if copy_hashed(file, temporary)[0] == sha256:
                os.replace(temporary, target)
                self._shrink()
        except (OSError, StorageError):
            return
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _shrink(self) -> None:
        found = []
        for path in self._folder.glob("??/*"):
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._max_bytes:
                return
            with suppress(OSError):
                path.unlink()
                total -= size
