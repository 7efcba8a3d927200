"""
Points as they are shown: a metric store whose views apply the corrections of their project.

A view is asked for the numbers of shown metrics and reads those of their sources. Rollups stay in use: a row of a
rescaled series is rescaled, and a row of which a cut may take points away is marked, so that the points themselves are
read there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import numpy as np

from .columns import Array, Items, Points, Rollups, Spans, ints, series_id, starts_of, unread
from .line import Lineage
from .metrics import Mark, MetricStore, MetricView
from .overlay import Overlay, ShownMetric, Source, kinds_of_scaled, scaled

__all__ = ["CorrectedMetrics", "CorrectedView"]

LineageOf = Callable[[Collection[int]], Lineage]
# What is left of a span is taken for full if it has a point in so many steps.
_SPARSE: Final = 4
_NEAR: Final = 4_096  # steps that are looked at first for the nearest point, and how much wider it gets each time
_WIDER: Final = 16
# A rollup row that says ``until`` is this may lack points that a cut takes away: the points have to be read.
UNTRUE: Final = -1


class CorrectedMetrics:
    """
    A ``MetricStore`` for reading.

    Args:
        overlay_of: returns what a project's corrections make of its metrics, None if it has none.
        lineage_of: returns the segments of runs.
    """

    def __init__(
        self, metrics: MetricStore, overlay_of: Callable[[int], Overlay | None], lineage_of: LineageOf
    ) -> None:
        self._metrics = metrics
        self._overlay_of = overlay_of
        self._lineage_of = lineage_of

    @contextmanager
    def view(self, project: int) -> Iterator[MetricView]:
        overlay = self._overlay_of(project)
        with self._metrics.view(project) as view:
            if overlay is None or not overlay.altered:
                yield view
            else:
                yield CorrectedView(view, overlay.altered, self._lineage_of)

    def marks(self) -> dict[int, Mark]:
        return self._metrics.marks()

    def durable_marks(self) -> dict[int, Mark]:
        return self._metrics.durable_marks()

    def append(self, project: int, points: Points, items: Items, marks: Mapping[int, Mark]) -> None:
        raise TypeError("points are appended to what was logged, not to what is shown of it")

    def merges_later(self) -> AbstractContextManager[None]:
        return self._metrics.merges_later()

    def bound_replay(self) -> None:
        self._metrics.bound_replay()

    def flush(self) -> None:
        self._metrics.flush()

    def forget_runs(self, projects: Collection[int], runs: Collection[int]) -> None:
        self._metrics.forget_runs(projects, runs)

    def clear(self, index_id: str) -> None:
        self._metrics.clear(index_id)

    def close(self) -> None:
        """Closing the store that this one reads is its owner's."""


