"""
Console output, read from the run log.

The index keeps only where pages of lines stand. Lines of several writers are merged by time: pages whose times do
not overlap those of others are skipped by their count, the rest is read and sorted.
"""

from __future__ import annotations

import msgspec

from treering.errors import TreeringError
from treering.runlog import records

from .metadata import MetadataStore
from .model import ConsoleLine, ConsolePage
from .segments import SegmentRef, SegmentStore
from .state import ConsoleSpan, RunState

_decode = msgspec.msgpack.Decoder().decode

Line = tuple[int, int, int, str, str]  # time, place of the segment, offset, stream, text


def read_console(
    metadata: MetadataStore, segments: SegmentStore, state: RunState, offset: int, limit: int
) -> ConsolePage:
    """Return lines *offset* … in time order. Damaged pages count with the lines that can be read."""
    names = {s.id: (place, s.segment) for place, s in enumerate(metadata.segments(state.id))}
    spans = [span for span in metadata.console(state.id) if span.segment_id in names]
    lines: list[ConsoleLine] = []
    before = 0
    for cluster in _clusters(spans):
        size = sum(span.lines for span in cluster)
        if before + size <= offset:
            before += size
            continue
        found: list[Line] = []
        for span in cluster:
            place, name = names[span.segment_id]
            found += _read(segments, SegmentRef(state.run_key, name), place, span)
        found.sort()
        for time_ns, _, _, stream, text in found[max(0, offset - before) :]:
            lines.append(ConsoleLine(time_ns / 1e9, stream, text))
            if len(lines) >= limit:
                return ConsolePage(lines, offset + len(lines))
        before += size
    return ConsolePage(lines, offset + len(lines))


def _clusters(spans: list[ConsoleSpan]) -> list[list[ConsoleSpan]]:
    """Group pages (sorted by first time) whose times overlap."""
    clusters: list[list[ConsoleSpan]] = []
    until = 0
    for span in spans:
        if clusters and span.first_us <= until:
            clusters[-1].append(span)
        else:
            clusters.append([span])
        until = max(until, span.last_us)
    return clusters


def _read(segments: SegmentStore, ref: SegmentRef, place: int, span: ConsoleSpan) -> list[Line]:
    found: list[Line] = []
    try:
        with segments.open(ref, span.offset, 0) as reader:
            while reader.offset < span.end_offset:
                frames = reader.read(min(1 << 20, span.end_offset - reader.offset))
                if not frames:
                    break
                for frame in frames:
                    if frame.kind == records.CONSOLE and span.offset <= frame.offset < span.end_offset:
                        values = [_decode(records.inflate(frame))] if frame.nrec == 1 else records.decode(frame)
                        found += [(int(v[0]), place, frame.offset, str(v[1]), str(v[2])) for v in values]
    except (TreeringError, OSError, msgspec.DecodeError, TypeError, ValueError, IndexError):
        return found
    return found
