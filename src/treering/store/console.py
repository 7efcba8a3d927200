"""
Console output, read from the run log.

The index keeps only where pages of lines stand. Lines of several writers are merged by time: pages whose times do
not overlap those of others are skipped by their count, the rest is read and sorted. What is not finished, such as a
progress bar, is no line: the run's document has its present state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from treering.errors import TreeringError
from treering.limits import CONSOLE_SEARCH_S
from treering.runlog import records

from .metadata import MetadataStore
from .model import ConsoleLine, ConsolePage, OpenLine
from .processes import rank_of_writer
from .segments import SegmentRef, SegmentStore
from .state import ConsoleSpan, RunState, stream_of

__all__ = ["ConsoleQuery", "Line", "LineSource", "numbered_lines", "read_console"]

_decode: Final = msgspec.msgpack.Decoder().decode

Line = tuple[int, int, int, str, str, str]  # time, place of the segment, offset, stream, text, whose


class LineSource(NamedTuple):
    """A segment with lines: its place among the others, the file, and whose lines they are."""

    place: int
    ref: SegmentRef
    whose: str


class ConsoleQuery(NamedTuple):
    """
    Which lines are wanted: at most *limit*, from the line numbered *offset* on.

    ``search`` is a piece of a line, whatever its case; ``writer`` and ``stream`` are exact, None for all.
    """

    offset: int = 0
    limit: int = 1_000
    search: str = ""
    writer: str | None = None
    stream: str | None = None

    def takes(self, line: Line) -> bool:
        """Return whether a line is wanted."""
        if self.writer is not None and line[5] != self.writer:
            return False
        if self.stream is not None and line[3] != self.stream:
            return False
        return not self.search or self.search in line[4].casefold()


def read_console(metadata: MetadataStore, segments: SegmentStore, state: RunState, query: ConsoleQuery) -> ConsolePage:
    """
    Return lines in time order, each with its number. Damaged pages count with the lines that can be read.

    A search that takes long stops with what it has found; ``next`` says where to go on.
    """
    query = query._replace(search=query.search.casefold())
    known = metadata.segments(state.id)
    sources = {s.id: LineSource(place, SegmentRef(state.run_key, s.segment), s.writer) for place, s in enumerate(known)}
    ranks = {s.writer: rank_of_writer(state, s.writer) for s in known}
    spans = [span for span in metadata.console(state.id) if span.segment_id in sources]
    total = sum(span.lines for span in spans)
    lines: list[ConsoleLine] = []
    following = query.offset
    until = time.monotonic() + CONSOLE_SEARCH_S
    for number, line in numbered_lines(segments, spans, sources, query.offset):
        following = number + 1
        if query.takes(line):
            lines.append(ConsoleLine(line[0] / 1e9, line[3], line[4], line[5], number, ranks.get(line[5])))
            if len(lines) >= query.limit:
                break
        if time.monotonic() > until:
            break
    unfinished = [
        OpenLine(time_ns / 1e9, stream, text, writer, rank_of_writer(state, writer))
        for (writer, stream), (time_ns, text) in _open(state).items()
    ]
    return ConsolePage(lines, following, total, unfinished)


def _open(state: RunState) -> dict[tuple[str, str], tuple[int, str]]:
    found = {}
    for name, value in state.open_lines.items():
        writer, _, stream = name.rpartition("/")
        found[writer, stream] = value
    return found


def numbered_lines(
    segments: SegmentStore, spans: list[ConsoleSpan], sources: Mapping[int, LineSource], offset: int
) -> Iterator[tuple[int, Line]]:
    """Yield the lines of pages (sorted by their first time), each with its number, from number *offset* on."""
    before = 0
    for cluster in _clusters(spans):
        size = sum(span.lines for span in cluster)
        if before + size > offset:
            found: list[Line] = []
            for span in cluster:
                found += _read(segments, sources[span.segment_id], span)
            found.sort()
            skip = max(0, offset - before)
            yield from enumerate(found[skip:], before + skip)
        before += size


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


def _read(segments: SegmentStore, source: LineSource, span: ConsoleSpan) -> list[Line]:
    place, ref, whose = source
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
                        found += [
                            (int(v[0]), place, frame.offset, stream_of(v[1]), str(v[2]), whose)
                            for v in values
                            if len(v) < 4 or not v[3]
                        ]
    except (TreeringError, OSError, msgspec.DecodeError, TypeError, ValueError, IndexError):
        return found
    return found