class CorrectedView:
    """A ``MetricView`` of shown metrics; *altered* by number. Keys that it does not have are as they were logged."""

    def __init__(self, view: MetricView, altered: Mapping[int, ShownMetric], lineage_of: LineageOf) -> None:
        self._view = view
        self._altered = altered
        self._lineage_of = lineage_of

    def spans(self, keys: Array | None, runs: Array | None) -> tuple[Spans, Array]:
        mine = self._among(keys)
        if not mine or keys is None:
            return self._view.spans(keys, runs)
        spans, part = self._view.spans(_sources_of(keys, mine), runs)
        key, first, last, base = spans.key.copy(), spans.first_step.copy(), spans.last_step.copy(), spans.base.copy()
        keep = np.ones(len(spans), np.bool_)
        for metric in mine:
            for source in metric.sources:
                here = spans.key == source.key.id
                key[here] = metric.id
                for cut in source.cuts:
                    if cut.by_steps_alone:
                        hit = here & cut.of_spans(spans)
                        low, high = cut.steps
                        keep &= ~(hit & (first >= low) & (last <= high))
                        head = hit & (first >= low) & (first <= high) & (last > high)
                        tail = hit & (last >= low) & (last <= high) & (first < low)
                        first, last = np.where(head, high + 1, first), np.where(tail, low - 1, last)
                        sparse = last - first > _SPARSE * spans.n
                        first = self._nearest(spans, head & sparse, first, forward=True)
                        last = self._nearest(spans, tail & sparse, last, forward=False)
        for metric in mine:
            if len(metric.sources) > 1:
                base = _common_base(key == metric.id, spans.run, part, base)
        spans = Spans(**{**spans.columns(), "key": key, "first_step": first, "last_step": last, "base": base})
        return (spans, part) if bool(keep.all()) else (spans.take(keep), part[keep])

    def _nearest(self, spans: Spans, rows: Array, at: Array, *, forward: bool) -> Array:
        """
        Return *at* with the step of the nearest point there is in a direction, for the spans *rows*.

        What a cut leaves of a span may end far before the cut begins; a chart that believed in the steps between would
        have its line in one bucket. Ever wider stretches are looked at until there are points.
        """
        found, todo, width = at.copy(), rows.copy(), _NEAR
        while todo.any():
            keys, runs = ints(spans.key[todo].tolist()), ints(spans.run[todo].tolist())
            edges = at[todo]
            steps = (
                (int(edges.min()), int(edges.max()) + width)
                if forward
                else (int(edges.min()) - width, int(edges.max()))
            )
            points = self._view.points(keys, runs, steps=steps, columns=("run", "key", "step"))
            ids, of_points = series_id(spans.key, spans.run), series_id(points.key, points.run)
            for row in np.flatnonzero(todo).tolist():
                mine = points.step[of_points == ids[row]]
                mine = mine[mine >= at[row]] if forward else mine[mine <= at[row]]
                if len(mine):
                    found[row], todo[row] = (mine.min() if forward else mine.max()), False
            past = steps[1] >= spans.last_step if forward else steps[0] <= spans.first_step
            todo &= ~past
            width *= _WIDER
        return found

    def points(
        self,
        keys: Array | None,
        runs: Array | None,
        *,
        parts: Collection[int] | None = None,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
        segments: Collection[int] | None = None,
        columns: Collection[str] | None = None,
    ) -> Points:
        mine = self._among(keys)
        sources = keys if not mine or keys is None else self._sources_there(keys, runs, mine)
        asked = columns if not mine or columns is None else {*columns, *_needed(mine)}
        points = self._view.points(
            sources, runs, parts=parts, steps=steps, times=times, segments=segments, columns=asked
        )
        if not mine or not len(points):
            return points
        points, rank = _altered_points(points, mine)
        # Where not all columns are asked for, no two sources of a series meet: whoever asks knows it from the spans.
        if rank is not None and columns is None and rank.any():
            points = self._firsts(points, rank, by_row=segments is not None)
        return points

    def rollups(
        self,
        keys: Array,
        runs: Array,
        *,
        parts: Collection[int],
        shift: int,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
    ) -> Rollups:
        mine = self._among(keys)
        sources = keys if not mine else self._sources_there(keys, runs, mine)
        rollups = self._view.rollups(sources, runs, parts=parts, shift=shift, steps=steps, times=times)
        for metric in mine:
            for source in metric.sources:
                rollups = _altered_rollups(rollups, source, metric.id)
        return rollups

    def items(self, keys: Array | None, runs: Array | None, *, segments: Collection[int] | None = None) -> Items:
        mine = self._among(keys)
        if not mine or keys is None:
            return self._view.items(keys, runs, segments=segments)
        items = self._view.items(_sources_of(keys, mine), runs, segments=segments)
        key, rank = items.key.copy(), np.zeros(len(items), np.int64)
        keep = np.ones(len(items), np.bool_)
        for metric in mine:
            for place, source in enumerate(metric.sources):
                here = items.key == source.key.id
                key[here], rank[here] = metric.id, place
                keep &= ~(here & _cut_items(items, source))
        items = Items(**{**items.columns(), "key": key})
        if rank.any():
            keep &= _is_first(items.key, items.run, items.step, rank, np.ones(len(items), np.bool_))
        return items if bool(keep.all()) else items.take(keep)

    def _among(self, keys: Array | None) -> list[ShownMetric]:
        if keys is None:
            return []
        return [self._altered[key] for key in keys.tolist() if key in self._altered]

    def _sources_there(self, keys: Array, runs: Array | None, mine: list[ShownMetric]) -> Array:
        """
        Return the keys to read: of joined metrics only those that these runs logged.

        Of two names of one metric a run nearly always has one; the numbers of both may lie far apart, and what is read
        of a part is a range of them.
        """
        sources = _sources_of(keys, mine)
        if all(len(metric.sources) == 1 for metric in mine):
            return sources
        spans, _ = self._view.spans(sources, runs)
        return np.intersect1d(sources, spans.key).astype(np.int32)

    def _firsts(self, points: Points, rank: Array, *, by_row: bool) -> Points:
        """
        Return of each step of a joined metric the points of the first source that has any.

        Args:
            by_row: only points of one row, one ``log()`` call, replace each other.
        """
        runs = np.unique(points.run[rank > 0]).tolist()
        lineage = self._lineage_of(runs)
        joined = np.isin(points.run, runs)
        seen = np.zeros(len(points), np.bool_)
        some = points.take(joined)
        seen[joined] = ~lineage.hidden(some) & ~self._aside(some, lineage)
        rows = (points.writer, points.seg, points.attempt) if by_row else ()
        keep = _is_first(points.key, points.run, points.step, rank, seen, *rows)
        return points if bool(keep.all()) else points.take(keep)

    def _aside(self, points: Points, lineage: Lineage) -> Array:
        """Return which points are of ranks although the main writer logs the metric."""
        spans, _ = self.spans(ints(points.key.tolist()), ints(points.run.tolist()))
        aside = lineage.aside(spans)
        strands = (spans.key[aside].astype(np.int64) << 32) | spans.seg[aside]
        found: Array = np.isin((points.key.astype(np.int64) << 32) | points.seg, strands)
        return found


