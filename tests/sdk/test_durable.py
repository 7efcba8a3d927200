"""What counts as synced when the disk fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from runlog.logs import LIFE, rows_of
from treering.runlog import records
from treering.runlog.writer import Writer
from treering.sdk.durable import DurableSegment


class FlakyDisk:
    """An fdatasync that fails when told to and, like a kernel, forgets what it failed to write."""

    def __init__(self) -> None:
        self.failures = 0
        self.calls = 0

    def fdatasync(self, fd: int) -> None:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, "Input/output error")
        os.fdatasync(fd)


def test_what_is_whole_is_synced_and_no_more(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    segment = DurableSegment(writer.path)
    for step in range(100):
        writer.append(records.ROW, (step, step, {"loss": 1.0}))
        segment.advance()
        assert segment.synced.length == writer.position
    writer.close()

    assert segment.advance().sealed
    assert segment.failure == ""


def test_nothing_new_costs_no_sync(tmp_path: Path) -> None:
    disk = FlakyDisk()
    writer = Writer(tmp_path, LIFE)
    segment = DurableSegment(writer.path, disk.fdatasync)

    for _ in range(5):
        segment.advance()

    assert disk.calls == 1
    writer.close()


def test_after_a_failed_sync_the_bytes_are_written_again_before_they_count(tmp_path: Path) -> None:
    disk = FlakyDisk()
    writer = Writer(tmp_path, LIFE)
    segment = DurableSegment(writer.path, disk.fdatasync)
    before = segment.advance()
    writer.append(records.ROW, (0, 0, {"loss": 1.0}))
    disk.failures = 2

    assert segment.advance() == before  # the second try failed too
    assert segment.failure == f"Input/output error after byte {before.length:,}"
    assert segment.advance().length == writer.position
    assert segment.failure == ""
    writer.close()
    assert [row.step for row in rows_of(writer.path)] == [0]


def test_one_failure_is_mended_at_once(tmp_path: Path) -> None:
    disk = FlakyDisk()
    writer = Writer(tmp_path, LIFE)
    writer.append(records.ROW, (0, 0, {"loss": 1.0}))
    segment = DurableSegment(writer.path, disk.fdatasync)
    disk.failures = 1

    assert segment.advance().length == writer.position
    assert segment.failure == ""
    writer.close()


def test_bytes_that_the_disk_refused_and_lost_never_count_again(tmp_path: Path) -> None:
    disk = FlakyDisk()
    writer = Writer(tmp_path, LIFE, mapped=False)
    segment = DurableSegment(writer.path, disk.fdatasync)
    before = segment.advance()
    writer.append(records.ROW, (0, 0, {"loss": 1.0}))
    disk.failures = 2
    segment.advance()
    assert segment.failure
    fd = os.open(writer.path, os.O_WRONLY)
    os.pwrite(fd, b"\0" * 8, before.length + 40)  # the page came back from the disk as it was before
    os.close(fd)

    assert segment.advance() == before
    writer.append(records.ROW, (1, 1, {"loss": 1.0}))
    assert segment.advance() == before
    assert segment.failure
    writer.close()


def test_a_file_that_is_gone_is_a_failure_in_words(tmp_path: Path) -> None:
    segment = DurableSegment(tmp_path / f"{'a' * 32}.trl")

    segment.advance()

    assert segment.failure == "No such file or directory after byte 0"
