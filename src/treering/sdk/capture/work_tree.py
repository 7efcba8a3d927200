"""
Files whose bytes on the disk are not those of the commit although git calls them unchanged.

Line ends (``core.autocrlf``, ``eol`` and ``text`` attributes), filters such as LFS, keywords and encodings: what
git writes into a work tree depends on the settings of the machine. Here is noted what was on the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from treering.limits import CODE_FILE_MAX_BYTES

from .repository import Repository, Skipped

__all__ = ["UnlikeCommit", "unlike_commit"]

_HASHED_MAX_BYTES: Final = 256 * 1024 * 1024
_CHUNK_BYTES: Final = 1 << 20
# Line ends from which the other kind can be made and back; others are kept as they are.
_PURE: Final = frozenset(("lf", "crlf", "none", ""))
_REWRITTEN: Final = ("ident", "working-tree-encoding")


class UnlikeCommit(NamedTuple):
    """
    What is on the disk beside the commit.

    Attributes:
        listing: JSON ``[path, sha256 or null, bytes, filter or ""]`` of each such file; empty if there is none.
        files: how many there are.
        whole: paths of those that cannot be made from the commit, and have to be recorded as they are.
        skipped: what could not be looked at.
    """

    listing: bytes
    files: int
    whole: list[str]
    skipped: list[Skipped]


def unlike_commit(repository: Repository, changed: Sequence[str]) -> UnlikeCommit:
    """
    Return which tracked files of a work tree are not what a plain checkout would write.

    Args:
        changed: files with uncommitted changes: a patch knows their lines and not how those end.
    """
    nothing = UnlikeCommit(b"", 0, [], [])
    if not _may_convert(repository):
        return nothing
    ends = repository.line_ends()
    if ends is None:
        return nothing  # it took too long, and that is noted
    special = repository.attributes(list(ends), ("filter", *_REWRITTEN))
    also = frozenset(changed)
    rows: list[list[Any]] = []
    whole: list[str] = []
    skipped: list[Skipped] = []
    left_bytes = _HASHED_MAX_BYTES
    for path, (in_index, on_disk) in ends.items():
        attributes = special.get(path, {})
        filtered = attributes.get("filter", "")
        rewritten = any(name in attributes for name in _REWRITTEN)
        if not on_disk or not (in_index != on_disk or filtered or rewritten or path in also):
            continue  # it is no file, or as it is in the commit
        try:
            size = os.lstat(repository.root / path).st_size
            secret = filtered not in ("", "lfs")  # encrypted in the commit, perhaps: not even a hash of it leaves
            digest = None if secret or size > left_bytes else _sha256(repository, path)
        except OSError as error:
            skipped.append(Skipped(path, f"cannot be read: {error.strerror}"))
            continue
        left_bytes -= size if digest else 0
        if not filtered and (rewritten or in_index not in _PURE or on_disk not in _PURE):
            if size <= CODE_FILE_MAX_BYTES:
                whole.append(path)
            else:
                skipped.append(Skipped(path, "git writes it in another form, and it is too large to keep", size))
        rows.append([path, digest, size, filtered])
    if not rows:
        return UnlikeCommit(b"", 0, [], skipped)
    return UnlikeCommit(json.dumps(rows, separators=(",", ":")).encode(), len(rows), whole, skipped)


def _may_convert(repository: Repository) -> bool:
    """Return whether anything is set that has git write other bytes than it has."""
    if repository.setting("core.autocrlf") in ("true", "input") or repository.setting("core.eol"):
        return True
    return bool(repository.attribute_files())


def _sha256(repository: Repository, path: str) -> str | None:
    """Return the hash of a regular file; None where the time for this part is over."""
    full = repository.root / path
    if not stat.S_ISREG(os.lstat(full).st_mode):
        return None
    digest = hashlib.sha256()
    with open(full, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if time.monotonic() > repository.until:
                return None
            digest.update(chunk)
    return digest.hexdigest()
