"""
Who ships a run to a server at present. Two at once do no harm, since the server takes each byte once; it is a waste.

A run's own uploaders share a lock on ``live/<run key>.ship-<server>``; a sync takes runs that nobody holds.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ShipLock"]


class ShipLock:
    """Locks per run folder and server."""

    @staticmethod
    def path(run_folder: Path, url: str) -> Path:
        """Return the file that is locked for a run and a server."""
        return run_folder.parent.parent / "live" / f"{run_folder.name}.ship-{_short(url)}"

    @classmethod
    @contextmanager
    def share(cls, run_folder: Path, url: str, wait_s: float) -> Iterator[None]:
        """Hold the lock as one of the run's own uploaders. A sync that has it is waited for, but not for ever."""
        descriptor = _open(cls.path(run_folder, url))
        deadline = time.monotonic() + wait_s
        while descriptor >= 0 and not _lock(descriptor, fcntl.LOCK_SH) and time.monotonic() < deadline:
            time.sleep(0.1)
        try:
            yield
        finally:
            if descriptor >= 0:
                # The last of several uploaders takes the file away.
                if _lock(descriptor, fcntl.LOCK_EX):
                    cls.path(run_folder, url).unlink(missing_ok=True)
                os.close(descriptor)

    @classmethod
    def shipped_by_others(cls, data_dir: Path, url: str) -> set[str]:
        """Return the keys of runs whose own uploaders ship them to *url* now; locks of dead ones are removed."""
        ending = f".ship-{_short(url)}"
        try:
            names = [name for name in os.listdir(data_dir / "live") if name.endswith(ending)]
        except OSError:
            return set()
        busy: set[str] = set()
        for name in names:
            descriptor = _open(data_dir / "live" / name)
            if descriptor < 0:
                continue
            if _lock(descriptor, fcntl.LOCK_EX):
                (data_dir / "live" / name).unlink(missing_ok=True)
            else:
                busy.add(name.removesuffix(ending))
            os.close(descriptor)
        return busy

    @classmethod
    def take_relay(cls, data_dir: Path, url: str) -> int | None:
        """Take the lock of the one relay of a folder to a server; return its descriptor, None if another has it."""
        descriptor = _open(data_dir / "live" / f"relay-{_short(url)}")
        if descriptor >= 0 and not _lock(descriptor, fcntl.LOCK_EX):
            os.close(descriptor)
            return None
        return descriptor


def _short(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:8]


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return -1  # a folder that cannot be written has no locks


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)  # a file system without locks
    return True
