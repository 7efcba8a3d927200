"""A full disk: training goes on, memory is bounded, the loss is counted exactly, logging resumes."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runlog.disks import Clock, Disk, gaps_of
from runlog.logs import LIFE, rows_of
from treering.runlog import records
from treering.runlog import writer as writer_module
from treering.runlog.writer import Writer


def test_a_full_disk_is_waited_out_and_the_loss_is_counted_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(writer_module, "time", clock)
    monkeypatch.setattr(writer_module, "BACKLOG_MAX_BYTES", 100_000)
    disk = Disk(monkeypatch)
    writer = Writer(tmp_path, LIFE)
    disk.fail = lambda number, name: errno.ENOSPC if name in ("posix_fallocate", "open", "pwrite") else None
    for step in range(20_000):
        writer.append(records.ROW, (step, 1, {"loss": float(step)}))
    assert writer.disk_error is not None
    assert writer._backlog_bytes <= 100_000
    disk.fail = lambda number, name: None
    clock.now += 6
    writer.append(records.ROW, (20_000, 1, {"loss": 0.0}))
    assert writer.disk_error is None
    writer.close()

    steps = [row.step for segment in writer.segments for row in rows_of(tmp_path / f"{segment}.trl")]
    assert steps == sorted(set(steps))
    assert steps[-1] == 20_000
    assert gaps_of(tmp_path) == writer.lost_records == 20_001 - len(steps) > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 1 MiB; None where this user may not mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        yield None
        return
    yield place
    subprocess.run(["umount", str(place)], check=True)


_TRAINING = """
import json, os, resource, signal, sys, time
from pathlib import Path
import psutil
from treering.runlog.writer import Writer
folder, ballast, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if ballast:
    Path(ballast).write_bytes(bytes(200_000))
else:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
w = Writer(folder, {"run": {}, "life_id": "a", "writer": ""})
row = {f"metric{k}": 0.5 for k in range(10)}
before = psutil.Process().memory_info().rss
for step in range(60_000):
    w.append(1, (step, 1, row))
assert w.disk_error is not None
grown = psutil.Process().memory_info().rss - before
if ballast:
    Path(ballast).unlink()
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
w._retry_at = 0  # the five seconds are over
for step in range(60_000, 60_100):
    w.append(1, (step, 1, row))
resumed = w.disk_error is None
for step in range(60_100, 60_200):
    w.append(1, (step, 1, row))
print(json.dumps({"resumed": resumed, "grown": grown, "lost": w.lost_records, "held": w.waiting_records}))
w.close()
"""


def test_a_real_full_file_system(tmp_path: Path, small_disk: Path | None) -> None:
    """10 MiB into 1 MiB, then room again. Without the right to mount, a file size limit refuses in the same call."""
    folder = small_disk or tmp_path / "limited"
    folder.mkdir(exist_ok=True)
    ballast = str(folder / "ballast") if small_disk else ""
    done = subprocess.run(
        [sys.executable, "-c", _TRAINING, str(folder), ballast, "600000"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = json.loads(done.stdout)

    assert told["grown"] < 40 << 20
    steps = sorted(row.step for path in folder.glob("*.trl") for row in rows_of(path))
    assert len(steps) == len(set(steps))
    if small_disk:  # 1 MiB stays full: what cannot be held is counted, none of it silently
        assert len(steps) + told["lost"] + told["held"] == 60_200
        assert sum(path.stat().st_size for path in folder.glob("*.trl")) > 1_000_000, "used to its last pages"
    else:
        assert told["resumed"]
        assert steps == list(range(60_200))
