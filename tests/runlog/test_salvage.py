"""Forks: what a damaged or changed segment still has, as a segment that can be shipped."""

from __future__ import annotations

import os
from pathlib import Path

from runlog.logs import rows_of, steps_of, write_log
from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.runlog.salvage import Fork, find_frame, fork_id, frame_at, read_life
from treering.runlog.shipment import measure


def pread_of(path: Path):
    content = path.read_bytes()
    return lambda length, offset: content[offset : offset + length]


def damaged_log(folder: Path, rows: int = 100) -> tuple[Path, int]:
    """Return a log with a hole of zeros in its middle, and where the hole ends."""
    path = write_log(folder, rows)
    content = bytearray(path.read_bytes())
    begin = len(content) // 2
    content[begin : begin + 300] = bytes(300)
    path.write_bytes(content)
    return path, begin + 300


def fork_of(path: Path, why: str = "hole") -> Fork:
    pread = pread_of(path)
    held = measure(path.stem, pread)
    first = find_frame(path.stem, pread, held.length)
    assert first is not None
    life = read_life(path.stem, pread)
    assert life is not None
    return Fork(path.stem, pread, first, why, life)


def written(fork: Fork, folder: Path) -> Path:
    """Put a fork into a file."""
    path = folder / f"{fork.segment_id}.trl"
    content = b""
    while piece := fork.pread(1_000, len(content)):
        content += piece
    path.write_bytes(content)
    return path


def test_the_rows_behind_a_hole_are_in_the_fork_and_those_before_it_are_not(tmp_path: Path) -> None:
    path, _ = damaged_log(tmp_path)
    whole = steps_of(path)
    fork = written(fork_of(path), tmp_path)
    before = len(path.read_bytes()[: measure(path.stem, pread_of(path)).length])

    behind = steps_of(fork)
    assert behind == [step for step in whole if step >= behind[0]]
    assert 0 < len(behind) < len(whole) < 100
    assert before > 0
    with SegmentReader(fork) as reader:
        while reader.read():
            pass
        assert reader.status == "sealed"


def test_a_fork_says_what_it_is_of_and_belongs_to_the_same_life(tmp_path: Path) -> None:
    path, end = damaged_log(tmp_path)
    fork = fork_of(path)
    life = read_life(fork.segment_id, fork.pread)

    assert life is not None
    assert life["fork_of"] == {"segment": path.stem, "offset": fork.first.offset, "why": "hole"}
    assert life["fork_of"]["offset"] >= end - 300
    assert (life["life_id"], life["writer"]) == ("0123456789abcdef", "")


def test_a_changed_file_goes_on_under_a_life_and_a_label_of_its_own(tmp_path: Path) -> None:
    path, _ = damaged_log(tmp_path)
    fork = fork_of(path, "diverged")
    life = read_life(fork.segment_id, fork.pread)

    assert life is not None
    assert life["life_id"] == fork.segment_id[:16]
    assert life["writer"] == f"main/{fork.segment_id[:6]}"
    assert "meta" not in life


def test_the_same_damage_makes_the_same_fork_however_it_is_read(tmp_path: Path) -> None:
    path, _ = damaged_log(tmp_path)
    one, other = fork_of(path), fork_of(path)
    assert one.segment_id == other.segment_id == fork_id(path.stem, one.first.head.header_crc)
    content = one.pread(1 << 30, 0)
    pieces = [other.pread(7, offset) for offset in range(0, len(content), 7)]

    assert b"".join(pieces) == content
    assert other.pread(50, 10) == content[10:60], "going back begins again"
    assert measure(one.segment_id, one.pread).length == len(content)


def test_the_seal_of_a_fork_is_of_its_own_bytes(tmp_path: Path) -> None:
    path, _ = damaged_log(tmp_path)
    fork = written(fork_of(path), tmp_path)
    content = fork.read_bytes()
    with SegmentReader(fork) as reader:
        frames = reader.read(1 << 30)
    (seal,) = (records.decode(frame)[0] for frame in frames if frame.kind == records.SEAL)

    import hashlib

    assert seal["bytes"] == frames[-1].offset
    assert seal["sha256"] == hashlib.sha256(content[: frames[-1].offset]).hexdigest()


def test_a_fork_grows_with_a_file_that_is_still_written(tmp_path: Path) -> None:
    path, _ = damaged_log(tmp_path)
    content = path.read_bytes()
    fd = os.open(path, os.O_RDONLY)
    short = [len(content) - 400]

    def pread(length: int, offset: int) -> bytes:
        return os.pread(fd, max(min(length, short[0] - offset), 0), offset)

    first = find_frame(path.stem, pread, measure(path.stem, pread).length)
    life = read_life(path.stem, pread)
    assert first is not None
    assert life is not None
    fork = Fork(path.stem, pread, first, "hole", life)
    some = fork.pread(1 << 20, 0)
    short[0] = len(content)
    rest = fork.pread(1 << 20, len(some))
    os.close(fd)

    assert rest
    assert some + rest == fork_of(path).pread(1 << 20, 0)


def test_finding_a_frame_costs_no_more_than_the_bytes_are_worth(tmp_path: Path) -> None:
    path = write_log(tmp_path, 3)
    reads = [0]
    noise = b"TRF\xf2" * 500_000

    def pread(length: int, offset: int) -> bytes:
        reads[0] += 1
        return noise[offset : offset + length]

    assert find_frame(path.stem, pread, 0) is None
    assert reads[0] < 10
    assert frame_at(path.stem, pread_of(path), 48) is not None
    assert len(rows_of(path)) == 3
