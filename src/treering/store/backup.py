"""
Backup and restore: everything that cannot be derived, as a folder or as one tar file, while the server serves.

::

    store.json  accounts.db  runs/<run key>/<segment>.trl  ledger/<segment>.trl  blobs/<aa>/<sha256>  backup.json

The index is left out: it is made again at the first start. Segments are cut to their whole frames at the moment of
copying, so a backup holds neither a torn frame nor room that a living writer reserved. The order is what makes it
consistent: accounts first, then segments and blobs, and the ledger last, so that it knows every segment that was
received. ``backup.json`` ends it with the size and SHA-256 of each file; without that it is no backup.

A restored store counts one more restore. Clients see that, ask what is held, and ship again what came after the
backup.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Final, Protocol

import msgspec

from treering._version import __version__
from treering.errors import (
    FolderNotWritable,
    FormatError,
    InvalidValue,
    NewerFormat,
    NotFound,
    StorageError,
    TreeringError,
)
from treering.ids import RUN_KEY
from treering.limits import BACKUP_FILES_MAX, BACKUP_MANIFEST_MAX_BYTES, FRAME_MAX_BYTES, SEGMENT_MAX_BYTES
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, HEADER_BYTES, Frame, decode_frame_header, seed
from treering.runlog.reader import SegmentReader
from treering.runlog.shipment import measure

from .storefile import NAME as STORE_FILE
from .storefile import StoreFile, check_version, read_store_file

__all__ = ["BackupReport", "back_up", "restore"]

MANIFEST: Final = "backup.json"
ACCOUNTS: Final = "accounts.db"
FORMAT: Final = 1
_CHUNK: Final = 1 << 20

_SEGMENT: Final = re.compile(r"(?:runs/[a-z2-7]{26}|ledger)/(?P<id>[0-9a-f]{32})(?P<aside>\.behind-\d{1,12})?\.trl")
_BLOB: Final = re.compile(r"blobs/(?P<head>[0-9a-f]{2})/(?P<id>[0-9a-f]{64})")
_decode = msgspec.msgpack.Decoder().decode


class Entry(msgspec.Struct, frozen=True):
    """One file of a backup. ``damaged``: it was so in the store already, and is kept as it is."""

    name: str
    bytes: int
    sha256: str
    damaged: bool = False


class Manifest(msgspec.Struct, frozen=True):
    """``backup.json``."""

    format: int
    version: str
    made_at: float
    store: StoreFile
    files: list[Entry]


class _Head(msgspec.Struct):
    format: int


class BackupReport(msgspec.Struct):
    """What was copied, and checked again where it arrived."""

    runs: int = 0
    segments: int = 0
    sealed: int = 0
    blobs: int = 0
    bytes: int = 0
    accounts: bool = False
    damaged: list[str] = []  # files of the store that were damaged before, with the reason
    store_id: str = ""
    restores: int = 0
    seconds: float = 0.0


Progress = Callable[[int, int], None]
"""Called with the files done and the bytes done."""


# ── making one ───────────────────────────────────────────────────────────────────────────────────────────────────
class _Sink(Protocol):
    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None: ...


def back_up(folder: Path, out: Path, progress: Progress = lambda files, size: None) -> BackupReport:
    """
    Copy a data folder to *out*: a new folder, or one file if its name ends in ``.tar``. Then read the copy back.

    Raises:
        NotFound: there is no such data folder.
        InvalidValue: *out* exists, or is inside the data folder.
        StorageError: the disk refused, or the copy is not what was copied.
    """
    begin = time.monotonic()
    check_version(folder)
    about = read_store_file(folder)
    if about is None and not (folder / "runs").is_dir():
        raise NotFound(f"{folder} is not a data folder: it has neither store.json nor runs.")
    about = about or StoreFile(os.urandom(16).hex())
    if out.absolute().is_relative_to(folder.absolute()):
        raise InvalidValue(f"{out} is inside the data folder {folder}; the next backup would copy it too.")
    report = BackupReport(damaged=[], store_id=about.store_id, restores=about.restores)
    with _sink(out) as sink:
        entries = _copy_all(folder, sink, report, progress)
        about_bytes = msgspec.json.encode(about)
        sink.add(STORE_FILE, len(about_bytes), [about_bytes])
        entries.append(Entry(STORE_FILE, len(about_bytes), hashlib.sha256(about_bytes).hexdigest()))
        manifest = msgspec.json.encode(Manifest(FORMAT, __version__, time.time(), about, entries))
        sink.add(MANIFEST, len(manifest), [manifest])
    _check(out)
    report.seconds = time.monotonic() - begin
    return report


@contextmanager
def _sink(out: Path) -> Iterator[_Sink]:
    """Write to a name beside *out* and give it its name once all is written and durable."""
    if out.exists() and not (out.is_dir() and out.suffix != ".tar" and not any(out.iterdir())):
        raise InvalidValue(f"{out} exists already. Name a new folder or a new .tar file.")
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.unlink(missing_ok=True)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".tar":
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w+b") as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    yield _TarSink(tar)
                file.flush()
                os.fsync(file.fileno())
        else:
            partial.mkdir(mode=0o700)
            yield _FolderSink(partial)
        os.replace(partial, out)
        _sync(out.parent)
    except OSError as error:
        if isinstance(error, TreeringError):
            raise
        raise StorageError(f"{out}: cannot write the backup: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink(missing_ok=True)


class _FolderSink:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, chunks)


class _TarSink:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        self._tar.addfile(member, _Stream(chunks))


class _Stream(io.RawIOBase):
    """Chunks, as a file that tarfile can read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._rest += chunk
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def _copy_all(folder: Path, sink: _Sink, report: BackupReport, progress: Progress) -> list[Entry]:
    entries: list[Entry] = []

    def add(name: str, size: int, chunks: Iterable[bytes], damaged: bool = False) -> str:
        digest = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for chunk in chunks:
                digest.update(chunk)
                yield chunk

        sink.add(name, size, hashed())
        entries.append(Entry(name, size, digest.hexdigest(), damaged))
        report.bytes += size
        progress(len(entries), report.bytes)
        return digest.hexdigest()

    if (folder / ACCOUNTS).exists():
        with _database_copy(folder / ACCOUNTS) as copy:
            add(ACCOUNTS, copy.stat().st_size, _chunks(copy, copy.stat().st_size))
        report.accounts = True
    for run in _names(folder / "runs"):
        if RUN_KEY.match(run):
            report.runs += 1
            for name in _names(folder / "runs" / run):
                _copy_segment(folder, f"runs/{run}/{name}", add, report)
    for name, path in _blobs(folder / "blobs"):
        digest = add(name, path.stat().st_size, _chunks(path, path.stat().st_size))
        report.blobs += 1
        if digest != path.name:
            report.damaged.append(f"{name}: its content has another SHA-256")
            entries[-1] = msgspec.structs.replace(entries[-1], damaged=True)
    for name in _names(folder / "ledger"):
        _copy_segment(folder, f"ledger/{name}", add, report)
    return entries


