"""What every SegmentStore promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from treering.errors import NotASegment, SegmentNotFound
from treering.ids import run_key
from treering.runlog import records
from treering.store.segments import LEDGER, FileSegments, SegmentRef, SegmentStore

KEY = run_key("ada", "digits", "r")


@pytest.fixture(params=["files"])
def segments(request: pytest.FixtureRequest, tmp_path: Path) -> SegmentStore:
    return {"files": lambda: FileSegments(tmp_path)}[request.param]()


def test_what_a_writer_appends_is_read_in_order(segments: SegmentStore):
    writer = segments.writer(KEY, {"life_id": "a", "writer": "server"})
    for step in range(3):
        writer.append(records.ROW, [step, 0, {}])
    ref = SegmentRef(KEY, writer.segment_id)

    with segments.open(ref) as reader:
        kinds = [frame.kind for frame in reader.read()]
        offset, chain = reader.offset, reader.chain
    writer.append(records.ROW, [3, 0, {}])
    with segments.open(ref, offset, chain) as reader:
        more = reader.read()

    assert kinds == [records.LIFE, records.ROW, records.ROW, records.ROW]
    assert [records.decode(frame)[0].step for frame in more] == [3]
    assert not reader.damage


def test_runs_and_their_segments_are_listed(segments: SegmentStore):
    first, second = (segments.writer(KEY, {"life_id": str(i)}) for i in range(2))
    segments.writer(LEDGER, {"life_id": "l"})

    assert list(segments.runs()) == [KEY]
    assert {ref.segment for ref in segments.segments(KEY)} == {first.segment_id, second.segment_id}
    assert len(segments.segments(LEDGER)) == 1
    assert segments.segments("b" * 26) == []


def test_bytes_beyond_the_end_are_none(segments: SegmentStore):
    writer = segments.writer(KEY, {"life_id": "a"})
    writer.close()
    ref = SegmentRef(KEY, writer.segment_id)
    size = segments.size(ref)

    assert len(segments.pread(ref, size + 100, 0)) == size
    assert segments.pread(ref, 4, size) == b""


def test_a_segment_that_is_not_there_is_said_so(segments: SegmentStore):
    ref = SegmentRef(KEY, "0" * 32)

    assert segments.pread(ref, 4, 0) == b""
    with pytest.raises(SegmentNotFound):
        segments.size(ref)
    with pytest.raises(SegmentNotFound):
        segments.open(ref)


def test_other_files_and_folders_are_not_segments(tmp_path: Path):
    segments = FileSegments(tmp_path)
    folder = tmp_path / "runs" / KEY
    folder.mkdir(parents=True)
    (tmp_path / "runs" / "not a run").mkdir()
    (folder / "notes.txt").write_text("x")
    (folder / ("x" * 32 + ".trl")).write_text("x")
    (folder / ("0" * 32 + ".trl")).write_bytes(b"GIF89a" + bytes(100))

    assert list(segments.runs()) == [KEY]
    (ref,) = segments.segments(KEY)
    with pytest.raises(NotASegment):
        segments.open(ref)
