"""
Downloads: several files at once, each gone on with where an earlier try ended, each checked against its hash before it
has its name.

What a server says is taken as hostile: a path that could lead out of the folder is refused before anything is asked
for, nothing is written through a link, and no more bytes are taken than were announced.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from treering.errors import FormatError, ServerUnavailable, StorageError, TreeringError, UsageError
from treering.limits import (
    ARTIFACT_COPIES_AT_ONCE,
    ARTIFACT_DOWNLOAD_TRIES,
    ARTIFACT_DOWNLOADS_AT_ONCE,
    READ_CHUNK_BYTES,
)
from treering.runlog.artifact_manifest import Entry
from treering.sdk.connection import Connection
from treering.sdk.run_files import safe_target

from .cache import Cache
from .copying import copy_hashed, hash_file

__all__ = ["PARTIAL", "Source", "check_tree", "fetch_all", "make_folder", "open_partial", "stray_files", "write_at"]

PARTIAL: Final = ".treering-partial"  # what has not come yet, in the folder that is written
_PAUSE_S: Final = 0.2  # before a server that broke off is asked again; twice as long each time


class Source:
    """
    Where the bytes of one version are.

    Args:
        connection: to the server.
        path: of the version's bytes in the API: ``…/blobs``.
        cache: content that was downloaded before.
    """

    def __init__(self, connection: Connection, path: str, cache: Cache | None = None) -> None:
        self._connection = connection
        self._path = path
        self._cache = cache
        self._blobs = None if connection.folder is None else connection.folder / "blobs"

    def pieces(self, sha256: str, size: int, begin: int) -> Any:
        """Return an iterator over the bytes of a hash from *begin* on. Raises as ``Connection.pieces``."""
        return self._connection.pieces(f"{self._path}/{sha256}", size - begin, begin)

    def local(self, sha256: str) -> Path | None:
        """Return where the bytes of a hash can be read without asking the server."""
        place = None if self._blobs is None else self._blobs / sha256[:2] / sha256
        if place is not None and place.is_file():
            return place
        return None if self._cache is None else self._cache.find(sha256)

    def keep(self, sha256: str, file: Path) -> None:
        """Put a file that was downloaded, and checked, into the cache."""
        if self._cache is not None and self._blobs is None:
            self._cache.keep(sha256, file)

    @property
    def is_local(self) -> bool:
        """Whether the bytes can be read without asking the server."""
        return self._blobs is not None

    @property
    def name(self) -> str:
        """What the server is called."""
        return self._connection.name


def fetch_all(source: Source, entries: Mapping[str, Entry], root: Path, note: Callable[[int], None]) -> None:
    """
    Write the entries that hold bytes below *root*; what is there already with the same content is left as it is.

    Args:
        note: called with the bytes of each piece, from several threads.

    Raises:
        InvalidName, UsageError: a path, or a link that is in the way, would lead out of *root*, or two paths are one on
            this disk. Nothing was written.
        FormatError: the server sent other bytes than its hashes say.
        StorageError: the disk refuses.
        ServerUnavailable: it does not answer any more; calling this again goes on.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(error.errno, f"{root} cannot be made: {error.strerror}") from None
    check_tree(root, entries)
    partial = root / PARTIAL
    first: dict[str, str] = {}  # hash → the path that is downloaded; others with the same bytes are copied from it
    copies: list[str] = []
    for path, entry in entries.items():
        if entry.sha256 is not None:
            copies += [path] if first.setdefault(entry.sha256, path) != path else []
    stop = threading.Event()
    alone = len(first) == 1
    workers = ARTIFACT_COPIES_AT_ONCE if source.is_local else ARTIFACT_DOWNLOADS_AT_ONCE
    with ThreadPoolExecutor(workers, thread_name_prefix="treering-download") as pool:
        jobs = [
            pool.submit(_fetch, source, entries[path], safe_target(root, path), partial, note, stop, alone)
            for path in first.values()
        ]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            stop.set()
            for job in jobs:
                job.cancel()
            raise
    for path in copies:
        entry = entries[path]
        _copy(safe_target(root, first[str(entry.sha256)]), entry, safe_target(root, path), partial, note)
    with suppress(OSError):
        partial.rmdir()


def _fetch(
    source: Source,
    entry: Entry,
    target: Path,
    partial: Path,
    note: Callable[[int], None],
    stop: threading.Event,
    alone: bool,
) -> None:
    sha256, size = str(entry.sha256), int(entry.bytes or 0)
    if stop.is_set() or _is_there(target, sha256, size):
        note(size)
        return
    try:
        make_folder(target.parent)
        make_folder(partial)
        local = source.local(sha256)
        if local is not None:
            _copy(local, entry, target, partial, note, alone)
            return
        _download(source, sha256, size, target, partial, note, stop)
    except TreeringError:
        raise
    except OSError as error:
        raise StorageError(error.errno, f"{target} cannot be written: {error.strerror or error}") from None