def _copy_segment(folder: Path, name: str, add: Callable[..., str], report: BackupReport) -> None:
    match = _SEGMENT.fullmatch(name)
    path = folder / name
    if match is None or path.is_symlink() or not path.is_file():
        return
    if match["aside"]:
        add(name, path.stat().st_size, _chunks(path, path.stat().st_size), True)
        return
    try:
        with SegmentReader(path) as reader:
            while reader.read(whole=True):
                pass
            end, damage, sealed = reader.offset, reader.damage, reader.sealed
    except TreeringError as error:
        if not any(_chunks(path, 4096)) or path.stat().st_size == 0:
            return  # a writer is just making it
        end, damage, sealed = path.stat().st_size, [], False
        report.damaged.append(f"{name}: {error}")
        add(name, end, _chunks(path, end), True)
    else:
        report.damaged += [f"{name}: byte {hole.offset:,}: {hole.reason}" for hole in damage[:10]]
        add(name, end, _chunks(path, end), bool(damage))
    report.segments += 1
    report.sealed += sealed


@contextmanager
def _database_copy(path: Path) -> Iterator[Path]:
    """SQLite's online backup: one consistent picture, whatever is written meanwhile."""
    with tempfile.TemporaryDirectory(prefix="treering-backup-") as name:
        copy = Path(name) / path.name
        try:
            with (
                closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
                target.execute("pragma journal_mode=delete")
            _check_database(copy)
        except sqlite3.Error as error:
            raise StorageError(f"{path}: cannot be copied: {error}.") from error
        yield copy


def _check_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("pragma integrity_check").fetchone()
    if found != ("ok",):
        raise StorageError(f"{path.name} is damaged: {found[0]}.")


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _blobs(folder: Path) -> Iterator[tuple[str, Path]]:
    for head in _names(folder):
        if len(head) == 2:
            for name in _names(folder / head):
                if _BLOB.fullmatch(f"blobs/{head}/{name}"):
                    yield f"blobs/{head}/{name}", folder / head / name


def _chunks(path: Path, size: int) -> Iterator[bytes]:
    """Yield exactly *size* bytes. What grows meanwhile is of the next backup; what shrinks is an error."""
    with path.open("rb") as file:
        while size:
            chunk = file.read(min(_CHUNK, size))
            if not chunk:
                raise StorageError(f"{path}: it became shorter while it was copied.")
            size -= len(chunk)
            yield chunk


# ── reading one ──────────────────────────────────────────────────────────────────────────────────────────────────
def _read_all(backup: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """
    Yield name, size and stream of every file of a backup. Names come as they are; nothing is unpacked.

    Raises:
        FormatError: it holds something else than plain files.
    """
    if backup.is_dir():
        for path in sorted(backup.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            name = path.relative_to(backup).as_posix()
            if path.is_symlink() or not path.is_file():
                raise FormatError(f"{backup}: {name!r} is not a plain file. This is no backup, or a changed one.")
            with path.open("rb") as file:
                yield name, path.stat().st_size, file
        return
    try:
        # "r:" and not "r": a compressed file could be a bomb, and we never write one.
        with tarfile.open(backup, "r:") as tar:
            for member in tar:
                if member.type != tarfile.REGTYPE or member.sparse is not None:
                    raise FormatError(
                        f"{backup}: {member.name!r} is not a plain file. This is no backup of treering's."
                    )
                stream = tar.extractfile(member)
                assert stream is not None
                with stream:
                    yield member.name, member.size, stream
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise FormatError(f"{backup}: not a tar file, or cut off ({error}).") from None


def _read_manifest(backup: Path) -> Manifest:
    if not backup.exists():
        raise NotFound(f"There is no backup {backup}.")
    found: bytes | None = None
    for name, size, stream in _read_all(backup):
        if name == MANIFEST:
            if found is not None or size > BACKUP_MANIFEST_MAX_BYTES:
                raise FormatError(f"{backup}: {MANIFEST} is there twice, or too large.")
            found = stream.read(size)
    if found is None:
        raise FormatError(f"{backup} has no {MANIFEST}: it is no backup of treering's, or one that was not finished.")
    try:
        known = msgspec.json.decode(found, type=_Head).format
        if known != FORMAT:
            raise NewerFormat(f"{backup} is a backup of format {known}; treering {__version__} reads {FORMAT}.")
        manifest = msgspec.json.decode(found, type=Manifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormatError(f"{backup}: {MANIFEST} does not parse ({error}).") from None
    if len(manifest.files) > BACKUP_FILES_MAX:
        raise FormatError(f"{backup}: more than {BACKUP_FILES_MAX:,} files.")
    return manifest


def _check(backup: Path) -> tuple[Manifest, BackupReport]:
    """
    Read a backup from the first byte to the last.

    Raises:
        FormatError: names or contents are not what ``backup.json`` says, or not what a store has.
    """
    manifest = _read_manifest(backup)
    wanted = {entry.name: entry for entry in manifest.files}
    report = BackupReport(damaged=[], store_id=manifest.store.store_id, restores=manifest.store.restores)
    runs: set[str] = set()
    for name, size, stream in _read_all(backup):
        if name == MANIFEST:
            continue
        entry = wanted.pop(name, None)
        if entry is None or not _is_ours(name):
            raise FormatError(f"{backup}: {name!r:.200} does not belong in a backup. It was changed; nothing was done.")
        digest, data = _digest(stream, name) if size == entry.bytes else ("", b"")
        if digest != entry.sha256:
            raise FormatError(f"{backup}: {name} is damaged: it is not what was backed up. Nothing was done.")
        _count(name, entry, digest, data, report, runs)
    if wanted:
        raise FormatError(f"{backup}: {len(wanted):,} files are missing, the first is {min(wanted)}. Nothing was done.")
    report.runs = len(runs)
    return manifest, report


def _digest(stream: IO[bytes], name: str) -> tuple[str, bytes]:
    """Return the SHA-256 of a file, and its bytes if it is a segment: of a blob they may be gigabytes."""
    keep = _SEGMENT.fullmatch(name) is not None
    digest, kept, size = hashlib.sha256(), [], 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if keep:
            if size > SEGMENT_MAX_BYTES + FRAME_MAX_BYTES + _CHUNK:
                raise FormatError(f"{name} is larger than a segment can be.")
            kept.append(chunk)
    return digest.hexdigest(), b"".join(kept)


def _is_ours(name: str) -> bool:
    blob = _BLOB.fullmatch(name)
    if blob is not None:
        return blob["id"].startswith(blob["head"])
    return name in (STORE_FILE, ACCOUNTS) or _SEGMENT.fullmatch(name) is not None


def _count(name: str, entry: Entry, digest: str, data: bytes, report: BackupReport, runs: set[str]) -> None:
    report.bytes += entry.bytes
    if entry.damaged:
        report.damaged.append(name)
    segment = _SEGMENT.fullmatch(name)
    if name == ACCOUNTS:
        report.accounts = True
    elif name.startswith("blobs/"):
        report.blobs += 1
        if not entry.damaged and digest != name.rpartition("/")[2]:
            raise FormatError(f"{name}: the content is not what the name says.")
    elif segment is not None:
        if name.startswith("runs/"):
            runs.add(name.split("/")[1])
        if not segment["aside"]:
            report.segments += 1
            if not entry.damaged:
                report.sealed += _check_segment(segment["id"], data)


def _check_segment(segment: str, data: bytes) -> bool:
    """Return whether a segment is sealed, after checking the chain of its frames and the seal's SHA-256."""
    held = measure(segment, lambda length, offset: data[offset : offset + length])
    if held.length != len(data):
        raise FormatError(f"{segment}: its frames end at byte {held.length:,} of {len(data):,}.")
    if held.sealed:
        seal = _last_record(segment, data)
        if not isinstance(seal, dict) or hashlib.sha256(data[: seal["bytes"]]).hexdigest() != seal["sha256"]:
            raise FormatError(f"{segment}: its content is not what its seal says.")
    return held.sealed


def _last_record(segment: str, data: bytes) -> object:
    at, start, head = HEADER_BYTES, seed(segment), None
    begin = at
    while (following := decode_frame_header(data, at, start)) is not None:
        head, begin = following, at + FRAME_HEADER_BYTES
        at = begin + following.length
    if head is None:
        return None
    frame = Frame(head.kind, head.flags, head.nrec, head.first_seq, begin, at, data[begin:at], head.header_crc)
    found: object = _decode(records.inflate(frame))
    return found


# ── putting one back ─────────────────────────────────────────────────────────────────────────────────────────────
def restore(backup: Path, folder: Path, progress: Progress = lambda files, size: None) -> BackupReport:
    """
    Put a backup into an empty folder. All of it is checked before anything is written, and again as it is written.

    Raises:
        NotFound: there is no such backup.
        InvalidValue: the folder has something in it.
        FormatError: it is damaged or no backup; the message names the file. Nothing was written.
        FolderNotWritable, StorageError: the disk refused.
    """
    begin = time.monotonic()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidValue(f"{folder} is not empty. A backup is put into an empty or new folder, never over a store.")
    manifest, report = _check(backup)
    new = folder.with_name(folder.name + ".restoring")
    shutil.rmtree(new, ignore_errors=True)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir(mode=0o700)
    except OSError as error:
        raise FolderNotWritable(f"Cannot make {new}: {error.strerror}.") from None
    try:
        _unpack(backup, manifest, new, progress)
        after = msgspec.structs.replace(manifest.store, restores=manifest.store.restores + 1)
        after.write(new)
        for each in (new, *(path for path in new.rglob("*") if path.is_dir())):
            _sync(each)
        os.replace(new, folder)
        _sync(folder.parent)
    except OSError as error:
        if isinstance(error, TreeringError):
            raise
        raise StorageError(f"{folder}: cannot write: {error.strerror or error}. Nothing was restored.") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    report.restores = after.restores
    report.seconds = time.monotonic() - begin
    return report


def _unpack(backup: Path, manifest: Manifest, folder: Path, progress: Progress) -> None:
    """Write each file under a name that was checked, and see that what arrives is what was checked."""
    wanted = {entry.name: entry for entry in manifest.files}
    done = size = 0
    for name, _, stream in _read_all(backup):
        entry = wanted.get(name)
        if entry is None or not _is_ours(name) or name == STORE_FILE:
            continue
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()

        def hashed(stream: IO[bytes] = stream, digest: hashlib._Hash = digest) -> Iterator[bytes]:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                yield chunk

        _write(path, hashed())
        with path.open("rb") as file:
            again = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.hexdigest() == again == entry.sha256:
            raise StorageError(f"{name} changed while it was written. Nothing was restored.")
        done, size = done + 1, size + entry.bytes
        progress(done, size)
    if (folder / ACCOUNTS).exists():
        _check_database(folder / ACCOUNTS)


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
