"""
Copies of files, hashed while they are made.

What is hashed is what was written, so that a file that changes meanwhile, or afterwards, cannot make the hash wrong.
Where the file system can share blocks a copy takes no time and no room. Of several files each has a thread, which reads
a piece into a buffer that stays in its core's cache, writes it and hashes it. A large file that is alone is copied by
the system in one thread and hashed right behind it, out of the page cache, in another.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from treering.errors import StorageError

__all__ = ["copy_hashed", "hash_file"]

_FICLONE: Final = 0x40049409  # linux/fs.h
_PIECE_BYTES: Final = 4 << 20
_BUFFER_BYTES: Final = 256 << 10  # read into one buffer again and again, which stays in a core's cache
_SMALL_BYTES: Final = 8 << 20  # below, a second thread costs more than it saves
_REFUSED: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_NO_SYSTEM_COPY: Final = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EBADF}
)


def copy_hashed(
    source: Path, target: Path, progress: Callable[[int], None] = lambda size: None, *, alone: bool = True
) -> tuple[str, int]:
    """
    Copy *source* to the new file *target*; return the SHA-256 of the copy and its bytes.

    Args:
        progress: called with the bytes of each piece, on whichever thread hashed it.
        alone: no other file is copied at the same time, so that another core is free.

    Raises:
        StorageError: there is no room for the copy.
        OSError: the file cannot be read.
    """
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            writing = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(error.errno, f"{target.parent} cannot be written: {error.strerror}") from error
        try:
            return _copy(reading, writing, progress, alone)
        except OSError as error:
            if error.errno in _REFUSED:
                raise StorageError(error.errno, f"there is no room for a copy of {source}: {error.strerror}") from error
            raise
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy(reading: int, writing: int, progress: Callable[[int], None], alone: bool) -> tuple[str, int]:
    if _share_blocks(reading, writing):
        return _hash(writing, progress)
    if alone and os.fstat(reading).st_size > _SMALL_BYTES:
        return _copy_beside(reading, writing, progress)
    digest, done = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    while size := _read_into(reading, buffer, done):
        piece = buffer[:size]
        _write(writing, piece)
        digest.update(piece)
        done += size
        progress(size)
    return digest.hexdigest(), done


def _copy_beside(reading: int, writing: int, progress: Callable[[int], None]) -> tuple[str, int]:
    """Copy on this thread, and hash what is copied on another."""
    digest = hashlib.sha256()
    state = threading.Condition()
    copied, ended = 0, False
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    failed: list[BaseException] = []

    def follow() -> None:
        done = 0
        try:
            while True:
                with state:
                    while copied <= done and not ended:
                        state.wait()
                    here = copied
                if here <= done:
                    return
                while done < here:
                    with buffer[: min(len(buffer), here - done)] as piece:
                        size = _read_into(writing, piece, done)
                        digest.update(piece[:size])
                    done += size
                    progress(size)
        except BaseException as error:  # handed over to the thread that waits
            failed.append(error)

    follower = threading.Thread(target=follow, name="treering-hash", daemon=True)
    follower.start()
    by_system = True
    try:
        while not failed:
            by_system, size = _copy_piece(reading, writing, by_system)
            if not size:
                break
            with state:
                copied += size
                state.notify()
    finally:
        with state:
            ended = True
            state.notify()
        follower.join()
    if failed:
        raise failed[0]
    return digest.hexdigest(), copied


def _copy_piece(reading: int, writing: int, by_system: bool) -> tuple[bool, int]:
    """Copy a piece; return whether the system does it without us, and how many bytes it was."""
    if by_system:
        try:
            size = os.copy_file_range(reading, writing, _PIECE_BYTES)
            if size:
                return True, size  # else it is the end, or a file system whose files only look empty to it
        except OSError as error:
            if error.errno not in _NO_SYSTEM_COPY:
                raise
        except AttributeError:  # not on every system
            pass
    piece = os.read(reading, _PIECE_BYTES)
    _write(writing, piece)
    return False, len(piece)


def _read_into(fd: int, buffer: memoryview, offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(fd, [buffer], offset)
    data = os.pread(fd, len(buffer), offset)  # not every system has the other
    buffer[: len(data)] = data
    return len(data)


def _share_blocks(reading: int, writing: int) -> bool:
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError:
        return False
    return True


def _write(fd: int, data: bytes | memoryview) -> None:
    view: Any = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _hash(fd: int, progress: Callable[[int], None]) -> tuple[str, int]:
    digest, done = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    while size := _read_into(fd, buffer, done):
        digest.update(buffer[:size])
        done += size
        progress(size)
    return digest.hexdigest(), done


def hash_file(path: Path, progress: Callable[[int], None] = lambda size: None) -> tuple[str, int]:
    """Return the SHA-256 of a file and its bytes. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _hash(fd, progress)
    finally:
        os.close(fd)
