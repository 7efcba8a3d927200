"""
Files of a run, read back: listed, downloaded, and put together into the code that the run ran.

Names and hashes come from a server, so each is checked before it becomes a path, and each file against its hash before
it has its name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from treering.errors import FormatError, StorageError, UsageError
from treering.ids import check_path

from .connection import Connection

__all__ = ["RunFile", "list_files"]

_PAGE: Final = 1_000
_HEX: Final = frozenset("0123456789abcdef")


class RunFile:
    """One file of a run."""

    def __init__(self, connection: Connection, run_key: str, row: dict[str, Any]) -> None:
        self._connection = connection
        self._run_key = run_key
        self.name = str(row["path"])
        """Its path among the run's files."""
        self.sha256 = str(row["sha256"])
        self.size = int(row["bytes"])
        self.purpose = str(row["purpose"])
        self.held = bool(row["held"])
        """Whether the bytes are at the server."""
        self.about: dict[str, Any] = dict(row.get("about") or {})
        if len(self.sha256) != 64 or not _HEX.issuperset(self.sha256):
            raise FormatError(f"{connection.name} names a file by {self.sha256[:80]!r}, which is no SHA-256.")

    def __repr__(self) -> str:
        return f"<RunFile {self.name} {self.size:,} bytes>"

    def read(self) -> bytes:
        """Return the bytes. Raises FormatError if they are not what their hash says, NotFound if they are not there."""
        return b"".join(self.pieces())

    def download(self, root: str | os.PathLike[str] = ".", replace: bool = False, exist_ok: bool = False) -> Path:
        """
        Write the file below *root* under its name and return its path.

        Raises:
            UsageError: it is there already; *replace* overwrites it, *exist_ok* leaves it.
            InvalidName: its name would lead out of *root*.
        """
        target = safe_target(Path(root), self.name)
        if target.exists() and not replace:
            if exist_ok:
                return target
            raise UsageError(f"{target} exists. download(replace=True) overwrites it.")
        self.write_to(target)
        return target

    def write_to(self, target: Path, mode: int = 0o644) -> None:
        """Write the bytes to *target*, whole or not at all."""
        temporary = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "xb") as file:
                for piece in self.pieces():
                    file.write(piece)
            os.chmod(temporary, mode & 0o777)
            os.replace(temporary, target)
        except OSError as error:
            raise StorageError(f"cannot write {target}: {error.strerror}.") from None
        finally:
            temporary.unlink(missing_ok=True)

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes as they come. Raises as ``read`` does, when the last have come."""
        digest = hashlib.sha256()
        size = 0
        for piece in self._connection.pieces(f"/runs/{self._run_key}/blobs/{self.sha256}", self.size):
            digest.update(piece)
            size += len(piece)
            yield piece
        if size != self.size or digest.hexdigest() != self.sha256:
            raise FormatError(f"{self._connection.name} sent other bytes for {self.name!r} than its hash says.")


def list_files(connection: Connection, run_key: str, purpose: str = "", search: str = "") -> list[RunFile]:
    """Return all files of a run, by path."""
    found: list[RunFile] = []
    while True:
        asked = {"offset": len(found), "limit": _PAGE, "search": search, **({"purpose": purpose} if purpose else {})}
        page = connection.call("GET", f"/runs/{quote(run_key, safe='')}/files?{urlencode(asked)}")
        found += [RunFile(connection, run_key, row) for row in page["files"]]
        if not page["files"] or len(found) >= page["total"]:
            return found


def safe_target(root: Path, name: str) -> Path:
    """
    Return where a file of this name goes below *root*.

    Raises:
        InvalidName: the name, or a link on the way, would lead out of it.
    """
    target = root
    for part in check_path(name).split("/"):
        if target.is_symlink() and target != root:
            raise UsageError(f"{target} is a link; nothing is written through it.")
        target = target / part
    return target