def _sources_of(keys: Array, mine: list[ShownMetric]) -> Array:
    wanted = set(keys.tolist()) - {metric.id for metric in mine}
    return ints([*wanted, *(source.key.id for metric in mine for source in metric.sources)])


def _needed(mine: list[ShownMetric]) -> set[str]:
    """Return the columns of points that corrections have to see."""
    cuts = [cut for metric in mine for source in metric.sources for cut in source.cuts]
    return {"val", "ts"} if any(cut.needs_times for cut in cuts) else {"val"}


def _common_base(here: Array, run: Array, part: Array, base: Array) -> Array:
    """
    Return *base* with one value per run and part among the rows *here*: the coarsest, or -1 if any has no rollups.

    A part's rollups of a series are either all in use or none.
    """
    rows = np.flatnonzero(here)
    if not len(rows):
        return base
    ids = (run[rows].astype(np.int64) << 32) | part[rows]
    _, group = np.unique(ids, return_inverse=True)
    highest = np.full(group.max() + 1, -1, np.int64)
    lowest = np.full(group.max() + 1, 127, np.int64)
    np.maximum.at(highest, group, base[rows])
    np.minimum.at(lowest, group, base[rows])
    found = base.copy()
    found[rows] = np.where(lowest < 0, -1, highest)[group]
    return found


@np.errstate(over="ignore", invalid="ignore")
def _altered_points(points: Points, mine: list[ShownMetric]) -> tuple[Points, Array | None]:
    """
    Return the points as they are shown, and which source of a joined metric each is of; None if no metric is joined.

    Rows of a key stand together in stretches, so each is looked up once.
    """
    at = starts_of(points.key)
    lengths = np.diff(np.append(at, len(points)))
    of_key = {source.key.id: (metric, place) for metric in mine for place, source in enumerate(metric.sources)}
    stretches = [
        (int(begin), int(begin + length), *of_key.get(int(key), (None, 0)))
        for begin, length, key in zip(at, lengths, points.key[at], strict=True)
    ]
    columns = points.columns()
    altered: dict[str, Array] = {}
    keep: Array | None = None
    joined = any(len(metric.sources) > 1 for metric in mine)
    rank = np.zeros(len(points), np.int64) if joined else None

    def own(name: str) -> Array:
        if name not in altered:
            altered[name] = columns[name].copy()
        return altered[name]

    for begin, end, metric, place in stretches:
        if metric is None:
            continue
        source, rows = metric.sources[place], slice(begin, end)
        for cut in source.cuts:
            keep = np.ones(len(points), np.bool_) if keep is None else keep
            keep[rows] &= ~cut.of_points(points.take(rows))
        if source.is_scaled:
            value = scaled(points.val[rows], source.factor, source.offset)
            own("val")[rows] = value
            if columns["kind"].strides != (0,):  # what was not read stays one value, repeated without memory
                own("kind")[rows] = kinds_of_scaled(points.kind[rows], value, source)
            if columns["lo"].strides != (0,):
                low, high = (scaled(columns[name][rows], source.factor, source.offset) for name in ("lo", "hi"))
                own("lo")[rows], own("hi")[rows] = (high, low) if source.factor < 0 else (low, high)
        if metric.id != source.key.id:
            own("key")[rows] = metric.id
        if rank is not None and place:
            rank[rows] = place
    points = Points(**{**columns, **altered}) if altered else points
    if keep is not None and not keep.all():
        points, rank = points.take(keep), None if rank is None else rank[keep]
    return points, rank