def _download(
    source: Source,
    sha256: str,
    size: int,
    target: Path,
    partial: Path,
    note: Callable[[int], None],
    stop: threading.Event,
) -> None:
    fd, part = open_partial(partial, sha256)
    try:
        gone_on = os.fstat(fd).st_size > 0
        for tries in range(ARTIFACT_DOWNLOAD_TRIES):
            try:
                done = _receive(source, fd, sha256, size, note, stop)
            except ServerUnavailable:
                if tries + 1 == ARTIFACT_DOWNLOAD_TRIES:
                    raise
                stop.wait(_PAUSE_S * 2**tries)
                continue
            if stop.is_set():
                return
            if done:
                source.keep(sha256, part)
                os.replace(part, target)
                return
            os.ftruncate(fd, 0)
            if not gone_on:
                break
            gone_on = False  # what an earlier try left may have been no good beginning
        raise FormatError(f"{source.name} sends other bytes for {target.name!r} than their hash says.")
    finally:
        os.close(fd)


def open_partial(folder: Path, name: str) -> tuple[int, Path]:
    """Open what an earlier try left of a file, or a new one, for nobody else; return it with its path."""
    part = folder / name
    fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    if not _take(fd, part):  # another process downloads the same here
        os.close(fd)
        part = folder / f"{name}.{secrets.token_hex(4)}"
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    return fd, part


def _take(fd: int, part: Path) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    try:  # whoever had it may just have given it its name
        return os.stat(part).st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False


def _receive(
    source: Source, fd: int, sha256: str, size: int, note: Callable[[int], None], stop: threading.Event
) -> bool:
    """Go on with a file where it ends; return whether it is what its hash says."""
    digest, done = hashlib.sha256(), 0
    if os.fstat(fd).st_size > size:
        os.ftruncate(fd, 0)
    while piece := os.pread(fd, READ_CHUNK_BYTES, done):
        digest.update(piece)
        done += len(piece)
    if done < size or size == 0:
        for piece in source.pieces(sha256, size, done) if size else ():
            if stop.is_set():
                return False
            write_at(fd, piece, done)
            digest.update(piece)
            done += len(piece)
            note(len(piece))
    if done < size and digest.hexdigest() != sha256:
        raise ServerUnavailable(f"{source.name} broke off: {done:,} of {size:,} bytes came.")
    return done == size and digest.hexdigest() == sha256


def _copy(
    local: Path, entry: Entry, target: Path, partial: Path, note: Callable[[int], None], alone: bool = True
) -> None:
    """Copy bytes that are on this machine, and check that they are what their hash says."""
    if _is_there(target, str(entry.sha256), int(entry.bytes or 0)):
        note(int(entry.bytes or 0))
        return
    make_folder(target.parent)
    make_folder(partial)
    part = partial / f"{entry.sha256}.{secrets.token_hex(4)}"
    try:
        found = copy_hashed(local, part, note, alone=alone)
        if found != (entry.sha256, entry.bytes):
            raise FormatError(f"{local} does not hold the bytes that its name says. `treering doctor` looks at it.")
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, target)
    except TreeringError:
        raise
    except OSError as error:
        raise StorageError(error.errno, f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except OSError:
        pass
    return 0o022


def write_at(fd: int, data: bytes, offset: int) -> None:
    """Write all of *data*. Raises OSError."""
    done = 0
    while done < len(data):
        done += os.pwrite(fd, data[done:], offset + done)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)


def _is_there(target: Path, sha256: str, size: int) -> bool:
    try:
        return (
            not target.is_symlink()
            and target.is_file()
            and target.stat().st_size == size
            and hash_file(target)[0] == sha256
        )
    except OSError:
        return False


def check_tree(root: Path, paths: Iterable[str]) -> None:
    """
    Check that paths can be written below *root* before any is.

    Raises:
        InvalidName: one would lead out of it.
        UsageError: a link or a folder is in the way, or two paths are one and the same on this disk.
    """
    folded: dict[str, str] = {}
    twice: tuple[str, str] | None = None
    for path in paths:
        target = safe_target(root, path)
        if target.is_symlink() or target.is_dir():
            raise UsageError(
                f"{target} is a {'link' if target.is_symlink() else 'folder'}, where a file is to be written."
            )
        if path.split("/", 1)[0] == PARTIAL:
            raise UsageError(f"{path!r} is where this download keeps what has not come yet.")
        other = folded.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if other != path:
            twice = other, path
    if twice is not None and _tells_no_case(root):
        raise UsageError(
            f"{twice[0]!r} and {twice[1]!r} are one file on this disk, which does not tell upper from lower case. "
            "Download them apart, with path_prefix=, or to another disk."
        )


def _tells_no_case(root: Path) -> bool:
    """Return whether names that differ in case only are one on this disk."""
    name = f".treering-case-{secrets.token_hex(4)}"
    probe = root / name
    try:
        probe.touch()
        return (root / name.upper()).exists()
    except OSError:
        return True
    finally:
        probe.unlink(missing_ok=True)


def stray_files(root: Path, paths: Iterable[str]) -> list[Path]:
    """Return the files below *root* that are none of *paths*."""
    wanted = {root / path for path in paths}
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        if Path(folder) == root and PARTIAL in folders:
            folders.remove(PARTIAL)
        found += [Path(folder) / name for name in names if Path(folder) / name not in wanted]
        found += [Path(folder) / name for name in folders if (Path(folder) / name).is_symlink()]
    return sorted(found)
