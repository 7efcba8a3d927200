"""A writer that is killed at any moment: what was acknowledged is there, and nothing else is."""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runlog.logs import rows_of

# Logs ten floats as fast as it can and writes each acknowledged step to a shared page.
_WRITER = """
import mmap, os, struct, sys, time
from treering.runlog.writer import Writer
folder, page, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
shared = mmap.mmap(os.open(page, os.O_RDWR), 4096)
writer = Writer(folder, {"run": {}, "life_id": "a", "writer": ""}, checkpoint=lambda: {"last_step": 0})
keys = [f"layer/metric{k}" for k in range(10)]
step = 0
while True:
    writer.append(1, (step, time.time_ns(), {key: float(step) for key in keys}))
    step += 1
    shared[0:8] = struct.pack("<Q", step)
    if pause:
        time.sleep(pause)
"""


def kill_once(folder: Path, after_s: float, pause_s: float = 0.0, group: bool = False) -> tuple[int, list[int]]:
    """Let a writer run for *after_s* seconds, kill it, and return (acknowledged rows, steps that were recovered)."""
    folder.mkdir()
    page = folder / "acknowledged"
    page.write_bytes(bytes(4096))
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), str(page), str(pause_s)], start_new_session=group
    )
    with page.open("r+b") as file, mmap.mmap(file.fileno(), 4096) as shared:
        limit = time.monotonic() + 20
        while not struct.unpack("<Q", shared[0:8])[0] and time.monotonic() < limit:
            time.sleep(0.001)
        time.sleep(after_s)
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
        acknowledged = struct.unpack("<Q", shared[0:8])[0]
    began = time.monotonic()
    steps: list[int] = []
    for path in sorted(folder.glob("*.trl"), key=lambda path: path.stat().st_mtime_ns):
        for row in rows_of(path):
            assert set(row.data.values()) == {float(row.step)}, "a record that was never written so"
            steps.append(row.step)
    assert time.monotonic() - began < 10
    for path in folder.glob("*.trl"):
        path.unlink()
    return acknowledged, steps


def check(acknowledged: int, steps: list[int]) -> None:
    assert acknowledged > 0
    assert steps == list(range(len(steps))), "records came twice, out of order, or with a hole"
    assert acknowledged <= len(steps) <= acknowledged + 1


@pytest.mark.parametrize("kills", [15, pytest.param(1_000, marks=pytest.mark.exam)])
def test_no_acknowledged_record_is_lost_to_kill_9(tmp_path: Path, kills: int) -> None:
    random.seed(26)
    for number in range(kills):
        check(*kill_once(tmp_path / str(number), random.uniform(0.002, 0.12)))


@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.exam)])
def test_no_acknowledged_record_is_lost_when_the_process_group_is_killed(tmp_path: Path, kills: int) -> None:
    random.seed(27)
    for number in range(kills):
        check(*kill_once(tmp_path / str(number), random.uniform(0.002, 0.12), group=True))


@pytest.mark.parametrize("kills", [2, pytest.param(100, marks=pytest.mark.exam)])
def test_a_slow_writer_loses_nothing_either(tmp_path: Path, kills: int) -> None:
    random.seed(28)
    for number in range(kills):
        check(*kill_once(tmp_path / str(number), random.uniform(0.5, 1.5), pause_s=0.2))