@np.errstate(over="ignore", invalid="ignore")
def _altered_rollups(rollups: Rollups, source: Source, number: int) -> Rollups:
    here = rollups.key == source.key.id
    if not here.any():
        return rollups
    if source.cuts:
        until = rollups.until.copy()
        gone = np.zeros(len(rollups), np.bool_)
        for cut in source.cuts:
            hit = here & cut.of_rollups(rollups)
            until[hit] = UNTRUE
            if cut.by_steps_alone:
                gone |= hit & (rollups.first_step >= cut.steps[0]) & (rollups.last_step <= cut.steps[1])
        rollups = Rollups(**{**rollups.columns(), "until": until})
        if gone.any():
            rollups, here = rollups.take(~gone), here[~gone]
    columns = rollups.columns()
    if source.is_scaled:
        f, o = source.factor, source.offset
        finite = (rollups.n - rollups.nan - rollups.pinf - rollups.ninf).astype(np.float64)
        low, high, first, last = (scaled(columns[name], f, o) for name in ("min", "max", "first", "last"))
        if f < 0:
            low, high = high, low
        shown = {
            "min": low,
            "max": high,
            "first": first,
            "last": last,
            "sum": rollups.sum * f + o * finite,
            "sumsq": rollups.sumsq * (f * f) + 2 * f * o * rollups.sum + o * o * finite,
            "pinf": rollups.ninf if f < 0 else rollups.pinf,
            "ninf": rollups.pinf if f < 0 else rollups.ninf,
        }
        columns.update({name: np.where(here, values, columns[name]) for name, values in shown.items()})
    if number != source.key.id:
        columns["key"] = np.where(here, np.int32(number), columns["key"])
    return Rollups(**columns)


def _cut_items(items: Items, source: Source) -> Array:
    """Return which rows are cut; a bound on values meets no text. Rescaled integers need no exact text any more."""
    exact = np.array([kind == "bigint" for kind in items.kind.tolist()], np.bool_)
    cut = exact.copy() if source.is_scaled else np.zeros(len(items), np.bool_)
    if not source.cuts:
        return cut
    value = np.full(len(items), np.nan)
    value[exact] = [_nearest(ref) for ref in items.ref[exact].tolist()]
    none = {name: unread(dtype, len(items)) for name, dtype in Points.dtypes.items()}
    points = Points(**{**none, "run": items.run, "step": items.step, "ts": items.ts, "val": value})
    for one in source.cuts:
        cut |= one.of_points(points)
    return cut


def _nearest(digits: str) -> float:
    try:
        return float(int(digits))
    except OverflowError:
        return -np.inf if digits.startswith("-") else np.inf


def _is_first(key: Array, run: Array, step: Array, rank: Array, seen: Array, *further: Array) -> Array:
    """
    Return which rows stay: of those with equal key, run, step and *further*, the ones of the lowest rank that is seen.

    Rows that are not seen stay too; something else decides about them.
    """
    order = np.lexsort((rank, step, *further, series_id(key, run)))
    begin = starts_of(series_id(key, run)[order], *(column[order] for column in further), step[order])
    best = np.minimum.reduceat(np.where(seen, rank, np.iinfo(np.int64).max)[order], begin) if len(begin) else rank
    stays = np.empty(len(order), np.bool_)
    lengths = np.diff(np.append(begin, len(order)))
    stays[order] = ~seen[order] | (rank[order] == np.repeat(best, lengths))
    return stays
