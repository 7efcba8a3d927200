"""Small files that hold or guard secrets: replaced as a whole, readable by their owner alone."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from treering.errors import AccessDenied

__all__ = ["check_private", "read_private", "write_private"]

_MAX_BYTES = 4 * 1024 * 1024


def check_private(path: Path, status: os.stat_result) -> None:
    """
    Check that only its owner, who is us, can read a file.

    Raises:
        AccessDenied: it is a link or not a file, belongs to another user, or its mode lets others in.
    """
    if not stat.S_ISREG(status.st_mode):
        raise AccessDenied(f"{path} is not a regular file. Remove it and start again.")
    if status.st_uid != os.geteuid():
        raise AccessDenied(f"{path} belongs to user {status.st_uid}, not to you ({os.geteuid()}).")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise AccessDenied(f"{path} holds secrets and can be read by others (mode {mode:04o}). Run: chmod 600 '{path}'")


def read_private(path: Path) -> bytes | None:
    """
    Return the content of a private file, or None if there is none.

    Raises:
        AccessDenied: see ``check_private``.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AccessDenied(f"Cannot read {path}: {error.strerror}.") from None
    with open(descriptor, "rb") as file:
        check_private(path, os.fstat(descriptor))
        return file.read(_MAX_BYTES)


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 so that a reader, or a crash at any time, sees the old content or the new."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp makes it 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
