"""Shared memory on the way to a network folder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runlog.disks import gaps_of
from runlog.logs import LIFE, rows_of
from treering.limits import STAGED_SEGMENT_BYTES
from treering.runlog import records
from treering.runlog import writer as writer_module
from treering.runlog.writer import Writer
from treering.sdk import staging as staging_module
from treering.sdk.staging import Staging, leftovers, staging_root


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "nfs" / "runs" / ("a" * 26)
    folder.mkdir(parents=True)
    return folder


def stage(tmp_path: Path, target: Path) -> Staging:
    root = tmp_path / "shm"
    root.mkdir(mode=0o700, exist_ok=True)
    made = Staging.create(target, "0123456789abcdef", root)
    assert made is not None
    return made


def test_what_is_copied_is_the_writers_file_byte_for_byte(tmp_path: Path, target: Path) -> None:
    staging = stage(tmp_path, target)
    writer = Writer(staging.folder, LIFE, room=staging.check_room, segment_max_bytes=64 * 1024)
    for step in range(3_000):
        writer.append(records.ROW, (step, step, {"loss": float(step)}))
        if step % 100 == 0:
            staging.copy()
    while_it_lives = writer.path.read_bytes()[: writer.position]
    staging.copy()

    assert (target / writer.path.name).read_bytes() == while_it_lives
    writer.close()
    staging.close()
    steps = [row.step for name in writer.segments for row in rows_of(target / f"{name}.trl")]
    assert steps == list(range(3_000))
    assert not staging.folder.exists()


def test_memory_is_given_back_once_a_segment_is_on_the_disk_of_the_network_folder(tmp_path: Path, target: Path) -> None:
    staging = stage(tmp_path, target)
    writer = Writer(staging.folder, LIFE, segment_max_bytes=64 * 1024)
    for step in range(3_000):
        writer.append(records.ROW, (step, step, {"loss": float(step)}))
    assert len(staging.segments()) > 2
    staging.copy()
    assert len(staging.segments()) > 2

    staging.sync()

    assert staging.segments() == [writer.segment_id]
    writer.close()


def test_a_folder_that_takes_nothing_for_long_is_a_full_disk_whose_loss_is_counted(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = stage(tmp_path, target)
    monkeypatch.setattr(staging_module, "STAGED_MAX_BYTES", 256 * 1024)
    monkeypatch.setattr(writer_module, "BACKLOG_MAX_BYTES", 64 * 1024)
    monkeypatch.setattr(writer_module, "DISK_RETRY_S", 0.0)
    writer = Writer(staging.folder, LIFE, room=staging.check_room, segment_max_bytes=64 * 1024)
    uploader = Staging.find(staging.folder)
    assert uploader is not None
    assert uploader.take()
    count = 20_000
    for step in range(count):
        writer.append(records.ROW, (step, step, {"loss": float(step)}))
    assert writer.lost_records > 0
    assert writer.disk_error is not None
    assert writer.disk_error.errno == errno.ENOSPC
    assert "has not taken" in str(writer.disk_error)
    staged = sum(path.stat().st_size for path in staging.folder.glob("*.trl"))
    assert staged < 512 * 1024

    uploader.copy()  # the network is back
    uploader.sync()
    writer.append(records.ROW, (count, count, {"loss": 0.0}))
    writer.close()
    uploader.close()

    rows = sum(len(rows_of(path)) for path in target.glob("*.trl"))
    assert rows + gaps_of(target) == count + 1


def test_one_process_at_a_time_copies_and_the_next_may_when_it_is_gone(tmp_path: Path, target: Path) -> None:
    staging = stage(tmp_path, target)
    other = Staging.find(staging.folder)
    assert other is not None

    assert other.take()
    assert not staging.take()
    other.close()

    with pytest.raises(FileNotFoundError):
        staging.take()


def test_a_failed_sync_makes_everything_be_copied_again(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = stage(tmp_path, target)
    writer = Writer(staging.folder, LIFE)
    writer.append(records.ROW, (0, 0, {"loss": 1.0}))
    writer.close()
    staging.copy()
    real = os.fdatasync

    def refuse(fd: int) -> None:
        (target / writer.path.name).write_bytes(b"")  # what the failed sync covered is gone
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    with pytest.raises(OSError, match="Input/output"):
        staging.sync()
    monkeypatch.setattr(os, "fdatasync", real)
    staging.close()

    assert [row.step for row in rows_of(target / writer.path.name)] == [0]


def test_a_copy_that_was_begun_by_another_process_goes_on(tmp_path: Path, target: Path) -> None:
    staging = stage(tmp_path, target)
    writer = Writer(staging.folder, LIFE)
    for step in range(500):
        writer.append(records.ROW, (step, step, {"loss": float(step)}))
    staging.copy()
    for step in range(500, 1_000):
        writer.append(records.ROW, (step, step, {"loss": float(step)}))
    writer.close()

    other = Staging.find(staging.folder)
    assert other is not None
    assert 0 < other.copy() < writer.path.stat().st_size
    other.close()

    assert [row.step for row in rows_of(target / writer.path.name)] == list(range(1_000))


def test_what_a_killed_job_left_in_memory_is_found_when_nobody_writes_it_any_longer(
    tmp_path: Path, target: Path
) -> None:
    root = tmp_path / "shm"
    root.mkdir(mode=0o700)
    text = f"""
import os, signal, sys
from pathlib import Path
from treering.sdk.ranks import process_start_time
from treering.sdk.staging import Staging
from treering.runlog.writer import Writer
staging = Staging.create(Path({str(target)!r}), "0123456789abcdef", Path({str(root)!r}))
pid = os.getpid()
life = {{"run": None, "life_id": "x", "writer": "", "process": {{"pid": pid, "start_time": process_start_time(pid)}}}}
writer = Writer(staging.folder, life)
for step in range(700):
    writer.append(1, (step, step, {{"loss": 1.0}}))
print("written", flush=True)
sys.stdin.readline()
"""
    process = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    assert list(leftovers(root)) == []  # its writer lives
    process.kill()
    process.communicate()

    (found,) = leftovers(root)
    found.close()

    (copy,) = target.glob("*.trl")
    assert [row.step for row in rows_of(copy)] == list(range(700))
    assert list(leftovers(root)) == []
    assert list(root.iterdir()) == []


def test_a_folder_that_others_may_enter_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging_module, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(staging_module.tempfile, "gettempdir", lambda: str(tmp_path))
    root = staging_root()
    assert root is not None
    assert root.stat().st_mode & 0o077 == 0

    root.chmod(0o755)

    assert staging_root() is None


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging_module, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(staging_module.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"treering-staging-{os.getuid()}").symlink_to(tmp_path / "elsewhere")

    assert staging_root() is None


def test_staged_segments_are_small_enough_that_several_wait_in_the_room_there_is() -> None:
    assert STAGED_SEGMENT_BYTES * 4 <= staging_module.STAGED_MAX_BYTES
