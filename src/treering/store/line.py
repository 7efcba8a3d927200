"""
The line: which of a series' points a chart draws.

Points of one series may come from several lives, attempts and writers. In step order the latest attempt wins per
step; a life that says ``from_step=k`` hides the steps from k on of earlier lives of the same writer. What loses
that way is the ghost. The same step logged again without going back is one point, the last write. Where the main
writer logs a key, points that ranks and forks log of it stand aside: they are in the history only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .columns import Array, Points, Spans, is_sorted, series_id, starts_of
from .tail import in_order, ranges

NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Rewind:
    """Inside a life: from here on, earlier points of this writer with ``step >= from_step`` are hidden."""

    run: int
    writer: int
    order: int
    off: int
    from_step: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """
    The segments of some runs, sorted by ``seg``.

    ``order`` ranks segments as they were written; ``fence`` is the lowest step that a later life of the same writer
    declared as its start, NEVER if none did; ``life`` numbers lives; ``foreign`` says which segments are of a rank or
    a fork and not of the main writer (None: none).
    """

    seg: Array
    order: Array
    life: Array
    fence: Array
    rewinds: tuple[Rewind, ...] = ()
    foreign: Array | None = None

    def _rows(self, seg: Array) -> Array:
        return np.searchsorted(self.seg, seg)

    def order_of(self, seg: Array) -> Array:
        ranks: Array = self.order[self._rows(seg)]
        return ranks

    def life_of(self, seg: Array) -> Array:
        lives: Array = self.life[self._rows(seg)]
        return lives

    @property
    def fences(self) -> bool:
        """Whether anything is hidden anywhere."""
        return bool(self.rewinds) or bool((self.fence != NEVER).any())

    def hidden(self, points: Points) -> Array:
        """Return which points a later life or a rewind hides."""
        hidden: Array = points.step >= self.fence[self._rows(points.seg)]
        for r in self.rewinds:
            order = self.order_of(points.seg)
            before = (order < r.order) | ((order == r.order) & (points.off < r.off))
            hidden |= before & (points.run == r.run) & (points.writer == r.writer) & (points.step >= r.from_step)
        return hidden

    def hidden_from(self, spans: Spans) -> Array:
        """Return per span the lowest step that might be hidden in it."""
        fence: Array = self.fence[self._rows(spans.seg)].copy()
        for r in self.rewinds:
            mine = (spans.run == r.run) & (spans.writer == r.writer) & (self.order_of(spans.seg) <= r.order)
            fence[mine] = np.minimum(fence[mine], r.from_step)
        return fence

    def aside(self, spans: Spans) -> Array:
        """Return which spans are of a rank or fork although the main writer logs their series. All spans are given."""
        if self.foreign is None or not self.foreign.any():
            return np.zeros(len(spans), np.bool_)
        foreign: Array = self.foreign[self._rows(spans.seg)]
        ids = series_id(spans.key, spans.run)
        aside: Array = foreign & np.isin(ids, ids[~foreign])
        return aside


def dirty_steps(spans: Spans, series: Array, lineage: Lineage) -> tuple[Array, Array, Array]:
    """
    Return (series, first step, last step) of intervals outside of which every step belongs to one strand only and
    nothing is hidden or stands aside. *series* numbers the series of each span. There a bucket of a rollup says the
    truth.
    """
    order = np.lexsort((spans.last_step, spans.first_step, series))
    s, first, last = series[order], spans.first_step[order], spans.last_step[order]
    reach = _running_max(s, last)
    over = np.zeros(len(s), np.bool_)
    over[1:] = (s[1:] == s[:-1]) & (first[1:] <= reach[:-1])
    rows = np.flatnonzero(over)
    out_series, out_first = [s[rows]], [first[rows]]
    out_last = [np.minimum(last[rows], reach[rows - 1])]
    if lineage.fences:
        fence = lineage.hidden_from(spans)
        behind = np.flatnonzero(fence <= spans.last_step)
        out_series.append(series[behind])
        out_first.append(np.maximum(fence[behind], spans.first_step[behind]))
        out_last.append(spans.last_step[behind])
    aside = np.flatnonzero(lineage.aside(spans))
    out_series.append(series[aside])
    out_first.append(spans.first_step[aside])
    out_last.append(spans.last_step[aside])
    return np.concatenate(out_series), np.concatenate(out_first), np.concatenate(out_last)


def _running_max(groups: Array, values: Array) -> Array:
    """Return the running maximum of *values* within each group of sorted *groups*."""
    if not len(values):
        return values
    by_value = np.argsort(values, kind="stable")
    rank = np.empty(len(values), np.int64)
    rank[by_value] = np.arange(len(values))
    number = np.cumsum(np.concatenate([[0], groups[1:] != groups[:-1]]).astype(np.int64))
    highest = np.maximum.accumulate(number * len(values) + rank) % len(values)
    found: Array = values[by_value][highest]
    return found


def attempts_of(spans: Spans, lineage: Lineage) -> Array:
    """
    Return per span its attempt counted over all lives of its writer.

    The stored attempt counts within a life; a later life adds one more if it begins below where the former stopped.
    """
    if not len(spans):
        return np.empty(0, np.int64)
    ids = series_id(spans.key, spans.run)
    order = np.lexsort((spans.first_step, spans.attempt, lineage.order_of(spans.seg), spans.writer, ids))
    ids, writer, first, last = ids[order], spans.writer[order], spans.first_step[order], spans.last_step[order]
    same = (ids[1:] == ids[:-1]) & (writer[1:] == writer[:-1])
    back = np.zeros(len(order), np.int64)
    # Two spans of one strand overlap where a correction joins two metrics; a strand never goes back on itself.
    seg, attempt = spans.seg[order], spans.attempt[order]
    other = (seg[1:] != seg[:-1]) | (attempt[1:] != attempt[:-1])
    back[1:] = same & other & (first[1:] < last[:-1])
    total = np.cumsum(back)
    at = starts_of(ids, writer)
    total -= np.repeat(total[at], np.diff(np.append(at, len(order))))
    attempts = np.empty(len(order), np.int64)
    attempts[order] = total
    return attempts


def attempts_of_points(points: Points, spans: Spans, lineage: Lineage) -> Array:
    """Return per point its attempt counted over all lives; *spans* has every span of these points' series."""
    where = np.unique((spans.key.astype(np.int64) << 32) | spans.seg)
    strands = _strands(where, spans)
    order = np.argsort(strands, kind="stable")
    rows = np.searchsorted(strands[order], _strands(where, points))
    found: Array = attempts_of(spans, lineage)[order][np.minimum(rows, len(order) - 1)]
    return found


