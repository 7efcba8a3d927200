"""
``server.json``: how other programs of the same user find the process that owns a data folder.

Mode 0600, since it has the folder's token. It is there while a server runs; a killed one leaves it behind, so a
reader checks that the process lives and answers before it believes the rest.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from .privatefile import read_private, write_private

__all__ = ["OwnerFile"]

_NAME = "server.json"


class OwnerFile(msgspec.Struct, frozen=True):
    """
    The running owner. ``url`` is set for one that listens on loopback, ``socket`` for one on a unix socket.

    ``idle``: it was started by a reading command, ends by itself and hands the folder over when asked.
    """

    pid: int
    host: str
    port: int | None
    url: str | None
    socket: str | None
    token: str
    idle: bool = False

    def write(self, data_dir: Path) -> None:
        """Write the file."""
        write_private(data_dir / _NAME, msgspec.json.encode(self))

    @classmethod
    def read(cls, data_dir: Path) -> OwnerFile | None:
        """
        Return what the file says, or None if there is none or it is not readable as one.

        Raises:
            AccessDenied: other users could have read or written it.
        """
        content = read_private(data_dir / _NAME)
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=cls)
        except msgspec.DecodeError:
            return None

    @classmethod
    def remove(cls, data_dir: Path) -> None:
        """Remove the file if it is this process's own."""
        owner = cls.read(data_dir)
        if owner is not None and owner.pid == os.getpid():
            (data_dir / _NAME).unlink(missing_ok=True)
