"""
The manifest: which parts exist. It is the commit point of the metric store.

A part is written, fsynced and renamed first; then a new manifest replaces the old one. Whatever a crash leaves
between the two is a file that no manifest names, and is deleted at the next start.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from treering.errors import StorageError


class PartInfo(msgspec.Struct, frozen=True):
    """One immutable set of files with the same name in points/, roll/, spans/, items/ and marks/."""

    name: str
    project: int
    points: int
    rollups: int
    items: int


class Manifest(msgspec.Struct, frozen=True):
    """All parts of an index. ``index_id`` ties them to the metadata whose numbers they use."""

    index_id: str
    next_part: int = 1
    parts: list[PartInfo] = []


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest, or None if there is none. Raises StorageError if it does not parse."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise StorageError(
            f"{path}: the manifest does not parse ({error}). Run `treering rebuild`: the index is derived and can be "
            "made again from the run log."
        ) from None


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace the manifest; afterwards it survives a power cut."""
    write_durably(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it is either absent (or old) or whole, whatever happens."""
    temporary = path.with_name(path.name + ".tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Make the content of *path* survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Make names created in *folder* survive a power cut."""
    sync_file(folder)
