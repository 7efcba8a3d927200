"""
A way around the network: how a run is written to a folder on NFS, Lustre or FUSE.

Such a folder may stall for seconds, and a file there must not be mapped: when it becomes unreachable, the training
would die of SIGBUS. So the training process writes its segments into shared memory, exactly as it would on a local
disk, and the uploader copies their whole frames to the network folder. If the training is killed, nothing is lost:
the memory belongs to the machine. If the whole job is killed at once, what the last second said waits in the memory
of that machine until somebody starts a run there again, or runs ``treering sync``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from treering.errors import FormatError
from treering.ids import SEGMENT_ID
from treering.limits import SHIP_CATCH_UP_BYTES, STAGED_MAX_BYTES
from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.runlog.shipment import NOTHING, Held, measure, next_batch
from treering.runlog.writer import map_is_safe

from .ranks import boot_id, process_start_time

__all__ = ["Staging", "leftovers", "staging_root"]

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own in it is checked before it is used
_NOTE: Final = "target.json"
_LOCK: Final = "lock"


class _Target(msgspec.Struct):
    """The note in a staging folder that says whose it is."""

    folder: str
    boot_id: str
    pid: int
    start_time: float


def staging_root() -> Path | None:
    """
    Return this user's own folder in shared memory, made if need be; None where there is none.

    Other users can make files in ``/dev/shm`` too, so a folder that is not ours, or that others may enter, is not
    used.
    """
    for place in (_SHARED_MEMORY, Path(tempfile.gettempdir())):
        root = place / f"treering-staging-{os.getuid()}"
        try:
            if not map_is_safe(place):
                continue
            root.mkdir(mode=0o700, exist_ok=True)
            found = os.lstat(root)
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            return root
    return None


class Staging:
    """
    The staged segments of one life, and their copies in the network folder.

    The training process writes into ``folder`` and asks ``check_room``; one other process at a time copies.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self.folder = folder
        self.target = target
        self._held: dict[str, Held] = {}  # as copied
        self._synced: dict[str, int] = {}  # as fdatasynced in the network folder
        self._lock = -1

    @classmethod
    def create(cls, target: Path, life_id: str, root: Path | None = None) -> Staging | None:
        """Make the staging folder of a life whose run folder is *target*; None where there is no shared memory."""
        root = staging_root() if root is None else root
        if root is None:
            return None
        folder = root / f"{target.name}.{life_id[:16]}"
        pid = os.getpid()
        note = _Target(str(target), boot_id(), pid, process_start_time(pid))
        try:
            folder.mkdir(mode=0o700)
            (folder / _NOTE).write_bytes(msgspec.json.encode(note))
        except OSError:
            return None
        return cls(folder, target)

    @classmethod
    def find(cls, folder: Path) -> Staging | None:
        """Return the staging that an earlier process made in *folder*; None if it is none, or finished."""
        note = _read_note(folder)
        return None if note is None else cls(folder, Path(note.folder))

    def writer_lives(self) -> bool:
        """Return whether the process that made this staging runs on this machine."""
        note = _read_note(self.folder)
        return note is not None and note.boot_id == boot_id() and process_start_time(note.pid) == note.start_time != 0

    def take(self) -> bool:
        """
        Become the one that copies, for the rest of this process's life; False while another process is.

        Raises:
            OSError: the staging folder is gone.
        """
        if self._lock < 0:
            fd = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            self._lock = fd
        return True

    # ── the training process ────────────────────────────────────────────────────────────────────────────────────

    def check_room(self) -> None:
        """
        Return if another segment may be begun. If nobody copies any longer, this process does it now.

        Raises:
            OSError: ENOSPC; the network folder has not taken what waits already. The writer treats it like a full
                disk: it holds what fits in memory, counts what does not, and tries again.
        """
        waiting = sum(_size(self.folder / f"{name}.trl") for name in self.segments())
        if waiting >= STAGED_MAX_BYTES // 2 and self.take():
            self.copy()
            self.sync()
        elif waiting >= STAGED_MAX_BYTES:
            raise OSError(
                errno.ENOSPC,
                f"{self.target} has not taken the last {waiting >> 20} MiB; it is slow or cannot be reached",
            )

    # ── whoever copies ──────────────────────────────────────────────────────────────────────────────────────────

    def segments(self) -> list[str]:
        """Return the ids of the staged segments."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        return sorted(name[:-4] for name in names if name.endswith(".trl") and SEGMENT_ID.match(name[:-4]))

    def copy(self) -> int:
        """
        Copy everything that is whole and new. Returns the bytes copied.

        Raises:
            OSError: the network folder, or this machine's memory, refuses.
        """
        return sum(self._copy(name) for name in self.segments())

    def _copy(self, name: str) -> int:
        copied = 0
        source = os.open(self.folder / f"{name}.trl", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            mode = 0o666 if os.stat(self.target).st_mode & 0o2020 else 0o600  # as the writer's own files
            copy = os.open(self.target / f"{name}.trl", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
            try:
                held = self._held.get(name)
                if held is None:
                    held = self._held[name] = _measured(name, source, copy)
                while True:
                    data, batch = next_batch(
                        name, lambda length, at: os.pread(source, length, at), held, SHIP_CATCH_UP_BYTES
                    )
                    if not data:
                        return copied
                    _write(copy, data, held.length)
                    copied += len(data)
                    held = self._held[name] = Held(held.length + batch.used, batch.chain, batch.sealed)
            finally:
                os.close(copy)
        finally:
            os.close(source)

    def sync(self) -> None:
        """
        Put the copies on the network folder's disk, then give back the memory of segments that are complete there.

        Raises:
            OSError: the network folder refuses. What was copied since the last sync is copied again.
        """
        for name, held in list(self._held.items()):
            if self._synced.get(name) == held.length:
                continue
            try:
                _fdatasync(self.target / f"{name}.trl")
            except OSError:
                # What the failed sync covered may be gone although a second one succeeds.
                self._held[name] = NOTHING
                self._synced.pop(name, None)
                raise
            self._synced[name] = held.length
            if held.sealed:
                (self.folder / f"{name}.trl").unlink(missing_ok=True)
                del self._held[name], self._synced[name]

    def close(self) -> None:
        """
        Copy and sync the rest and remove the staging folder. Only once nobody writes into it any longer.

        Raises:
            OSError: the network folder refuses; the staging folder stays for a later try.
        """
        self.copy()
        self.sync()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def leftovers(root: Path | None = None) -> Iterator[Staging]:
    """Yield what ended processes of this user left in shared memory and never reached its network folder."""
    root = staging_root() if root is None else root
    try:
        folders = sorted(root.iterdir()) if root is not None else []
    except OSError:
        return
    for folder in folders:
        found = Staging.find(folder)
        if found is None or found.writer_lives():
            continue
        if any(_is_written(folder / f"{name}.trl") for name in found.segments()):
            continue
        try:
            if found.take():
                yield found
        except OSError:
            continue  # somebody else has just brought it home


def _is_written(path: Path) -> bool:
    """Return whether the process whose segment this is runs: a forked child may outlive the trainer."""
    try:
        with SegmentReader(path) as reader:
            for frame in reader.read(64 << 10):
                if frame.kind == records.LIFE:
                    process = records.decode(frame)[0].get("process", {})
                    return bool(process_start_time(int(process["pid"])) == float(process["start_time"]) != 0)
    except (OSError, FormatError, KeyError, TypeError, ValueError):
        pass
    return False


def _read_note(folder: Path) -> _Target | None:
    try:
        return msgspec.json.decode((folder / _NOTE).read_bytes(), type=_Target)
    except (OSError, msgspec.DecodeError):
        return None


def _measured(name: str, source: int, copy: int) -> Held:
    """Return how much of a segment stands in the network folder already, from an earlier try."""
    try:
        there = measure(name, lambda length, at: os.pread(copy, length, at))
        ours = measure(name, lambda length, at: os.pread(source, min(length, max(there.length - at, 0)), at))
    except FormatError:
        return NOTHING
    return there if there == ours else NOTHING


def _write(fd: int, data: bytes, offset: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(fd, data[done:], offset + done)


def _fdatasync(path: Path) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        getattr(os, "fdatasync", os.fsync)(fd)
    finally:
        os.close(fd)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
