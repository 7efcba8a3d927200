"""
The tail: points that are in the run log but not yet in a Parquet part, kept decoded.

Points arrive in batches. Enough of them become a chunk, sorted once; a query looks a series up in each chunk by
binary search. Nothing is decoded or sorted again for a query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from .columns import Array, Items, Points, Spans, is_sorted, series_id
from .rollups import spans_of

# Sorting 65,536 rows takes 5 ms, and 16 chunks make a part: a query then does 16 binary searches per series.
CHUNK_POINTS: Final = 65_536


class Mark(NamedTuple):
    """How far a segment has been applied: the offset of the next frame and the chain value that leads to it."""

    offset: int
    chain: int


@dataclass(frozen=True)
class Chunk:
    """Sorted, immutable points."""

    points: Points

    @classmethod
    def of(cls, points: Points) -> Chunk:
        return cls(sort_points(points))

    @cached_property
    def ids(self) -> Array:
        return series_id(self.points.key, self.points.run)

    @cached_property
    def spans(self) -> Spans:
        spans = spans_of(self.points)
        return Spans(**{**spans.columns(), "base": np.full(len(spans), -1, np.int8)})

    def rows(self, wanted: Array) -> Array:
        """Return the positions of the points of the series in *wanted* (sorted ids)."""
        return rows_of(self.ids, wanted)


def sort_points(points: Points) -> Points:
    """Return *points* sorted by key, run, step, and then by their place in the run log."""
    ids = series_id(points.key, points.run)
    order = np.argsort(ids, kind="stable")
    ids, step = ids[order], points.step[order]
    same = ids[1:] == ids[:-1]
    # Writers mostly log rising steps, so that sorting by series alone is enough: a third of the time of a full sort.
    if bool(((step[1:] > step[:-1]) | ~same).all()):
        return points.take(order)
    return points.take(np.lexsort((points.off, points.seg, points.step, points.run, points.key)))


def sort_together(parts: Sequence[Points]) -> Points:
    """
    Return all *parts* as one, sorted as ``sort_points`` does, a column at a time: a million points are 70 MB, and
    joining them before sorting would need that three times.
    """
    ids = np.concatenate([series_id(part.key, part.run) for part in parts])
    step = np.concatenate([part.step for part in parts])
    order = np.argsort(ids, kind="stable")
    ids, step = ids[order], step[order]
    same = ids[1:] == ids[:-1]
    rising = bool(((step[1:] > step[:-1]) | ~same).all())
    del ids, same
    if not rising:
        names = ("off", "seg", "step", "run", "key")
        order = np.lexsort(tuple(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    del step
    return Points(**{name: np.concatenate([getattr(part, name) for part in parts])[order] for name in Points.dtypes})


def rows_of(ids: Array, wanted: Array) -> Array:
    """Return the positions in sorted *ids* of every value in sorted *wanted*."""
    left = np.searchsorted(ids, wanted, "left")
    right = np.searchsorted(ids, wanted, "right")
    return ranges(left, right)


def ranges(left: Array, right: Array) -> Array:
    """Return the concatenation of ``arange(left[i], right[i])``."""
    lengths = right - left
    keep = lengths > 0
    left, lengths = left[keep], lengths[keep]
    if not len(left):
        return np.empty(0, np.int64)
    steps = np.ones(int(lengths.sum()), np.int64)
    steps[0] = left[0]
    at = np.cumsum(lengths)[:-1]
    steps[at] = left[1:] - (left[:-1] + lengths[:-1]) + 1
    return np.cumsum(steps)


@dataclass
class Tail:
    """The tail of one project. Not thread-safe: the metric store holds its lock around every call."""

    begun_s: float = 0.0  # by the monotonic clock
    chunks: list[Chunk] = field(default_factory=list)
    items: list[Items] = field(default_factory=list)
    marks: dict[int, Mark] = field(default_factory=dict)
    points: int = 0
    nbytes: int = 0
    log_bytes: int = 0  # of run log that a crash would have to read again; the first batch of a segment not counted
    _open: list[Points] = field(default_factory=list)
    _open_points: int = 0
    _open_chunk: Chunk | None = None

    def append(self, points: Points, items: Items, marks: Mapping[int, Mark]) -> None:
        for seg, mark in marks.items():
            old = self.marks.get(seg)
            self.log_bytes += max(0, mark.offset - old.offset) if old is not None else 0
            self.marks[seg] = mark
        if len(items):
            self.items.append(items)
            self.nbytes += items.nbytes + sum(len(ref) for ref in items.ref)
        if not len(points):
            return
        self._open.append(points)
        self._open_chunk = None
        self._open_points += len(points)
        self.points += len(points)
        self.nbytes += points.nbytes
        if self._open_points >= CHUNK_POINTS:
            self.chunks.append(Chunk.of(Points.concat(self._open)))
            self._open, self._open_points = [], 0

    def snapshot(self) -> list[Chunk]:
        """Return everything appended so far as sorted chunks; later appends do not change them."""
        if self._open and self._open_chunk is None:
            merged = Points.concat(self._open)
            self._open = [merged]
            self._open_chunk = Chunk.of(merged)
        return [*self.chunks, self._open_chunk] if self._open_chunk is not None else list(self.chunks)


def in_order(points: Points) -> bool:
    """Return whether *points* are sorted by series and step."""
    ids = series_id(points.key, points.run)
    if not is_sorted(ids):
        return False
    same = ids[1:] == ids[:-1]
    return bool(((points.step[1:] >= points.step[:-1]) | ~same).all())
