"""One process owns an index: the lock file says which."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

from treering.errors import FolderInUse

from .liveness import this_machine


class OwnerLock:
    """
    Holds ``owner.lock`` until closed. The kernel releases it when the process dies, however it dies.

    Raises:
        FolderInUse: another process holds it; the message says which one.
    """

    def __init__(self, index: Path) -> None:
        index.mkdir(parents=True, exist_ok=True)
        path = index / "owner.lock"
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 4096, 0).decode("utf-8", "replace")
            os.close(self._fd)
            raise FolderInUse(
                f"{index}: another process owns this index ({_describe(holder)}). Stop it, or ask it: `treering ui` "
                "and tr.Api() find it by themselves."
            ) from None
        about = {"pid": os.getpid(), "host": this_machine()[0], "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps(about).encode(), 0)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _describe(holder: str) -> str:
    try:
        about = json.loads(holder)
        return f"pid {int(about['pid'])} on {about['host']}, since {about['since']}"
    except (ValueError, KeyError, TypeError):
        return "it left no name"
