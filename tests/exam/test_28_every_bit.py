"""Flipped bits, zeroed and swapped blocks, stale blocks of another run: nothing is invented, little is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from runlog.logs import all_frames, rows_of, steps_of, write_log
from treering.runlog import records
from treering.runlog.frames import HEADER_BYTES
from treering.runlog.reader import SegmentReader


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path, rows=150)


@pytest.mark.parametrize("rows", [24, pytest.param(260, marks=pytest.mark.exam)])
def test_no_flipped_bit_invents_a_record_or_costs_more_than_one(tmp_path: Path, rows: int) -> None:
    path = write_log(tmp_path, rows=rows)
    data = bytearray(path.read_bytes())
    expected = {row.step: row for row in rows_of(path)}
    for bit in range(len(data) * 8):
        data[bit >> 3] ^= 1 << (bit & 7)
        path.write_bytes(data)

        found = rows_of(path)
        assert all(expected[row.step] == row for row in found), bit
        assert len(found) == len({row.step for row in found}) >= len(expected) - 1, bit

        data[bit >> 3] ^= 1 << (bit & 7)


@pytest.mark.parametrize("size", [512, 4096])
def test_a_zeroed_block_is_reported_and_everything_around_it_is_read(log: Path, size: int) -> None:
    data = log.read_bytes()
    expected = rows_of(log)
    with SegmentReader(log) as reader:
        places = [(f.offset, f.end) for f in all_frames(reader) if f.kind == records.ROW]
    for begin in range(0, len(data) - size, size):
        bad = data[:begin] + bytes(size) + data[begin + size :]
        log.write_bytes(bad)

        with SegmentReader(log) as reader:
            found = [r for f in all_frames(reader) if f.kind == records.ROW for r in records.decode(f)]
            damage = reader.damage
        untouched = [row for row, (a, b) in zip(expected, places, strict=True) if bad[a:b] == data[a:b]]
        assert found == untouched, begin
        assert any(hole.offset < begin + size and hole.offset + hole.length > begin for hole in damage), begin


def test_two_swapped_blocks_invent_nothing_and_later_frames_are_kept(log: Path) -> None:
    data = bytearray(log.read_bytes())
    expected = rows_of(log)
    data[1024:1536], data[4096:4608] = data[4096:4608], data[1024:1536]
    log.write_bytes(data)

    with SegmentReader(log) as reader:
        found = [r for f in all_frames(reader) if f.kind == records.ROW for r in records.decode(f)]
    assert reader.damage
    assert all(row in expected for row in found)
    assert len(found) == len({row.step for row in found}) >= len(expected) - 8
    assert expected[-1] in found


def test_stale_frames_of_another_run_behind_the_tail_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    mine = write_log(tmp_path / "a", rows=20)
    other = write_log(tmp_path / "b", rows=40)
    torn = mine.read_bytes()[:-90]  # the seal is gone
    mine.write_bytes(torn + other.read_bytes()[HEADER_BYTES:])

    assert steps_of(mine) == list(range(20))
