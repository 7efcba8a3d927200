"""
Watching the room on the disks that the server writes to.

At nine tenths people are told. Below a reserve nothing more is taken in: a disk that is full to the last byte could
not even take the index's own log, and what is there must stay readable. Both end by themselves once there is room.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.limits import DISK_LOOK_S, DISK_NOTICE_SHARE, DISK_RESERVE_BYTES, MIB

__all__ = ["DiskWatch", "Room", "reserve_of", "room_of"]

log = logging.getLogger("treering.server")

_RESERVE_SHARE: Final = 0.01
# Of a disk so small that the reserve would be most of it.
_RESERVE_MOST: Final = 0.1
# Taken in again a little later than refused, or the last megabyte would switch it on and off.
_BACK: Final = 1.1


class Room(NamedTuple):
    """The file system of one folder, in bytes; ``free`` is what this user may still use."""

    folder: str
    total: int
    free: int


def room_of(folder: Path) -> Room:
    """Return the room where *folder* is. Raises OSError."""
    found = os.statvfs(folder)
    return Room(str(folder), found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)


def reserve_of(total: int, wanted: int | None = None) -> int:
    """Return the bytes that stay free on a disk of *total*: what is wanted, else 64 MiB or a hundredth of it."""
    if wanted is not None:
        return wanted
    return int(min(max(DISK_RESERVE_BYTES, total * _RESERVE_SHARE), total * _RESERVE_MOST))


class DiskWatch:
    """
    A thread that looks every few seconds.

    Args:
        folders: the data folder and, if it is elsewhere, the index.
        refuse: called with the reason while there is too little room, with None once there is enough.
        reserve_bytes: see ``reserve_of``.
        room: how to look.
    """

    def __init__(
        self,
        folders: list[Path],
        refuse: Callable[[str | None], None],
        reserve_bytes: int | None = None,
        room: Callable[[Path], Room] = room_of,
        every_s: float = DISK_LOOK_S,
    ) -> None:
        self._folders = folders
        self._refuse = refuse
        self._reserve_bytes = reserve_bytes
        self._room = room
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._rooms: list[Room] = []
        self._refused: str | None = None
        self._notices: list[dict[str, Any]] = []

    def start(self) -> None:
        """Look once, and begin to look again."""
        self.look()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="treering-disk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking. Idempotent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def notices(self) -> list[dict[str, Any]]:
        """Return what people should know: ``level``, ``code``, ``text``."""
        return list(self._notices)

    def rooms(self) -> list[dict[str, Any]]:
        """Return total, free and reserve of each disk."""
        return [{**room._asdict(), "reserve": reserve_of(room.total, self._reserve_bytes)} for room in self._rooms]

    @property
    def refused(self) -> str | None:
        """Why nothing is taken in at present."""
        return self._refused

    def look(self) -> None:
        """Look now."""
        rooms: list[Room] = []
        reason, notices = None, []
        for folder in self._folders:
            try:
                room = self._room(folder)
            except OSError as error:
                log.warning("cannot look at the disk of %s: %s", folder, error)
                continue
            if room.total <= 0:
                continue  # a file system without an end
            rooms.append(room)
            reserve = reserve_of(room.total, self._reserve_bytes)
            needed = reserve * _BACK if self._refused is not None else reserve
            used = 1 - room.free / room.total
            if room.free < needed:
                reason = (
                    f"The disk of {folder} has {room.free // MIB:,} MiB left; {reserve // MIB:,} MiB are kept in "
                    "reserve. Nothing new is stored until there is room; runs go on and send it later."
                )
                notices.append({"level": "error", "code": "disk_full", "text": reason})
            elif used >= DISK_NOTICE_SHARE:
                text = f"The disk of {folder} is {used:.0%} full; {room.free // MIB:,} MiB are left."
                notices.append({"level": "warning", "code": "disk_filling", "text": text})
        if (reason is None) != (self._refused is None):
            log.warning("%s", reason or "there is room on the disk again")
        self._rooms, self._notices, self._refused = rooms, notices, reason
        self._refuse(reason)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.look()
            except Exception:  # it must go on looking
                log.exception("the look at the disk failed")
