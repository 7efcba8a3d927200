"""What a reader makes of segments that were cut, flipped, zeroed, swapped or continued with foreign bytes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from runlog.logs import all_frames, steps_of, write_log
from treering.errors import NewerFormat, NotASegment
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, encode_header
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path, rows=150)


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


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    folder, pipe, device = (tmp_path / f"{digit * 32}.trl" for digit in "012")
    folder.mkdir()
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")

    for path in (folder, pipe, device):
        with pytest.raises(NotASegment, match="not a regular file"):
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


def test_zeros_between_two_frames_are_a_hole_although_their_writer_may_live(tmp_path: Path) -> None:
    """Where the bytes before them belong to a whole frame, zeros look like the room in front of a writer."""
    path = write_log(tmp_path, rows=20)
    with SegmentReader(path) as reader:
        lost = [frame for frame in reader.read() if frame.kind == records.ROW][7]
    data = path.read_bytes()
    path.write_bytes(data[: lost.offset] + bytes(lost.end - lost.offset) + data[lost.end :])

    with SegmentReader(path) as reader:
        steps = []
        while frames := reader.read():
            steps += [records.decode(frame)[0].step for frame in frames if frame.kind == records.ROW]

        assert steps == [step for step in range(20) if step != 7]
        assert [(its.offset, its.length) for its in reader.damage] == [(lost.offset, lost.end - lost.offset)]


@pytest.mark.parametrize("seen_bytes", [0, 20], ids=["zeros", "half a header"])
def test_a_frame_that_is_finished_while_those_behind_it_are_looked_at_is_no_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen_bytes: int
) -> None:
    path = write_log(tmp_path, rows=20)
    data = path.read_bytes()
    with SegmentReader(path) as reader:
        before, late = [frame for frame in reader.read() if frame.kind == records.ROW][6:8]
    real = os.pread

    def pread_of_a_moment_ago(fd: int, length: int, offset: int) -> bytes:
        """One read is a copy from front to back: it may hold an old header and the new frame behind it."""
        monkeypatch.setattr(os, "pread", real)
        old = data[: late.offset + seen_bytes] + bytes(late.end - late.offset - seen_bytes) + data[late.end :]
        return old[offset : offset + length]

    with SegmentReader(path, late.offset, before.chain) as reader:
        monkeypatch.setattr(os, "pread", pread_of_a_moment_ago)
        steps = []
        while frames := reader.read():
            steps += [records.decode(frame)[0].step for frame in frames if frame.kind == records.ROW]

        assert steps == list(range(7, 20))
        assert reader.damage == []


def test_a_payload_in_front_of_its_header_is_waited_for(tmp_path: Path) -> None:
    path = write_log(tmp_path, rows=3)
    with SegmentReader(path) as reader:
        last = [frame for frame in reader.read() if frame.kind == records.ROW][-1]
    data = path.read_bytes()
    path.write_bytes(data[: last.offset] + bytes(FRAME_HEADER_BYTES) + b"T" * 30 + bytes(1000))

    with SegmentReader(path) as reader:
        reader.read()
        assert reader.read() == []
        assert (reader.offset, reader.status) == (last.offset, "clean")
