"""
``store.json``: which store a data folder is, and of which version.

::

    {"store_id": "…32 digits…", "restores": 0, "version": 1}

A client remembers id and restores beside what it has shipped. If either is another one, the folder was made anew or
put back from a backup, and the client asks again for everything, sealed segments too.

The version is that of the folder's layout. A newer one is refused before anything is touched. An older one is brought
up in three steps: what will change is copied to ``backups/``; the changes are made on a second copy; and a small
journal says which files of it take the place of the old ones. Whatever dies in between leaves the old version usable,
or is finished by the next start.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from treering._version import __version__
from treering.errors import NewerFormat, StorageError

from .manifest import sync_folder, write_durably

__all__ = ["VERSION", "StoreFile", "Upgrade", "check_version", "open_store_file", "read_store_file"]

log = logging.getLogger("treering.store")

VERSION: Final = 1
NAME: Final = "store.json"
BACKUPS: Final = "backups"
_STAGING: Final = "upgrade.new"
_JOURNAL: Final = "upgrade.json"


class StoreFile(msgspec.Struct, frozen=True):
    """The content of ``store.json``."""

    store_id: str
    restores: int = 0
    version: int = VERSION

    def write(self, folder: Path) -> None:
        """Replace the file, durably and as a whole."""
        write_durably(folder / NAME, msgspec.json.encode(self))


class Upgrade(NamedTuple):
    """
    One step from a version to the next.

    Attributes:
        files: names in the data folder that it changes; those that exist are copied first.
        apply: changes the copies in the folder that it is given. May leave new files there.
    """

    files: tuple[str, ...]
    apply: Callable[[Path], None]


# From version n to n + 1. There has been one layout so far.
UPGRADES: Mapping[int, Upgrade] = MappingProxyType({})


def read_store_file(folder: Path) -> StoreFile | None:
    """Return what the file says, None if there is none. Raises StorageError if it does not parse."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=StoreFile)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise StorageError(
            f"{folder / NAME} does not parse ({error}). If it cannot be put back, move it away: the folder then counts "
            "as another store, and clients ask again what it holds."
        ) from None


def check_version(folder: Path, version: int = VERSION) -> None:
    """
    Check that this treering may touch a data folder.

    Raises:
        NewerFormat: a newer one made it.
    """
    found = read_store_file(folder)
    if found is not None and found.version > version:
        raise NewerFormat(
            f"{folder} is a store of version {found.version}; treering {__version__} knows up to version {version}. "
            "Upgrade treering to open it. Nothing was touched."
        )


def open_store_file(folder: Path, version: int = VERSION, upgrades: Mapping[int, Upgrade] = UPGRADES) -> StoreFile:
    """
    Return what the folder says of itself, after making the file or bringing the folder up to *version*.

    Raises:
        NewerFormat: see ``check_version``.
        StorageError: an upgrade failed; the folder is as it was.
    """
    check_version(folder, version)
    _finish(folder)
    found = read_store_file(folder)
    if found is None:
        found = StoreFile(os.urandom(16).hex(), version=version)
        try:
            found.write(folder)
        except OSError as error:  # somebody else's folder, with the index elsewhere: it can be read and not more
            log.warning("cannot write %s: %s", folder / NAME, error)
        return found
    while found.version < version:
        found = _upgrade(folder, found, upgrades[found.version])
    return found


def _upgrade(folder: Path, found: StoreFile, step: Upgrade) -> StoreFile:
    after = msgspec.structs.replace(found, version=found.version + 1)
    kept = folder / BACKUPS / f"before-version-{after.version}-{time.strftime('%Y%m%d-%H%M%S')}"
    staging = folder / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(mode=0o700)
        kept.mkdir(mode=0o700, parents=True)
        for name in (NAME, *step.files):
            if (folder / name).exists():
                _copy(folder / name, kept / name)
                _copy(folder / name, staging / name)
        step.apply(staging)
        after.write(staging)
        names = sorted(path.name for path in staging.iterdir() if path.name != NAME)
        for name in names:
            _sync_below(staging / name)
        # Until this file is there nothing has happened; from then on it has.
        write_durably(folder / _JOURNAL, msgspec.json.encode([*names, NAME]))
    except Exception as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise StorageError(
            f"{folder}: the upgrade from version {found.version} to {after.version} failed ({error}). The folder is as "
            f"it was and the earlier treering can use it; a copy from before is in {kept}."
        ) from error
    _finish(folder)
    return after


def _finish(folder: Path) -> None:
    """Move the files of a decided upgrade to their places; those that a crash let happen already are not there."""
    journal, staging = folder / _JOURNAL, folder / _STAGING
    if not journal.exists():
        shutil.rmtree(staging, ignore_errors=True)
        return
    for name in msgspec.json.decode(journal.read_bytes(), type=list[str]):
        new, old = staging / name, folder / name
        if not new.exists():
            continue
        if old.is_dir():
            gone = folder / f"{name}.old"
            shutil.rmtree(gone, ignore_errors=True)
            os.rename(old, gone)
            os.rename(new, old)
            shutil.rmtree(gone, ignore_errors=True)
        else:
            os.replace(new, old)
    sync_folder(folder)
    journal.unlink()
    shutil.rmtree(staging, ignore_errors=True)
    sync_folder(folder)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
    _sync_below(target)


def _sync_below(path: Path) -> None:
    for each in [path, *(path.rglob("*") if path.is_dir() else ())]:
        descriptor = os.open(each, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
