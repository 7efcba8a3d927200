"""A segment that is cut after any byte: exactly the whole frames before the cut, and never an exception."""

from __future__ import annotations

import bisect
import os
from pathlib import Path

from runlog.logs import LIFE, all_frames, frame_ends, steps_of, write_log
from treering.runlog import records
from treering.runlog.frames import HEADER_BYTES
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer


def test_a_cut_after_any_byte_leaves_exactly_the_whole_frames_before_it(tmp_path: Path) -> None:
    path = write_log(tmp_path, rows=260)
    data = path.read_bytes()
    ends = frame_ends(path)
    offsets = [end for end, _ in ends]
    clean = {HEADER_BYTES, HEADER_BYTES + 84, *offsets}
    assert len(data) > 14_000
    for length in reversed(range(HEADER_BYTES, len(data))):
        os.truncate(path, length)

        before = bisect.bisect_right(offsets, length)
        expected = ends[before - 1][1] if before else 0
        with SegmentReader(path) as reader:
            rows = sum(frame.kind == records.ROW for frame in all_frames(reader))
            status = reader.status
        assert rows == expected, length
        assert status == ("clean" if length in clean else "torn"), length


def test_the_next_life_opens_a_file_of_its_own(tmp_path: Path) -> None:
    torn = write_log(tmp_path, rows=10)
    torn.write_bytes(torn.read_bytes()[:-100])
    before = torn.read_bytes()
    writer = Writer(tmp_path, LIFE)
    writer.append(records.ROW, (10, 1, {"loss": 1.0}))
    writer.close()

    assert torn.read_bytes() == before
    assert writer.path != torn
    assert steps_of(writer.path) == [10]
