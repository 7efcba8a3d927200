"""Whichever call to the operating system fails, and however: training sees nothing, and the log counts the loss."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from runlog.disks import Clock, Disk, gaps_of
from runlog.logs import LIFE, rows_of
from treering.runlog import records
from treering.runlog import writer as writer_module
from treering.runlog.writer import Writer


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize(
    "error",
    [errno.EIO, pytest.param(errno.ENOSPC, marks=pytest.mark.exam), pytest.param("short", marks=pytest.mark.exam)],
)
def test_whichever_call_fails_nothing_raises_and_what_is_missing_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any, mapped: bool
) -> None:
    clock = Clock()
    monkeypatch.setattr(writer_module, "time", clock)
    for nth in range(1, 60):
        folder = tmp_path / str(nth)
        folder.mkdir()
        with monkeypatch.context() as patch:
            disk = Disk(patch)
            writer = Writer(folder, LIFE, mapped=mapped, segment_max_bytes=200_000)
            began = disk.calls
            disk.fail = lambda number, name, at=began + nth: error if number == at else None
            for step in range(8_000 if mapped else 60):
                writer.append(records.ROW, (step, 1, {"loss": float(step)}))
                clock.now += 0.01
            clock.now += 10
            writer.append(records.ROW, (8_000 if mapped else 60, 1, {"loss": 1.0}))
            writer.close()
            disk.fail = lambda number, name: None

        steps = [row.step for path in folder.glob("*.trl") for row in rows_of(path)]
        assert len(steps) == len(set(steps)), nth
        assert len(steps) + gaps_of(folder) == (8_001 if mapped else 61), (nth, writer.lost_records)
