"""
Series for charts: at most as many buckets as pixels, each with the lowest and highest value of all its points.

A query plans on spans (which strand covers which steps, in memory), reads the coarsest rollups that still fit into
the chart's buckets, and reads points only where rollups cannot answer: at the edges of the range, where several
strands meet, and in parts and tails that have none. So its cost follows the pixels and not the points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .cells import Cells, cells_of_points, cells_of_rollups, combine
from .columns import Array, Points, Spans, ints, rows_in, series_id, starts_of
from .line import Lineage, dirty_steps, draw, draw_simple
from .metrics import MetricView
from .rollups import finest_shift

# Raw points in memory at once: 40 bytes each.
BATCH_POINTS: Final = 2_000_000
# Reading so many points takes about as long as a request should.
RAW_POINTS: Final = 1_000_000
FAR: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What is asked of every series: bounds (inclusive) and the number of buckets.

    ``axis`` is ``step`` or ``time``; bounds and grids of the time axis are microseconds of unix time, ``origin`` per
    series shifts them (the run's start for relative time, else 0).
    """

    axis: str
    low: float | None
    high: float | None
    buckets: int


@dataclass(slots=True)
class Drawn:
    """One line before it is given its x values: rows of ``cells`` (or of ``points`` when exact)."""

    key: int
    run: int
    exact: bool
    total: int
    total_all: int
    points: Points | None
    cells: Cells | None
    ghost: Points | None


@dataclass(slots=True)
class _Plan:
    """The series of one query, sorted by (key, run), and per series its bounds and grid. Arrays are per series."""

    ids: Array
    key: Array
    run: Array
    spans: Spans
    series: Array  # of each span
    part: Array  # of each span
    total_all: Array
    low: Array  # inclusive bounds on the axis, in integers
    high: Array
    origin: Array  # where the first bucket begins
    width: Array  # of a bucket, on the axis
    shift: Array  # coarsest rollup level that nests in the buckets; -1: none does
    dirty: Array  # series with steps that more than one strand covers, or hidden ones


def read_lines(
    view: MetricView, keys: Array, runs: Array, lineage: Lineage, frame: Frame, starts_us: Array
) -> list[Drawn]:
    """
    Return the lines of *keys* × *runs* that have any point, sorted by (key, run).

    *starts_us* has the start of each of *runs* for relative time, or zeros.
    """
    plan = _plan(view, keys, runs, lineage, frame, starts_us)
    lines: list[Drawn] = []
    for batch in _batches(plan):
        lines += _read(view, plan, batch, lineage, frame)
    return lines


