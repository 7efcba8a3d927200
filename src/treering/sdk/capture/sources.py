"""Files of source code that are recorded one by one: untracked ones of a repository, or all where there is none."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from treering.limits import CAPTURE_FILES_MAX, CODE_FILE_MAX_BYTES, FILE_PATH_MAX_BYTES
from treering.sdk.redact import is_secret_file, redact_source

from .repository import Skipped

__all__ = ["SourceFile", "Sources", "source_files"]

_SUFFIXES: Final = frozenset(
    ".py .pyi .pyx .ipynb .yaml .yml .toml .json .cfg .ini .sh .md .txt .rst .sql .r .jl .c .cc .cpp .cu .cuh .h "
    ".hpp .rs .go .java .js .ts .proto .gin .conf .jsonnet".split()
)
_FOLDERS_NOT_LOOKED_INTO: Final = frozenset(
    "node_modules site-packages dist-packages __pycache__ venv env wandb mlruns lightning_logs build dist".split()
)
_LOOKED_AT_MAX: Final = 20_000  # entries of folders
_DEPTH_MAX: Final = 8


class SourceFile(NamedTuple):
    """
    A file as it is recorded. ``link`` is where a symbolic link leads; its data are empty then.

    ``name`` and ``link_name`` are the bytes of what is no UTF-8, in hexadecimal digits; ``path`` and ``link`` only show
    them.
    """

    path: str
    data: bytes
    mode: int
    redacted: int
    link: str | None
    name: str = ""
    link_name: str = ""


class Sources:
    """
    Reads files below *root* until they are too many or too large together.

    Attributes:
        skipped: files that were not read, and why.
        bytes, files: what was read.
    """

    def __init__(self, root: Path, budget_bytes: int, without: Iterable[Path]) -> None:
        self._root = root
        self._left = budget_bytes
        self._without = [str(path.resolve()) for path in without]
        self._data_folders: dict[str, bool] = {}
        self.skipped: list[Skipped] = []
        self.bytes = 0
        self.files = 0

    def read(self, paths: Iterable[str]) -> Iterator[SourceFile]:
        """Yield the files at *paths*, relative to the root."""
        for path in paths:
            if self.files >= CAPTURE_FILES_MAX:
                self.skipped.append(Skipped(path, f"and others: {CAPTURE_FILES_MAX:,} files are recorded already"))
                return
            full = self._root / path
            if any(str(full).startswith((name + os.sep, name + "\0")) or str(full) == name for name in self._without):
                continue
            if self._is_data(os.path.dirname(path)):
                continue
            found = self._one(path, full)
            if isinstance(found, Skipped):
                self.skipped.append(found)
            elif found is not None:
                self.files += 1
                self.bytes += len(found.data)
                self._left -= len(found.data)
                yield found

    def _is_data(self, folder: str) -> bool:
        """Return whether a folder is, or is in, a data folder: of other runs, or of a server, with its token."""
        known = self._data_folders.get(folder)
        if known is None:
            here = self._root / folder
            known = (here / "runs").is_dir() and ((here / "live").is_dir() or (here / "store.json").is_file())
            known = known or (folder != "" and self._is_data(os.path.dirname(folder)))
            self._data_folders[folder] = known
        return known

    def _one(self, path: str, full: Path) -> SourceFile | Skipped | None:
        if len(os.fsencode(path)) > FILE_PATH_MAX_BYTES - 10:
            return Skipped(path[:200] + "…", "its path is too long")
        shown, name = (path, "") if _is_text(path) else (_shown(path), os.fsencode(path).hex())
        if path.endswith("/"):
            return Skipped(path, "is a repository of its own")
        if is_secret_file(path):
            return Skipped(path, "holds secrets, by its name")
        try:
            about = os.lstat(full)
            if stat.S_ISLNK(about.st_mode):
                link = os.readlink(full)
                link_name = "" if _is_text(link) else os.fsencode(link).hex()
                return SourceFile(shown, b"", 0o777, 0, _shown(link) if link_name else link, name, link_name)
            if not stat.S_ISREG(about.st_mode):
                return None
            if about.st_size > CODE_FILE_MAX_BYTES or about.st_size > self._left:
                return Skipped(path, "too large", about.st_size)
            with open(full, "rb", opener=_no_waiting) as file:
                data = file.read(CODE_FILE_MAX_BYTES + 1)
        except OSError as error:
            return Skipped(path, f"cannot be read: {error.strerror}")
        if len(data) > CODE_FILE_MAX_BYTES:
            return Skipped(path, "too large", len(data))
        redacted = 0
        if b"\0" not in data[:8192]:
            text, redacted = redact_source(data.decode("utf-8", "surrogateescape"), path)
            if redacted:
                data = text.encode("utf-8", "surrogateescape")
        return SourceFile(shown, data, about.st_mode & 0o777, redacted, None, name)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that only this file system can have
        return False
    return True


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _no_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe of that name would be waited for


def source_files(root: Path, until: float) -> Iterator[str]:
    """Yield the paths of source files below *root*, the nearest first, until the time is over."""
    looked_at = 0
    level = [""]
    for _ in range(_DEPTH_MAX):
        below: list[str] = []
        for folder in level:
            if looked_at > _LOOKED_AT_MAX or time.monotonic() > until:
                return
            try:
                entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
            except OSError:
                continue
            looked_at += len(entries)
            for entry in entries:
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    uninteresting = entry.name.startswith(".") or entry.name in _FOLDERS_NOT_LOOKED_INTO
                    if not uninteresting and not (root / path / "pyvenv.cfg").exists():
                        below.append(path + "/")
                elif os.path.splitext(entry.name)[1].lower() in _SUFFIXES or entry.name in ("Dockerfile", "Makefile"):
                    yield path
        level = below
