"""
What is put into a version before it is logged.

A file is copied, and hashed, when it is added: what happens to it afterwards is nothing to the version. The copies
stand beside the blobs of the data folder, on the same disk, so that logging only gives them their names. One whose
owner promises not to change it (``immutable``) is copied when the version is logged.
"""

from __future__ import annotations

import os
import secrets
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from treering.errors import InvalidName, InvalidValue, LimitExceeded, StorageError
from treering.limits import ARTIFACT_COPIES_AT_ONCE, ARTIFACT_ENTRIES_MAX, ARTIFACT_UNFINISHED_KEPT_S
from treering.runlog.artifact_manifest import Entry, Manifest, check_entries, check_entry_path
from treering.runlog.sharing import make_folder
from treering.sdk.blobs import Blob, Blobs
from treering.sdk.ranks import boot_id, process_start_time

from .copying import copy_hashed, hash_file

__all__ = ["Contents", "Local", "files_below", "remove_old_copies"]

_ENDING: Final = ".added"


class Local:
    """
    A file of a version that is not logged yet.

    Attributes:
        blob: its hash and size; None until it was read.
        copy: our copy of it, which goes with this object unless it becomes a blob.
        source: the user's file, if nothing was copied.
    """

    __slots__ = ("__weakref__", "blob", "copy", "mark", "source")

    def __init__(self, blob: Blob | None, copy: Path | None, source: Path | None) -> None:
        self.blob = blob
        self.copy = copy
        self.source = source
        self.mark = _mark_of(source) if source is not None else None
        if copy is not None:
            weakref.finalize(self, _remove, copy, os.getpid())

    def identify(self) -> Blob:
        """
        Return the hash and the size, read from the user's file if need be.

        Raises:
            InvalidValue: the file was changed although it was added as one that does not change.
            OSError: it cannot be read.
        """
        if self.blob is None:
            assert self.source is not None
            self.blob = Blob(*hash_file(self.source))
            self.check_unchanged()
        return self.blob

    def check_unchanged(self) -> None:
        """Raise InvalidValue if a file that was promised not to change did."""
        if self.source is not None and _mark_of(self.source) != self.mark:
            raise InvalidValue(
                f"{str(self.source)!r} was changed after it was added with policy='immutable'; add it with 'mutable'."
            )


class Contents:
    """
    The entries of a version that is not logged yet.

    Args:
        folder: the data folder beside whose blobs copies are made.
        base: entries of an earlier version, which are there already.
    """

    def __init__(self, folder: Path, base: dict[str, Entry] | None = None) -> None:
        self.blobs = Blobs(folder / "blobs")
        self.entries: dict[str, Entry | Local] = dict(base or {})

    def add(self, path: str, entry: Entry | Local, *, overwrite: bool = True) -> None:
        """
        Put an entry at a path.

        Raises:
            InvalidName: no entry can have this path.
            InvalidValue: there is another one, and *overwrite* is False.
            LimitExceeded: there are too many.
        """
        path = check_entry_path(path)
        old = self.entries.get(path)
        if old is not None and not overwrite and not _is_same(old, entry):
            raise InvalidValue(f"the artifact has {path!r} already, with other content; give overwrite=True.")
        if len(self.entries) >= ARTIFACT_ENTRIES_MAX and path not in self.entries:
            raise LimitExceeded(f"an artifact has at most {ARTIFACT_ENTRIES_MAX:,} entries. Put them into archives.")
        self.entries[path] = entry

    def add_file(self, source: Path, path: str, *, mutable: bool, overwrite: bool = True) -> None:
        """Add a file of the user. Raises as ``add``; OSError: it cannot be read."""
        self.add(check_entry_path(path), self._local(source, mutable, alone=True), overwrite=overwrite)

    def add_folder(self, folder: Path, prefix: str, *, mutable: bool, overwrite: bool = True) -> None:
        """Add all files below a folder, several at once; raises as ``add_file``."""
        found = [(source, check_entry_path(_below(prefix, path))) for source, path in files_below(folder)]
        with ThreadPoolExecutor(ARTIFACT_COPIES_AT_ONCE, thread_name_prefix="treering-copy") as pool:
            local = pool.map(lambda one: self._local(one[0], mutable, alone=len(found) == 1), found)
            for (_, path), entry in zip(found, local, strict=True):
                self.add(path, entry, overwrite=overwrite)

    def _local(self, source: Path, mutable: bool, *, alone: bool) -> Local:
        if not mutable:
            return Local(None, None, source)
        try:
            copy = self.temporary()
            try:
                blob = Blob(*copy_hashed(source, copy, alone=alone))
            except BaseException:
                with suppress(OSError):
                    copy.unlink(missing_ok=True)
                raise
        except StorageError:
            # A full disk must not end a training: the file is copied when there is room, if it is the same by then.
            return Local(None, None, source)
        return Local(blob, copy, None)

    def temporary(self) -> Path:
        """Return a new path for a copy. Raises StorageError."""
        try:
            make_folder(self.blobs.folder)
        except OSError as error:
            raise StorageError(error.errno, f"{self.blobs.folder} cannot be made: {error.strerror}") from error
        pid = os.getpid()
        owner = f"{pid}-{process_start_time(pid):.0f}-{boot_id()}"
        return self.blobs.folder / f".{owner}.{secrets.token_hex(8)}{_ENDING}"

    def fill(self, base: dict[str, Entry]) -> None:
        """Take over entries of an earlier version at paths that have none; raises as ``add``."""
        for path, entry in base.items():
            if path not in self.entries:
                self.add(path, entry)

    def remove(self, path: str) -> None:
        """Take an entry out, or a folder of them. Raises InvalidValue: there is none."""
        gone = [name for name in self.entries if name == path or name.startswith(f"{path.rstrip('/')}/")]
        if not gone:
            raise InvalidValue(f"the artifact has no entry {path!r}.")
        for name in gone:
            del self.entries[name]

    def manifest(self) -> Manifest:
        """
        Return the list of the entries as it is logged; files that were not copied are read.

        Raises:
            InvalidName: a path is a file and a folder at once.
            InvalidValue: a file was changed that was promised not to.
            OSError: a file cannot be read.
        """
        entries = {path: _entry_of(entry) for path, entry in self.entries.items()}
        check_entries(entries.items())
        return Manifest(entries)


