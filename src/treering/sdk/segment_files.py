"""
The segments of a data folder, as a source for the shipper: all runs, some of them, or what one life wrote.

Folders of thousands of runs are looked through once a minute. In between only those runs are listed that have a
ticket in ``live/`` or whose folder has changed.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from treering.errors import TreeringError
from treering.ids import RUN_KEY, SEGMENT_ID
from treering.limits import FULL_SCAN_S
from treering.runlog.reader import open_segment
from treering.runlog.salvage import read_life

__all__ = ["SegmentFiles", "life_of"]

_OPEN_MAX: Final = 32  # descriptors kept
_TICK_S: Final = 2.0  # a folder's time may be as coarse as that


class SegmentFiles:
    """
    Lists and reads segments below ``runs/`` of a data folder.

    Args:
        data_dir: the data folder.
        runs: only these run keys; None for all, new ones too.
        clock: monotonic seconds.
        wanted: which segments of a run to take, by life record; None for all.
        skipped: run keys that somebody else ships at present.
    """

    def __init__(
        self,
        data_dir: Path,
        runs: Iterable[str] | None,
        clock: Callable[[], float],
        wanted: Callable[[dict[str, Any]], bool] | None = None,
        skipped: Callable[[], set[str]] = set,
    ) -> None:
        self.data_dir = data_dir
        self._runs = None if runs is None else list(runs)
        self._clock = clock
        self._wanted = wanted
        self._skipped = skipped
        self._scan_at = 0.0
        self._keys: list[str] = []
        self._of_run: dict[str, list[str]] = {}
        self._folder_times: dict[str, int] = {}
        self._run_of: dict[str, str] = {}
        self._taken: dict[str, bool] = {}
        self._files: OrderedDict[str, int] = OrderedDict()

    def run_of(self, segment: str) -> str:
        """Return the key of the run whose folder has the segment."""
        return self._run_of.get(segment, "")

    def path(self, segment: str) -> Path:
        """Return the file of a listed segment."""
        return self.data_dir / "runs" / self._run_of[segment] / f"{segment}.trl"

    def segments(self) -> list[str]:
        """Name all segments, those of the most recently changed runs first."""
        now = self._clock()
        if now >= self._scan_at:
            self._keys = self._scan()
            self._scan_at = now + FULL_SCAN_S
            listed = self._keys
        else:
            listed = sorted(self._live_keys())
            known = set(self._keys)
            self._keys = [key for key in listed if key not in known] + self._keys
        for key in listed:
            self._list(key)
        skipped = self._skipped()
        names = [name for key in self._keys if key not in skipped for name in self._of_run.get(key, ())]
        return names if self._wanted is None else [name for name in names if self._is_wanted(name)]

    def look_again(self) -> None:
        """List everything at the next call."""
        self._scan_at = 0.0

    def _scan(self) -> list[str]:
        root = self.data_dir / "runs"
        if self._runs is not None:
            return [key for key in self._runs if (root / key).is_dir()]
        found: list[tuple[int, str]] = []
        with os.scandir(root) as entries:
            found += ((e.stat().st_mtime_ns, e.name) for e in entries if RUN_KEY.match(e.name) and e.is_dir())
        return [key for _, key in sorted(found, reverse=True)]

    def _live_keys(self) -> set[str]:
        if self._runs is not None:
            return set(self._keys)
        try:
            names = os.listdir(self.data_dir / "live")
        except OSError:
            return set()
        keys = {name.partition(".")[0] for name in names}
        return {key for key in keys if RUN_KEY.match(key)}

    def _list(self, key: str) -> None:
        folder = self.data_dir / "runs" / key
        try:
            changed_ns = os.stat(folder).st_mtime_ns
            if self._folder_times.get(key) == changed_ns:
                return
            names = sorted(
                name[:-4] for name in os.listdir(folder) if name.endswith(".trl") and SEGMENT_ID.match(name[:-4])
            )
        except OSError:
            return
        self._of_run[key] = names
        for name in names:
            self._run_of[name] = key
        if time.time_ns() - changed_ns > _TICK_S * 1e9:
            self._folder_times[key] = changed_ns

    def _is_wanted(self, name: str) -> bool:
        taken = self._taken.get(name)
        if taken is None:
            assert self._wanted is not None
            try:
                life = read_life(name, lambda length, offset: self.pread(name, length, offset))
            except (OSError, TreeringError):
                return False
            if life is None:
                return False  # just being made; looked at again
            taken = self._taken[name] = self._wanted(life)
        return taken

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def pread(self, segment: str, length: int, offset: int) -> bytes:
        """As ``os.pread``. Raises OSError when the file is gone or unreadable."""
        files = self._files
        fd = files.get(segment)
        if fd is not None and os.fstat(fd).st_nlink == 0:  # another file was put in its place
            self.forget_file(segment)
            fd = None
        if fd is None:
            try:
                fd = open_segment(self.path(segment))
            except TreeringError as error:
                raise OSError(str(error)) from None
            files[segment] = fd
            if len(files) > _OPEN_MAX:
                os.close(files.popitem(last=False)[1])
        else:
            files.move_to_end(segment)
        return os.pread(fd, length, offset)

    def size(self, segment: str) -> int:
        """Return the size of the file."""
        return self.path(segment).stat().st_size

    def life(self, segment: str) -> dict[str, Any] | None:
        """Return the life record of another segment of the same run, reduced to which run it is."""
        for other in self._of_run.get(self._run_of.get(segment, ""), ()):
            if other == segment:
                continue
            life = life_of(self.path(other))
            if life is not None:
                known: dict[str, Any] = {name: life[name] for name in ("run", "process") if name in life}
                return {**known, "writer": "salvaged", "life_id": segment[:16]}
        return None

    def forget_file(self, segment: str) -> None:
        """Close a file, so that one that was put in its place is read."""
        fd = self._files.pop(segment, None)
        if fd is not None:
            os.close(fd)

    def close(self) -> None:
        """Close all files."""
        while self._files:
            os.close(self._files.popitem()[1])


def life_of(path: Path) -> dict[str, Any] | None:
    """Return the life record of a segment file, None if it has none that can be read."""
    try:
        fd = open_segment(path)
    except (OSError, TreeringError):
        return None
    try:
        return read_life(path.stem, lambda length, offset: os.pread(fd, length, offset))
    except (OSError, TreeringError):
        return None
    finally:
        os.close(fd)
