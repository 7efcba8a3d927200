"""
Who may read what is written: the owner alone, or a group whose folder it is.

A data folder that its group may write, or that hands its group on, is shared: what is made in it follows the umask.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["file_mode", "is_shared", "make_folder"]


def is_shared(folder: Path) -> bool:
    """Return whether a group writes into *folder*."""
    try:
        return bool(os.stat(folder).st_mode & 0o2020)
    except OSError:
        return False


def file_mode(folder: Path) -> int:
    """Return the mode with which a file in *folder* is made."""
    return 0o666 if is_shared(folder) else 0o600


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, open to whom the nearest one that is there is open to."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    shared = is_shared(folder.parent)
    try:
        folder.mkdir(mode=0o770 if shared else 0o700)
        if shared:
            os.chmod(folder, 0o2770)  # noqa: S103 - the umask takes the group's rights, which are what the folder is for
    except FileExistsError:
        pass
