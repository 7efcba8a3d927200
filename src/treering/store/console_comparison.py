"""How the output of two runs differs."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from treering.limits import CONSOLE_DIFF_MAX_LINES, DIFF_MAX_BYTES

from .console import ConsoleQuery, read_console
from .line_diff import unified_diff
from .metadata import MetadataStore
from .segments import SegmentStore
from .state import RunState

__all__ = ["ConsoleComparison", "compare_console"]

_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class ConsoleComparison(msgspec.Struct, frozen=True):
    """A unified diff of the lines, without their colours; ``lines`` are how many each run has."""

    diff: str
    cut: bool
    lines: tuple[int, int]


def compare_console(metadata: MetadataStore, segments: SegmentStore, a: RunState, b: RunState) -> ConsoleComparison:
    """Return how the output differs from run *a* to run *b*, of as many lines as are compared, from the first on."""
    sides = [_read(metadata, segments, state) for state in (a, b)]
    diff = unified_diff(sides[0][0], sides[1][0], f"a/{a.run_id}", f"b/{b.run_id}")
    totals = sides[0][1], sides[1][1]
    return ConsoleComparison(diff, any(len(lines) < total for lines, total in sides), totals)


def _read(metadata: MetadataStore, segments: SegmentStore, state: RunState) -> tuple[list[str], int]:
    page = read_console(metadata, segments, state, ConsoleQuery(limit=CONSOLE_DIFF_MAX_LINES))
    lines: list[str] = []
    size = 0
    for line in page.lines:
        text = _COLOUR.sub("", line.text)
        size += len(text)
        if size > DIFF_MAX_BYTES:
            break
        lines.append(text.rstrip("\r\n"))
    return lines, page.total