def _entry_of(entry: Entry | Local) -> Entry:
    if isinstance(entry, Entry):
        return entry
    blob = entry.identify()
    return Entry(bytes=blob.size, sha256=blob.sha256)


def _is_same(a: Entry | Local, b: Entry | Local) -> bool:
    try:
        return _entry_of(a) == _entry_of(b)
    except (InvalidValue, OSError):
        return False


def files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """
    Yield the files below a folder with their paths in it. Links within the folder are followed.

    Raises:
        InvalidValue: a link leads out of the folder, nowhere, or in a circle.
    """
    root = folder.resolve()
    pending: list[tuple[Path, str, frozenset[Path]]] = [(folder, "", frozenset({root}))]
    while pending:
        place, prefix, above = pending.pop()
        folders: list[tuple[Path, str, frozenset[Path]]] = []
        for entry in sorted(os.scandir(place), key=lambda one: one.name):
            path, name = Path(entry.path), f"{prefix}{entry.name}"
            if entry.is_symlink():
                target = path.resolve()
                if not target.exists():
                    raise InvalidValue(f"{str(path)!r} is a link that leads nowhere.")
                if not target.is_relative_to(root):
                    raise InvalidValue(
                        f"{str(path)!r} is a link that leads out of {str(folder)!r}; it is not followed."
                    )
                if target in above:
                    raise InvalidValue(f"{str(path)!r} is a link that leads to a folder which it stands in.")
            if entry.is_dir():
                folders.append((path, f"{name}/", above | {path.resolve()}))
            elif entry.is_file():
                yield path, name
        pending += reversed(folders)


def _below(prefix: str, path: str) -> str:
    return f"{prefix.strip('/')}/{path}" if prefix.strip("/") else path


def _mark_of(source: Path) -> tuple[int, int, int]:
    found = os.stat(source)
    return found.st_size, found.st_mtime_ns, found.st_ino


def _remove(path: Path, pid: int) -> None:
    """Remove a copy, unless this is a forked child, whose parent still needs it."""
    if os.getpid() == pid:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def remove_old_copies(blobs: Path) -> None:
    """Remove copies whose process has ended without logging them."""
    boot, now = boot_id(), time.time()
    with suppress(OSError), os.scandir(blobs) as entries:
        for entry in entries:
            if not entry.name.endswith(_ENDING):
                continue
            pid, _, rest = entry.name[1:].partition("-")
            start, _, owner = rest.partition("-")
            with suppress(OSError, ValueError):
                if owner.partition(".")[0] == boot:
                    gone = f"{process_start_time(int(pid)):.0f}" != start
                else:  # of another machine, or of an earlier boot of this one
                    gone = now - entry.stat().st_mtime > ARTIFACT_UNFINISHED_KEPT_S
                if gone:
                    os.unlink(entry.path)


def check_is_file(source: Path) -> None:
    """Raise InvalidValue unless *source* is a file that is there."""
    if source.is_dir():
        raise InvalidValue(f"{str(source)!r} is a folder; add_dir() adds what is in it.")
    if not source.is_file():
        raise InvalidValue(f"{str(source)!r} is no file that is there.")


def check_is_folder(folder: Path) -> None:
    """Raise InvalidValue unless *folder* is a folder that is there."""
    if not folder.is_dir():
        raise InvalidValue(f"{str(folder)!r} is no folder that is there.")


def check_name_of(source: Path) -> str:
    """Return the name that a file has in an artifact if nobody gives one. Raises InvalidName."""
    if not source.name:
        raise InvalidName(f"{str(source)!r} has no name; give name=.")
    return source.name
