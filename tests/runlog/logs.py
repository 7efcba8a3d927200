"""Small run logs for the tests of the run log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer

LIFE: dict[str, Any] = {
    "run": {"entity": "ada", "project": "digits", "id": "r1", "key": "a" * 26},
    "life_id": "0123456789abcdef",
    "writer": "",
    "process": {"host": "box", "pid": 1},
    "meta": {"name": "amber-heron"},
}


def write_log(folder: Path, rows: int, **options: Any) -> Path:
    """Write a sealed log of *rows* rows ``{"loss": i}`` and return its only segment."""
    writer = Writer(folder, LIFE, **options)
    for step in range(rows):
        writer.append(records.ROW, (step, 1_000 + step, {"loss": float(step)}))
    writer.close()
    assert len(writer.segments) == 1
    return writer.path


def steps_of(path: Path) -> list[int]:
    """Return the steps of all readable rows."""
    return [row.step for row in rows_of(path)]


def rows_of(path: Path) -> list[Any]:
    """Return all readable rows of a segment whose writer is gone."""
    with SegmentReader(path) as reader:
        return [record for frame in all_frames(reader) if frame.kind == records.ROW for record in records.decode(frame)]


def all_frames(reader: SegmentReader) -> list[Any]:
    """Read to the end."""
    frames = []
    while more := reader.read(whole=True):
        frames.extend(more)
    return frames


def frame_ends(path: Path) -> list[tuple[int, int]]:
    """Return (end offset, rows up to there) after each frame, the file header first."""
    ends, rows = [], 0
    with SegmentReader(path) as reader:
        for frame in all_frames(reader):
            rows += frame.kind == records.ROW
            ends.append((frame.end, rows))
    return ends
