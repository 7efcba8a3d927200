"""What the processes of a job printed, in one stream by time."""

from __future__ import annotations

import time

import msgspec

from treering.errors import InvalidValue
from treering.limits import CONSOLE_MAX_LINES, CONSOLE_SEARCH_S

from .console import LineSource, numbered_lines
from .metadata import MetadataStore
from .processes import Job
from .segments import SegmentRef, SegmentStore

__all__ = ["ProcessConsole", "ProcessConsoleQuery", "ProcessLine", "read_process_console"]


class ProcessConsoleQuery(msgspec.Struct, frozen=True):
    """
    At most *limit* lines from number *offset* on, or the last ones below number *before*, which may be beyond the end.

    Lines are numbered over the processes that are asked for. ``search`` is a piece of a line, whatever its case.
    """

    offset: int = 0
    limit: int = 1_000
    search: str = ""
    before: int | None = None


class ProcessLine(msgspec.Struct, frozen=True):
    """A finished line; ``n`` is its number. ``time`` is unix seconds by the clock of its process."""

    time: float
    stream: str
    text: str
    process: str
    run_key: str
    writer: str
    rank: int
    n: int


class ProcessConsole(msgspec.Struct, frozen=True):
    """Lines in time order; ``next`` is the offset to ask for next, ``total`` how many lines there are."""

    lines: list[ProcessLine]
    next: int
    total: int


def read_process_console(
    metadata: MetadataStore, segments: SegmentStore, job: Job, query: ProcessConsoleQuery
) -> ProcessConsole:
    """
    Return lines of a job's processes. A search that takes long stops with what it has found; ``next`` says where.

    Raises:
        InvalidValue: ``offset``, ``before`` or ``limit`` that cannot be.
    """
    if query.offset < 0 or not 1 <= query.limit <= CONSOLE_MAX_LINES or (query.before or 0) < 0:
        raise InvalidValue(
            f"offset and before must be at least 0 and limit 1 to {CONSOLE_MAX_LINES:,}; "
            f"got {query.offset}, {query.before} and {query.limit}."
        )
    sources: dict[int, LineSource] = {}
    for number, member in enumerate(job.members):
        for segment in member.segments:
            if segment.writer == member.label:
                ref = SegmentRef(member.state.run_key, segment.segment)
                sources[segment.id] = LineSource(len(sources), ref, str(number))
    spans = [span for run in job.states for span in metadata.console(run) if span.segment_id in sources]
    spans.sort(key=lambda span: (span.first_us, span.segment_id, span.offset))
    total = sum(span.lines for span in spans)
    offset, until = query.offset, total
    if query.before is not None:
        until = min(query.before, total)
        offset = max(0, until - query.limit)
    search = query.search.casefold()
    lines: list[ProcessLine] = []
    following = offset
    stop_at = time.monotonic() + CONSOLE_SEARCH_S
    for number, line in numbered_lines(segments, spans, sources, offset):
        if number >= until:
            break
        following = number + 1
        if not search or search in line[4].casefold():
            member = job.members[int(line[5])]
            lines.append(
                ProcessLine(
                    line[0] / 1e9,
                    line[3],
                    line[4],
                    member.id,
                    member.state.run_key,
                    member.label,
                    member.rank,
                    number,
                )
            )
            if len(lines) >= query.limit:
                break
        if time.monotonic() > stop_at:
            break
    return ProcessConsole(lines, following, total)
