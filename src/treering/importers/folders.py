"""Looking through a folder that somebody else made: links are not followed, and everything is counted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from treering.errors import NotFound
from treering.limits import IMPORT_DEPTH_MAX, IMPORT_ENTRIES_MAX, IMPORT_FILES_MAX, IMPORT_RUNS_MAX
from treering.values import clean_text

__all__ = ["Folder", "Skip", "find_folders"]

# Called with (path, why) of what is passed over.
Skip = Callable[[str, str], None]


class Folder(NamedTuple):
    """A folder with files of the kind that was looked for; ``name`` is its path below the root, ``""`` the root."""

    path: Path
    name: str
    files: list[str]


def find_folders(root: Path, wanted: Callable[[str], bool], skip: Skip) -> Iterator[Folder]:
    """
    Yield the folders at and below *root* that hold wanted files, in the order of their names.

    Raises:
        NotFound: *root* is no folder.
    """
    if not root.is_dir():
        raise NotFound(f"There is no folder {clean_text(str(root))}.")
    waiting: list[tuple[Path, str, int]] = [(root, "", 0)]
    entries = runs = 0
    while waiting:
        path, name, depth = waiting.pop()
        files: list[str] = []
        folders: list[str] = []
        try:
            with os.scandir(path) as found:
                for entry in found:
                    entries += 1
                    if entries > IMPORT_ENTRIES_MAX:
                        skip(_shown(name, entry.name), f"more than {IMPORT_ENTRIES_MAX:,} files and folders")
                        waiting.clear()
                        break
                    _sort(entry, name, wanted, files, folders, skip)
        except OSError as error:
            skip(_shown(name, "") or ".", str(error.strerror))
        if len(files) > IMPORT_FILES_MAX:
            skip(_shown(name, sorted(files)[IMPORT_FILES_MAX]), f"more than {IMPORT_FILES_MAX:,} files in a folder")
        if files:
            runs += 1
            if runs > IMPORT_RUNS_MAX:
                skip(_shown(name, ""), f"more than {IMPORT_RUNS_MAX:,} runs")
                return
            yield Folder(path, name, sorted(files)[:IMPORT_FILES_MAX])
        if folders and depth >= IMPORT_DEPTH_MAX:
            skip(_shown(name, folders[0]), f"more than {IMPORT_DEPTH_MAX} folders within each other")
            continue
        waiting += [(path / each, f"{name}/{each}".lstrip("/"), depth + 1) for each in sorted(folders, reverse=True)]


def _sort(
    entry: os.DirEntry[str],
    name: str,
    wanted: Callable[[str], bool],
    files: list[str],
    folders: list[str],
    skip: Skip,
) -> None:
    if entry.is_symlink():
        if wanted(entry.name) or _leads_to_folder(entry):
            skip(_shown(name, entry.name), "a link, which is not followed")
        return
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode):
        folders.append(entry.name)
    elif wanted(entry.name):
        if stat.S_ISREG(mode):
            files.append(entry.name)
        else:
            skip(_shown(name, entry.name), "no ordinary file")


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _shown(name: str, entry: str) -> str:
    return clean_text(f"{name}/{entry}".strip("/"))
