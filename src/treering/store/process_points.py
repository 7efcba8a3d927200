"""
Points of processes: a view in which each process of a job is a run of its own.

Whatever reads the lines of runs reads the lines of processes through it: the number of a process stands where the id of
a run would. The points of ranks, which stand aside in the run's own line, are here the line of their process.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from treering.errors import LimitExceeded

from .columns import Array, Items, Points, Rollups, Spans, ints, series_id
from .line import Lineage, Rewind, dirty_steps, draw, draw_simple
from .metrics import MetricView
from .processes import Job

__all__ = ["ProcessView", "process_lineage", "read_points"]

_SIMPLE = ("run", "key", "step", "ts", "val", "lo", "hi")
_BATCH_POINTS = 2_000_000
_FAR = 1 << 61


class ProcessView:
    """See ``MetricView``: *runs* are numbers of processes of *job*. Rollups serve the runs of one process alone."""

    def __init__(self, view: MetricView, job: Job) -> None:
        self._view = view
        self._job = job
        self._run_of = np.array([member.state.id for member in job.members], np.int32)
        self._alone = np.array(sorted(job.alone.values()), np.int64)

    def _runs(self, numbers: Array | None) -> Array:
        return np.unique(self._run_of if numbers is None else self._run_of[numbers])

    def _numbers(self, seg: Array, wanted: Array | None) -> Array:
        number = self._job.numbers_of(seg)
        return number if wanted is None else np.where(np.isin(number, wanted), number, -1)

    def spans(self, keys: Array | None, runs: Array | None) -> tuple[Spans, Array]:
        spans, part = self._view.spans(keys, self._runs(runs))
        number = self._numbers(spans.seg, runs)
        keep = number >= 0
        spans, part, number = spans.take(keep), part[keep], number[keep].astype(np.int32)
        base = np.where(np.isin(number, self._alone), spans.base, -1).astype(spans.base.dtype)
        return Spans(**{**spans.columns(), "run": number, "base": base}), part

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
        columns = None if columns is None else {*columns, "run", "key", "step", "seg"}
        points = self._view.points(
            keys, self._runs(runs), parts=parts, steps=steps, times=times, segments=segments, columns=columns
        )
        number = self._numbers(points.seg, runs)
        keep = number >= 0
        if not keep.all():
            points, number = points.take(keep), number[keep]
        points = Points(**{**points.columns(), "run": number.astype(np.int32)})
        # Points of one run stand by step, whichever process they are of: now each process together.
        return points.take(_together(points))

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
        mine = np.intersect1d(runs, self._alone)
        rollups = self._view.rollups(keys, self._runs(mine), parts=parts, shift=shift, steps=steps, times=times)
        ids = self._run_of[self._alone]
        order = np.argsort(ids)
        number = self._alone[order][np.searchsorted(ids[order], rollups.run)] if len(rollups) else rollups.run
        return Rollups(**{**rollups.columns(), "run": number.astype(np.int32)})

    def items(self, keys: Array | None, runs: Array | None, *, segments: Collection[int] | None = None) -> Items:
        items = self._view.items(keys, self._runs(runs), segments=segments)
        number = self._numbers(items.seg, runs)
        keep = number >= 0
        return Items(**{**items.take(keep).columns(), "run": number[keep].astype(np.int32)})


def _together(points: Points) -> Array:
    """Return a stable order by series. Few series have small numbers, which are sorted by radix, ten times faster."""
    ids, place = np.unique(points.key, return_inverse=True)
    processes = int(points.run.max(initial=0)) + 1
    code = place.astype(np.int64) * processes + points.run
    if len(ids) * processes < 1 << 16:
        code = code.astype(np.uint16)
    order: Array = np.argsort(code, kind="stable")
    return order


def process_lineage(lineage: Lineage, job: Job) -> Lineage:
    """Return *lineage* of the job's runs for its processes: no writer stands aside for another."""
    rewinds: list[Rewind] = []
    for rewind in lineage.rewinds:
        number = int(job.numbers_of(lineage.seg[lineage.order == rewind.order])[0])
        if number >= 0:
            rewinds.append(Rewind(number, rewind.writer, rewind.order, rewind.off, rewind.from_step))
    return Lineage(lineage.seg, lineage.order, lineage.life, lineage.fence, tuple(rewinds), None)


def read_points(
    view: MetricView,
    keys: Array,
    processes: Array,
    lineage: Lineage,
    *,
    steps: tuple[int, int] | None = None,
    most_points: int,
) -> Points:
    """
    Return the drawn points of *keys* of *processes* by key, process and step; *steps* are inclusive bounds.

    Raises:
        LimitExceeded: there are more than *most_points*.
    """
    low, high = (-_FAR, _FAR) if steps is None else steps
    spans, _ = view.spans(keys, processes)
    inside = (spans.last_step >= low) & (spans.first_step <= high)
    total = int(np.minimum(spans.n, min(high - low + 1, _FAR))[inside].sum())
    if total > most_points:
        raise LimitExceeded(
            f"{total:,} points of {len(np.unique(spans.run)):,} processes would have to be read; at most "
            f"{most_points:,}. Ask for a shorter range, or fewer processes."
        )
    ids, series = np.unique(series_id(spans.key, spans.run), return_inverse=True)
    contested, _, _ = dirty_steps(spans, series, lineage)
    dirty = ids[np.unique(contested)] if len(contested) else ids[:0]
    dirty_runs = np.unique((dirty & 0xFFFFFFFF).astype(np.int32))
    found = [
        draw_simple(view.points(keys, some, steps=steps, columns=_SIMPLE))
        for some in _batches(spans, inside, np.setdiff1d(processes, dirty_runs))
    ]
    for some in _batches(spans, inside, dirty_runs):
        line, _ = draw(view.points(keys, some, steps=steps), spans.take(np.isin(spans.run, some)), lineage)
        found.append(line)
    line = Points.concat(found)
    if len(found) > 1:
        line = line.take(np.argsort(series_id(line.key, line.run), kind="stable"))
    return line


def _batches(spans: Spans, inside: Array, processes: Array) -> list[Array]:
    """Split processes so that the points of each share fit into memory."""
    if not len(processes):
        return []
    counts = np.zeros(int(processes.max()) + 1, np.int64)
    mine = inside & np.isin(spans.run, processes)
    np.add.at(counts, spans.run[mine], spans.n[mine])
    share = np.cumsum(counts[processes]) // _BATCH_POINTS
    return [ints(processes[share == number].tolist()) for number in np.unique(share)]
