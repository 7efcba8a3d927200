"""What a reader makes of segments that were cut, flipped, zeroed, swapped or continued with foreign bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runlog.logs import all_frames, frame_ends, rows_of, steps_of, write_log
from treering.errors import NewerFormat, NotASegment
from treering.runlog import records
from treering.runlog.frames import HEADER_BYTES, encode_header
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path, rows=150)


def test_a_cut_after_any_byte_leaves_exactly_the_whole_frames_before_it(tmp_path: Path) -> None:
    path = write_log(tmp_path, rows=260)
    data = path.read_bytes()
    ends = frame_ends(path)
    assert len(data) > 14_000
    for length in range(HEADER_BYTES, len(data)):
        path.write_bytes(data[:length])

        expected = max((rows for end, rows in ends if end <= length), default=0)
        with SegmentReader(path) as reader:
            rows = sum(frame.kind == records.ROW for frame in all_frames(reader))
            whole = length == HEADER_BYTES or length in {end for end, _ in ends} | {HEADER_BYTES + 84}
            status = reader.status
        assert rows == expected, length
        assert status == ("clean" if whole else "torn"), length


@pytest.mark.parametrize("rows", [40, pytest.param(260, marks=pytest.mark.exam)])
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


def test_a_lost_first_sector_costs_only_itself(log: Path) -> None:
    data = log.read_bytes()
    log.write_bytes(bytes(512) + data[512:])

    found = steps_of(log)
    assert found[-1] == 149
    assert len(found) > 140


def test_a_segment_that_is_renamed_is_still_read_while_its_header_is_whole(log: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.bin"
    shutil.copy(log, copy)

    assert steps_of(copy) == list(range(150))


def test_another_file_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.trl"
    path.write_text("hello")

    with pytest.raises(NotASegment, match=r"notes\.trl"):
        SegmentReader(path)


@pytest.mark.parametrize("change", [{"major": 9}, {"incompat": 4}])
def test_a_newer_format_is_refused_and_says_so(tmp_path: Path, change: dict[str, int]) -> None:
    path = tmp_path / f"{'ab' * 16}.trl"
    path.write_bytes(encode_header("ab" * 16, 0, **change))

    with pytest.raises(NewerFormat, match="Upgrade treering"):
        SegmentReader(path)


def test_a_newer_minor_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / f"{'ab' * 16}.trl"
    path.write_bytes(encode_header("ab" * 16, 0, minor=7))

    with SegmentReader(path) as reader:
        assert reader.read() == []
        assert reader.header.minor == 7


def test_hostile_bytes_cost_a_bounded_amount_of_work(tmp_path: Path) -> None:
    """A tail full of sync marks whose headers claim 16 MiB each must not make the reader check 16 MiB per mark."""
    path = write_log(tmp_path, rows=3)
    with path.open("ab") as file:
        file.write(b"TRF\xf2" * (1 << 20))
    with SegmentReader(path) as reader:
        rows = [r for f in all_frames(reader) if f.kind == records.ROW for r in records.decode(f)]
        assert len(rows) == 3
        assert reader._work <= 5 * path.stat().st_size


def test_a_tail_being_written_is_waited_for_and_then_read(tmp_path: Path) -> None:
    writer = Writer(tmp_path, {"run": {}, "life_id": "a", "writer": ""})
    with SegmentReader(writer.path) as reader:
        reader.read()
        writer.append(records.ROW, (0, 1, {"a": 1.0}))
        whole = writer.path.read_bytes()
        copy = tmp_path / writer.path.name.replace(".trl", ".copy")
        copy.write_bytes(whole[: writer.position - 3])

        assert [f.kind for f in reader.read()] == [records.ROW]
        assert reader.read() == []
        assert reader.status == "clean"
    writer.close()