def _strands(where: Array, table: Points | Spans) -> Array:
    """Return one int64 per row for (key, segment, attempt). A segment belongs to one run, so the run adds nothing."""
    place = np.searchsorted(where, (table.key.astype(np.int64) << 32) | table.seg)
    strands: Array = (place.astype(np.int64) << 32) | table.attempt
    return strands


def draw(points: Points, spans: Spans, lineage: Lineage) -> tuple[Points, Points]:
    """Return (line, ghost) of *points*, both sorted by series and step. All columns of *points* must be filled."""
    aside = lineage.aside(spans)
    if aside.any():
        # A segment has one writer, so (key, segment) decides.
        strands = (spans.key[aside].astype(np.int64) << 32) | spans.seg[aside]
        points = points.take(~np.isin((points.key.astype(np.int64) << 32) | points.seg, strands))
        spans = spans.take(~aside)
    writers = starts_of(*_sorted_pairs(spans))
    several = len(writers) > len(np.unique(series_id(spans.key, spans.run)))
    order_of_seg = lineage.order_of(points.seg)
    ids = series_id(points.key, points.run)
    if several:
        attempt = attempts_of_points(points, spans, lineage)
        order = np.lexsort((points.off, order_of_seg, points.ts, attempt, points.step, ids))
    else:
        order = np.lexsort((points.off, order_of_seg, points.step, ids))
    p = points.take(order)
    hidden = lineage.hidden(p) if lineage.fences else np.zeros(len(p), np.bool_)
    shown = p.take(~hidden)
    last = _last_of_step(shown)
    line = shown.take(last)
    lost = ~last
    if lost.any():
        # Another write of the same strand is merged, not abandoned; another writer's point is not a ghost either.
        group = np.cumsum(np.concatenate([[0], last[:-1].astype(np.int64)]))
        winner = line.take(group)
        same_strand = (lineage.life_of(shown.seg) == lineage.life_of(winner.seg)) & (shown.attempt == winner.attempt)
        lost &= (shown.writer == winner.writer) & ~same_strand
    ghost = Points.concat([p.take(hidden), shown.take(lost)])
    if len(ghost) and not in_order(ghost):
        ghost = ghost.take(np.lexsort((ghost.step, series_id(ghost.key, ghost.run))))
    return line, ghost


def _sorted_pairs(spans: Spans) -> tuple[Array, Array]:
    ids = series_id(spans.key, spans.run)
    order = np.lexsort((spans.writer, ids))
    return ids[order], spans.writer[order]


def draw_simple(points: Points, *, in_stretches: bool = False) -> Points:
    """
    Return the line of series in which no two strands meet and nothing is hidden; only run, key and step are used.

    *in_stretches*: the caller does not mind if the parts of a series do not stand together, each part in order.
    """
    if len(points) < 2:
        return points
    same = (points.run[1:] == points.run[:-1]) & (points.key[1:] == points.key[:-1])
    rises = points.step[1:] > points.step[:-1]
    if bool((rises | ~same).all()):
        if in_stretches:
            return points
        heads = np.flatnonzero(~same) + 1
        ids = series_id(points.key[heads], points.run[heads])
        if is_sorted(ids) and (not len(ids) or series_id(points.key[:1], points.run[:1])[0] < ids[0]):
            return points  # one part's rows, as they nearly always are
        begin = np.concatenate([[0], heads])
        ids = series_id(points.key[begin], points.run[begin])
        order = np.argsort(ids, kind="stable")
        if bool((ids[order][1:] != ids[order][:-1]).all()):  # each series in one part: only the stretches move
            end = np.append(heads, len(points))
            return points.take(ranges(begin[order], end[order]))
    if not in_order(points):
        points = points.take(np.lexsort((points.step, series_id(points.key, points.run))))
    last = _last_of_step(points)
    return points if bool(last.all()) else points.take(last)


def _last_of_step(points: Points) -> Array:
    last = np.ones(len(points), np.bool_)
    last[:-1] = (
        (points.step[1:] != points.step[:-1])
        | (points.run[1:] != points.run[:-1])
        | (points.key[1:] != points.key[:-1])
    )
    return last
