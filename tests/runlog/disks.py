"""A disk whose calls can fail, and a clock that tests move."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from runlog.logs import all_frames
from treering.runlog import records
from treering.runlog import writer as writer_module
from treering.runlog.reader import SegmentReader


class Clock:
    """A monotonic clock that tests move."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    time_ns = staticmethod(time.time_ns)


class Disk:
    """Counts the writer's calls to the operating system and lets chosen ones fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.fail: Any = lambda number, name: None
        for name in ("open", "pwrite", "posix_fallocate", "ftruncate", "pread", "close"):
            monkeypatch.setattr(writer_module.os, name, self._wrap(name, getattr(os, name)))

    def _wrap(self, name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            error = self.fail(self.calls, name)
            if error == "short" and name == "pwrite":
                return real(args[0], bytes(args[1])[: max(1, len(args[1]) // 2)], *args[2:])
            if isinstance(error, int):
                if name == "close":
                    real(*args)
                raise OSError(error, os.strerror(error))
            return real(*args, **kwargs)

        return call


def gaps_of(folder: Path) -> int:
    total = 0
    for path in folder.glob("*.trl"):
        with SegmentReader(path) as reader:
            for frame in all_frames(reader):
                if frame.kind == records.GAP:
                    total += records.decode(frame)[0].data["count"]
    return total