# ── the plan ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _plan(view: MetricView, keys: Array, runs: Array, lineage: Lineage, frame: Frame, starts_us: Array) -> _Plan:
    spans, part = view.spans(keys, runs)
    ids, series = np.unique(series_id(spans.key, spans.run), return_inverse=True)
    count = len(ids)
    key, run = (ids >> 32).astype(np.int32), (ids & 0xFFFFFFFF).astype(np.int32)
    total = np.zeros(count, np.int64)
    np.add.at(total, series, spans.n)
    first, last = _extent(series, spans.first_step, spans.last_step, count)
    # Of the whole series, not of its parts: the same points have the same grid however they are stored.
    base = finest_shift(total, last - first + 1)
    start = starts_us[np.searchsorted(runs, run)] if count else np.empty(0, np.int64)
    if frame.axis == "step":
        low, high = _bounds(frame, 1.0, first, last, np.zeros(count, np.int64))
        grid_low, grid_high = _per_key(key, np.maximum(low, first), np.minimum(high, last))
        shift, width, origin = _step_grid(grid_low, grid_high, frame.buckets, _per_key(key, base, base)[1], total)
    else:
        since, until = _extent(series, spans.min_ts, spans.max_ts, count)
        low, high = _bounds(frame, 1e6, since, until, start)
        offset_low, offset_high = _per_key(key, np.maximum(low, since) - start, np.minimum(high, until) - start)
        width = np.maximum(1, -(-(offset_high - offset_low + 1) // frame.buckets))
        origin = start + offset_low
        steps_per_us = (last - first + 1) / np.maximum(until - since, 1)
        octave = np.floor(np.log2(np.maximum(steps_per_us * width, 0.25))).astype(np.int64)
        shift = _shift(octave, base, total)
    dirty_series, _, _ = dirty_steps(spans, series, lineage)
    return _Plan(ids, key, run, spans, series, part, total, low, high, origin, width, shift, np.unique(dirty_series))


def _extent(series: Array, low: Array, high: Array, count: int) -> tuple[Array, Array]:
    lowest = np.full(count, FAR, np.int64)
    highest = np.full(count, -FAR, np.int64)
    np.minimum.at(lowest, series, low)
    np.maximum.at(highest, series, high)
    return lowest, highest


def _bounds(frame: Frame, unit: float, first: Array, last: Array, start: Array) -> tuple[Array, Array]:
    """Return the asked range in integers of the axis per series; the whole series where none is asked."""
    low = first if frame.low is None else _whole(np.ceil(frame.low * unit)) + start
    high = last if frame.high is None else _whole(np.floor(frame.high * unit)) + start
    return np.broadcast_to(low, first.shape), np.broadcast_to(high, last.shape)


def _whole(value: float) -> np.int64:
    return np.int64(min(max(value, -float(FAR)), float(FAR)))


def _per_key(key: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Return the common extent of all series of a key, so that the lines of one chart share their buckets."""
    at = starts_of(key)
    if not len(at):
        return low, high
    lengths = np.diff(np.append(at, len(key)))
    lowest = np.repeat(np.minimum.reduceat(low, at), lengths)
    highest = np.repeat(np.maximum.reduceat(high, at), lengths)
    return lowest, np.maximum(highest, lowest)


def _step_grid(low: Array, high: Array, buckets: int, base: Array, total: Array) -> tuple[Array, Array, Array]:
    """
    Return (shift, width, origin): buckets of *width* steps whose edges are multiples of ``2**shift``, so that rollups
    up to *shift* nest in them exactly; at most *buckets* of them, and at least 4/5 of that where steps allow (half
    where ``_shift`` makes it coarse).
    """
    ideal = (high - low + 1) / buckets
    octave = np.where(ideal > 1, np.floor(np.log2(np.maximum(ideal, 1.0))), -1).astype(np.int64)
    shift = _shift(octave, base, total)
    unit = np.int64(1) << np.maximum(shift, 0)
    origin = (low // unit) * unit
    per_bucket = -(-(high - origin + 1) // buckets)
    width = np.maximum(1, -(-per_bucket // unit) * unit)
    return shift, width, origin


def _shift(octave: Array, base: Array, total: Array) -> Array:
    """
    Return the level whose blocks are a quarter to an eighth of a bucket of about ``2**octave`` steps.

    Where that is finer than the finest rollups (*base*) and there are too many points to read, it is made as coarse
    as they are if a bucket still holds a block: 1,000 runs then cost 0.2 s and not 1 s.
    """
    shift = np.maximum(octave - 2, -1)
    coarse = (shift < base) & (base <= octave)
    return np.where(coarse, base, shift) if int(total[coarse].sum()) > RAW_POINTS else shift


def _batches(plan: _Plan) -> list[Array]:
    """Split the series so that no batch can have to read more points than fit into memory."""
    if not len(plan.ids):
        return []
    raw = np.zeros(len(plan.ids), np.int64)
    unrolled = (plan.spans.base < 0) | (plan.spans.base > plan.shift[plan.series])
    np.add.at(raw, plan.series, np.where(unrolled, plan.spans.n, plan.spans.n >> 6))
    raw[plan.dirty] = plan.total_all[plan.dirty]
    return np.split(np.arange(len(raw)), starts_of(np.cumsum(raw) // BATCH_POINTS)[1:])


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _read(view: MetricView, plan: _Plan, batch: Array, lineage: Lineage, frame: Frame) -> list[Drawn]:
    mine = np.isin(plan.series, batch)
    spans, series, part = plan.spans.take(mine), plan.series[mine], plan.part[mine]
    few = batch[_most(plan, spans, series, batch, frame) <= frame.buckets]
    exact = _exact(view, plan, few, spans, series, lineage, frame)
    many = np.setdiff1d(batch, few)
    drawn, sparse = _bucketed(view, plan, many, spans, series, part, lineage, frame)
    if len(sparse):  # dense elsewhere, but few points in this range
        exact += _exact(view, plan, sparse, spans, series, lineage, frame)
    return sorted(exact + drawn, key=lambda line: (line.key, line.run))


def _most(plan: _Plan, spans: Spans, series: Array, batch: Array, frame: Frame) -> Array:
    """Return an upper bound of the points in range per series of *batch*."""
    if frame.axis == "step":
        inside = (spans.last_step >= plan.low[series]) & (spans.first_step <= plan.high[series])
    else:
        inside = (spans.max_ts >= plan.low[series]) & (spans.min_ts <= plan.high[series])
    most = np.zeros(len(plan.ids), np.int64)
    np.add.at(most, series, np.where(inside, spans.n, 0))
    if frame.axis == "step":
        most = np.minimum(most, plan.high - plan.low + 1)  # a line has one point a step
    return most[batch]


def _exact(
    view: MetricView, plan: _Plan, wanted: Array, spans: Spans, series: Array, lineage: Lineage, frame: Frame
) -> list[Drawn]:
    if not len(wanted):
        return []
    line, ghost = _points(view, plan, wanted, spans, series, lineage, frame)
    bounds = _split(line, plan.ids[wanted])
    ghosts = _split(ghost, plan.ids[wanted])
    return [
        Drawn(
            int(plan.key[s]),
            int(plan.run[s]),
            True,
            stop - start,
            int(plan.total_all[s]),
            line.take(slice(start, stop)),
            None,
            ghost.take(slice(*ghosts[n])) if ghosts[n][1] > ghosts[n][0] else None,
        )
        for n, (s, (start, stop)) in enumerate(zip(wanted.tolist(), bounds, strict=True))
    ]


def _split(points: Points, ids: Array) -> list[tuple[int, int]]:
    mine = series_id(points.key, points.run)
    left, right = np.searchsorted(mine, ids, "left"), np.searchsorted(mine, ids, "right")
    return list(zip(left.tolist(), right.tolist(), strict=True))


def _points(
    view: MetricView,
    plan: _Plan,
    wanted: Array,
    spans: Spans,
    series: Array,
    lineage: Lineage,
    frame: Frame,
    steps: tuple[int, int] | None = None,
    *,
    in_stretches: bool = False,
) -> tuple[Points, Points]:
    """Return (line, ghost) of the series *wanted* within the range and *steps*; see ``draw_simple`` for the order."""
    dirty = np.isin(wanted, plan.dirty)
    found: list[Points] = []
    ghosts: list[Points] = []
    for some, is_dirty in ((wanted[~dirty], False), (wanted[dirty], True)):
        if not len(some):
            continue
        if is_dirty:
            line, ghost = _contested(view, plan, some, spans.take(np.isin(series, some)), lineage, frame, steps)
            ghosts.append(ghost)
        else:
            points = _read_points(view, plan, some, frame, None, steps)
            line = draw_simple(points, in_stretches=in_stretches)
        found.append(line)
    line = Points.concat(found)
    if len(found) > 1 and not in_stretches:
        line = line.take(np.argsort(series_id(line.key, line.run), kind="stable"))
    return line, Points.concat(ghosts)


def _contested(
    view: MetricView,
    plan: _Plan,
    some: Array,
    spans: Spans,
    lineage: Lineage,
    frame: Frame,
    steps: tuple[int, int] | None,
) -> tuple[Points, Points]:
    """
    Return (line, ghost) of series in which strands meet.

    On the time axis what replaces a point may lie outside of the range: all points of the steps in range are read.
    """
    if frame.axis == "time":
        inside = _read_points(view, plan, some, frame, None, steps)
        if not len(inside):
            return Points.empty(), Points.empty()
        steps = (int(inside.step.min()), int(inside.step.max()))
    else:
        low, high = int(plan.low[some].min()), int(plan.high[some].max())
        steps = (low, high) if steps is None else (max(low, steps[0]), min(high, steps[1]))
    parts = _parts_within(plan, some, steps, None)
    points = view.points(ints(plan.key[some]), ints(plan.run[some]), parts=parts, steps=steps)
    points = points.take(rows_in(plan.ids[some], points.key, points.run) >= 0)
    line, ghost = draw(points, spans, lineage)
    return _in_range(plan, some, line, frame), _in_range(plan, some, ghost, frame)


def _in_range(plan: _Plan, some: Array, points: Points, frame: Frame) -> Points:
    row = rows_in(plan.ids[some], points.key, points.run)
    at = points.step if frame.axis == "step" else points.ts
    keep = (at >= plan.low[some][row]) & (at <= plan.high[some][row])
    return points if bool(keep.all()) else points.take(keep)


def _read_points(
    view: MetricView,
    plan: _Plan,
    some: Array,
    frame: Frame,
    parts: set[int] | None,
    steps: tuple[int, int] | None,
) -> Points:
    """Return the points of *some* series within the range; what only contested series need is not read."""
    columns = ["run", "key", "step", "val", "lo", "hi"] if frame.axis == "time" else ["run", "key", "step", "val"]
    if frame.axis == "time":
        columns.append("ts")
    low, high = int(plan.low[some].min()), int(plan.high[some].max())
    times = (low, high) if frame.axis == "time" else None
    if frame.axis == "step":
        steps = (low, high) if steps is None else (max(low, steps[0]), min(high, steps[1]))
    points = view.points(
        ints(plan.key[some]),
        ints(plan.run[some]),
        parts=_parts_within(plan, some, steps, times) if parts is None else parts,
        steps=steps,
        times=times,
        columns=columns,
    )
    row = rows_in(plan.ids[some], points.key, points.run)
    keep = row >= 0
    asked = frame.low is not None or frame.high is not None
    if asked and bool((plan.low[some] != low).any() or (plan.high[some] != high).any()):
        at = points.step if frame.axis == "step" else points.ts
        keep &= (at >= plan.low[some][row]) & (at <= plan.high[some][row])
    points = points if bool(keep.all()) else points.take(keep)
    if frame.axis == "time" and frame.high is not None and len(points):
        return _without_replaced(view, plan, some, points)
    return points


def _parts_within(plan: _Plan, some: Array, steps: tuple[int, int] | None, times: tuple[int, int] | None) -> set[int]:
    """
    Return the parts that hold points of *some* series within the bounds.

    Who pans over the beginning of long runs then reads what was written at their beginning, and not everything since.
    """
    spans = plan.spans
    inside = np.isin(plan.series, some)
    if steps is not None:
        inside &= (spans.last_step >= steps[0]) & (spans.first_step <= steps[1])
    if times is not None:
        inside &= (spans.max_ts >= times[0]) & (spans.min_ts <= times[1])
    return set(np.unique(plan.part[inside]).tolist())


def _without_replaced(view: MetricView, plan: _Plan, some: Array, points: Points) -> Points:
    """Drop points at the end of a time range whose step was logged again after it: there the later value is drawn."""
    row = rows_in(plan.ids[some], points.key, points.run)
    newest = np.full(len(some), -FAR, np.int64)
    np.maximum.at(newest, row, points.step)
    seen = newest[newest > -FAR]
    steps = (int(seen.min()), int(seen.max()))
    times = (int(plan.high[some].min()) + 1, FAR)
    later = view.points(
        ints(plan.key[some]),
        ints(plan.run[some]),
        parts=_parts_within(plan, some, steps, times),
        steps=steps,
        times=times,
        columns=("run", "key", "step", "ts"),
    )
    its = rows_in(plan.ids[some], later.key, later.run)
    again = (its >= 0) & (later.step == newest[its]) & (later.ts > plan.high[some][its])
    if not again.any():
        return points
    replaced = np.zeros(len(some), np.bool_)
    replaced[its[again]] = True
    return points.take(~(replaced[row] & (points.step == newest[row])))


# ── buckets ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _bucketed(
    view: MetricView,
    plan: _Plan,
    many: Array,
    spans: Spans,
    series: Array,
    part: Array,
    lineage: Lineage,
    frame: Frame,
) -> tuple[list[Drawn], Array]:
    """Return the bucketed lines of *many*, and those of its series that have no more points than buckets."""
    if not len(many):
        return [], many
    asked = np.isin(series, many)
    usable = asked & (spans.base >= 0) & (spans.base <= plan.shift[series])
    rolled = np.unique(series[usable])
    plain = np.setdiff1d(many, rolled)
    cells: list[Cells] = []
    ghosts: list[Points] = []

    if len(plain):
        line, ghost = _points(view, plan, plain, spans, series, lineage, frame, in_stretches=True)
        cells.append(_grid_points(plan, line, frame))
        ghosts.append(ghost)

    if len(rolled):
        blocks = _Blocks(plan.shift)
        got = _read_rollups(view, plan, rolled, series, part, usable, frame)
        for one_series, first, last in zip(*dirty_steps(spans, series, lineage), strict=True):
            blocks.add(int(one_series), int(first), int(last))
        blocks.add_many(*_edges(plan, got, frame))
        blocks.close()
        cells.append(_grid_rollups(plan, got, blocks, frame))
        # Parts without rollups for a series (the tail, short pieces): their points, outside of the blocks.
        for number, some in _unrolled(plan, rolled, series, part, usable):
            points = draw_simple(_read_points(view, plan, some, frame, {number}, None))
            inside = blocks.contain(plan, points)
            cells.append(_grid_points(plan, points.take(~inside) if inside.any() else points, frame))
        # Inside the blocks: points of all parts.
        for some, steps in blocks.reads(rolled):
            line, ghost = _points(view, plan, some, spans, series, lineage, frame, steps)
            inside = blocks.contain(plan, line)
            cells.append(_grid_points(plan, line.take(inside), frame))
            ghosts.append(ghost.take(blocks.contain(plan, ghost)))

    grid = combine(Cells.concat([c for c in cells if len(c)]))
    if frame.axis == "time":
        grid = combine(replace(grid, bucket=_buckets(plan, grid.series, grid.max_ts)))
    return _lines(plan, many, grid, Points.concat([g for g in ghosts if len(g)]), frame)


def _read_rollups(
    view: MetricView, plan: _Plan, rolled: Array, series: Array, part: Array, usable: Array, frame: Frame
) -> tuple[Array, Cells, Array]:
    """
    Return (series, cells, untrue) of the rollups in range; the cells have no bucket yet.

    Of an untrue row points may be missing, since a correction cuts them: see ``corrected_view``.
    """
    found: list[tuple[Array, Cells, Array]] = []
    for shift in np.unique(plan.shift[rolled]).tolist():
        some = rolled[plan.shift[rolled] == shift]
        parts = set(part[usable & np.isin(series, some)].tolist())
        bounds = (int(plan.low[some].min()), int(plan.high[some].max()))
        rollups = view.rollups(
            ints(plan.key[some]),
            ints(plan.run[some]),
            parts=parts,
            shift=shift,
            steps=bounds if frame.axis == "step" else None,
            times=bounds if frame.axis == "time" else None,
        )
        row = rows_in(plan.ids[some], rollups.key, rollups.run)
        mine = some[row]
        keep = row >= 0
        if frame.axis == "step":
            keep &= (rollups.last_step >= plan.low[mine]) & (rollups.first_step <= plan.high[mine])
        else:
            keep &= (rollups.max_ts >= plan.low[mine]) & (rollups.min_ts <= plan.high[mine])
        if not keep.all():
            rollups, mine = rollups.take(keep), mine[keep]
        found.append((mine, cells_of_rollups(rollups, mine), rollups.until < 0))
    mine, cells, untrue = zip(*found, strict=True)
    return np.concatenate(mine), Cells.concat(cells), np.concatenate(untrue)


def _edges(plan: _Plan, got: tuple[Array, Cells, Array], frame: Frame) -> tuple[Array, Array, Array]:
    """Return (series, first step, last step) of the rollup rows that reach over an end of the range or are untrue."""
    series, cells, untrue = got
    if frame.axis == "step":
        over = (cells.first_step < plan.low[series]) | (cells.last_step > plan.high[series])
    else:
        over = (cells.min_ts < plan.low[series]) | (cells.max_ts > plan.high[series])
    over = over | untrue
    return series[over], cells.first_step[over], cells.last_step[over]


def _unrolled(plan: _Plan, rolled: Array, series: Array, part: Array, usable: Array) -> list[tuple[int, Array]]:
    """Return (part, series) for the parts that have points but no usable rollup of some of the *rolled* series."""
    rest = ~usable & np.isin(series, rolled)
    has = (series[usable].astype(np.int64) << 32) | part[usable]
    rest &= ~np.isin((series.astype(np.int64) << 32) | part, has)
    return [(int(number), np.unique(series[rest & (part == number)])) for number in np.unique(part[rest])]


class _Blocks:
    """
    Step intervals per series in which points are read instead of rollups.

    They are whole multiples of ``2**shift``: every rollup in use lies wholly inside or outside of one.
    """

    def __init__(self, shift: Array) -> None:
        self._shift = shift
        self._series: list[Array] = []
        self._first: list[Array] = []
        self._last: list[Array] = []

    def add(self, series: int, first: int, last: int) -> None:
        self.add_many(np.array([series]), np.array([first]), np.array([last]))

    def add_many(self, series: Array, first: Array, last: Array) -> None:
        shift = np.maximum(self._shift[series], 0)
        self._series.append(series)
        self._first.append((first >> shift) << shift)
        self._last.append((((last >> shift) + 1) << shift) - 1)

    def close(self) -> None:
        """Sort and merge what was added."""
        series = np.concatenate(self._series).astype(np.int64)
        first, last = np.concatenate(self._first), np.concatenate(self._last)
        order = np.lexsort((first, series))
        rows: list[tuple[int, int, int]] = []
        for s, a, b in zip(series[order].tolist(), first[order].tolist(), last[order].tolist(), strict=True):
            if rows and rows[-1][0] == s and a <= rows[-1][2] + 1:
                rows[-1] = (s, rows[-1][1], max(rows[-1][2], b))
            else:
                rows.append((s, a, b))
        self.rows = rows
        self._of: dict[int, list[tuple[int, int]]] = {}
        for s, a, b in rows:
            self._of.setdefault(s, []).append((a, b))

    def covers(self, series: Array, step: Array) -> Array:
        """Return which of the rows (sorted by series) lie in a block."""
        inside = np.zeros(len(series), np.bool_)
        if not self.rows:
            return inside
        wanted = np.array(sorted(self._of))
        left = np.searchsorted(series, wanted, "left")
        right = np.searchsorted(series, wanted, "right")
        for s, begin, end in zip(wanted.tolist(), left.tolist(), right.tolist(), strict=True):
            for a, b in self._of[s] if begin < end else ():
                inside[begin:end] |= (step[begin:end] >= a) & (step[begin:end] <= b)
        return inside

    def contain(self, plan: _Plan, points: Points) -> Array:
        return self.covers(rows_in(plan.ids, points.key, points.run), points.step)

    def reads(self, rolled: Array) -> list[tuple[Array, tuple[int, int]]]:
        """Return (series, steps) to read: one read per interval, or one over all if there are too many."""
        mine = set(rolled.tolist())
        by_steps: dict[tuple[int, int], list[int]] = {}
        for s, a, b in self.rows:
            if s in mine:
                by_steps.setdefault((a, b), []).append(s)
        if len(by_steps) > 64:  # each read costs 2 ms
            everyone = np.unique([s for some in by_steps.values() for s in some])
            return [(everyone, (min(a for a, _ in by_steps), max(b for _, b in by_steps)))]
        return [(np.unique(some), steps) for steps, some in by_steps.items()]


def _grid_points(plan: _Plan, points: Points, frame: Frame) -> Cells:
    series = rows_in(plan.ids, points.key, points.run)
    return cells_of_points(points, series, _place(plan, series, points.step, frame), times=frame.axis == "time")


def _place(plan: _Plan, series: Array, first_step: Array, frame: Frame) -> Array:
    """
    Return where rows are gathered: in their bucket, or on the time axis first in blocks of ``2**shift`` steps.

    A block goes into the bucket of its last moment as a whole, so that points and rollups give the same buckets.
    """
    if frame.axis == "step":
        return _buckets(plan, series, first_step)
    blocks: Array = first_step >> np.maximum(plan.shift, 0)[series]
    return blocks


def _buckets(plan: _Plan, series: Array, at: Array) -> Array:
    """Return the bucket of each row; without a lookup per row where one grid serves all."""
    if not len(series):
        return np.empty(0, np.int64)
    low, high = series.min(), series.max()
    origin, width = plan.origin[low : high + 1], plan.width[low : high + 1]
    if bool((origin == origin[0]).all() and (width == width[0]).all()):
        buckets: Array = (at - origin[0]) // width[0]
        return buckets
    each: Array = (at - plan.origin[series]) // plan.width[series]
    return each


def _grid_rollups(plan: _Plan, got: tuple[Array, Cells, Array], blocks: _Blocks, frame: Frame) -> Cells:
    series, cells, _ = got
    order = np.argsort(series, kind="stable")
    series, cells = series[order], cells.take(order)
    outside = ~blocks.covers(series, cells.first_step)
    if not outside.all():
        series, cells = series[outside], cells.take(outside)
    return replace(cells, bucket=_place(plan, series, cells.first_step, frame))


def _lines(plan: _Plan, many: Array, grid: Cells, ghosts: Points, frame: Frame) -> tuple[list[Drawn], Array]:
    left, right = np.searchsorted(grid.series, many, "left"), np.searchsorted(grid.series, many, "right")
    ghost_at = _split(ghosts, plan.ids[many]) if len(ghosts) else []
    if len(ghosts):
        ghosts = ghosts.take(np.lexsort((ghosts.step, series_id(ghosts.key, ghosts.run))))
        ghost_at = _split(ghosts, plan.ids[many])
    lines: list[Drawn] = []
    sparse: list[int] = []
    for n, s in enumerate(many.tolist()):
        cells = grid.take(slice(int(left[n]), int(right[n])))
        total = int(cells.n.sum())
        if total <= frame.buckets:
            sparse.append(s)
            continue
        ghost = ghosts.take(slice(*ghost_at[n])) if ghost_at and ghost_at[n][1] > ghost_at[n][0] else None
        if ghost is not None:
            ghost = _thin(plan, ghost, s, frame)
        lines.append(
            Drawn(int(plan.key[s]), int(plan.run[s]), False, total, int(plan.total_all[s]), None, cells, ghost)
        )
    return lines, np.array(sparse, np.int64)


def _thin(plan: _Plan, ghost: Points, series: int, frame: Frame) -> Points:
    """Keep the last ghost point of each bucket."""
    at = ghost.step if frame.axis == "step" else ghost.ts
    bucket = (at - plan.origin[series]) // plan.width[series]
    begin = starts_of(bucket)
    return ghost.take(np.append(begin[1:], len(ghost)) - 1)
