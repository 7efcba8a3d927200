"""The large part of a value that waits to be encoded: in memory, or for a while in a file of the spool."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from treering.errors import FormatError
from treering.sdk.ranks import boot_id, process_start_time

__all__ = ["Payload", "Spool", "spool_root"]


class Payload:
    """
    Bytes, a numpy array or a PIL image that nobody changes any more.

    ``size`` is about how many bytes it takes in memory.
    """

    __slots__ = ("__weakref__", "_data", "_form", "_place", "size")

    def __init__(self, data: Any) -> None:
        self._data = data
        self._form: _Form | None = None
        self._place: Path | None = None
        self.size = _size(data)

    @property
    def spilled(self) -> bool:
        """Whether it waits in a file."""
        return self._place is not None

    def get(self) -> Any:
        """Return the data, read back if need be. Raises OSError when the file is gone."""
        data, place = self._data, self._place
        if data is not None or place is None or self._form is None:
            return data
        return _unpack(self._form, place.read_bytes())

    def spill(self, spool: Spool) -> None:
        """
        Write the data into a file and let go of the memory; the file goes when this object does.

        Raises:
            OSError: the disk refuses; the data stays in memory.
        """
        data = self._data
        if data is None or self._place is not None:
            return
        form, raw = _pack(data)
        path = spool.write(raw)
        self._form, self._place = form, path
        self._data = None
        weakref.finalize(self, spool.remove, path, os.getpid()).atexit = False


class Spool:
    """
    A folder of this process for payloads that do not fit in memory. It is made when it is needed.

    A process that was killed leaves its folder; the next one that begins removes it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder: Path | None = None
        self._count = 0

    def write(self, raw: memoryview) -> Path:
        """Write one payload; return its file. Raises OSError."""
        if self._folder is None:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.remove_leftovers()
            folder = self._root / f"{os.getpid()}.{process_start_time(os.getpid()):.0f}.{boot_id()}.{id(self):x}"
            folder.mkdir(mode=0o700, exist_ok=True)
            self._folder = folder
        self._count += 1
        path = self._folder / f"{self._count}.raw"
        try:
            with open(path, "xb") as file:
                file.write(raw)
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        return path

    @staticmethod
    def remove(path: Path, pid: int) -> None:
        """Remove a payload's file, unless this is a forked child, whose parent still needs it."""
        if os.getpid() == pid:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Remove the folders of processes of this machine that have ended."""
        for folder in self._root.glob("*.*.*.*"):
            pid, start, boot, _ = folder.name.split(".", 3)
            if not pid.isdigit() or (boot == boot_id() and f"{process_start_time(int(pid)):.0f}" == start):
                continue
            # A shared folder may hold the spool of a process on another machine, which cannot be asked after.
            if boot == boot_id() or self._root.parent == Path(tempfile.gettempdir()):
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove everything."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def spool_root(data_folder: Path, network: bool) -> Path:
    """Return where spools stand: in the data folder, or on this machine's own disk if that is on a network."""
    return Path(tempfile.gettempdir()) / f"treering-spool-{os.getuid()}" if network else data_folder / "spool"


# ── one format per kind of data, since nothing is read back by another program ──────────────────────────────────


class _Form(NamedTuple):
    kind: str
    details: tuple[Any, ...] = ()


def _size(data: Any) -> int:
    size = getattr(data, "nbytes", None)
    if isinstance(size, int):
        return size
    if isinstance(data, (bytes, bytearray)):
        return len(data)
    bands = len(data.getbands())
    width = {"I": 4, "F": 4, "I;16": 2}.get(data.mode, 1)
    return int(data.width * data.height * bands * width)


def _pack(data: Any) -> tuple[_Form, memoryview]:
    if isinstance(data, (bytes, bytearray)):
        return _Form("bytes"), memoryview(data)
    if hasattr(data, "dtype"):
        import numpy as np

        flat = np.ascontiguousarray(data)
        return _Form("array", (flat.dtype, data.shape)), flat.reshape(-1).view(np.uint8).data
    palette = data.getpalette("RGBA") if data.mode in ("P", "PA") else None
    return _Form("picture", (data.mode, data.size, palette, dict(data.info))), memoryview(data.tobytes())


def _unpack(form: _Form, raw: bytes) -> Any:
    if form.kind == "bytes":
        return raw
    if form.kind == "array":
        import numpy as np

        dtype, shape = form.details
        array = np.frombuffer(raw, dtype)
        if array.size != int(np.prod(shape)):
            raise FormatError("what waited in the spool is not whole any more")
        return array.reshape(shape)
    from PIL import Image

    mode, size, palette, info = form.details
    picture = Image.frombytes(mode, size, raw)
    if palette is not None:
        picture.putpalette(palette, "RGBA")
    picture.info = info
    return picture
