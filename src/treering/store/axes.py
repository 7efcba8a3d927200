"""Another metric as the x axis: points are joined by step, then put into buckets of x."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .cells import cells_of_points, combine
from .columns import Array, Points, ints, starts_of
from .line import Lineage, draw
from .metrics import MetricView
from .series import Drawn

ToX = Callable[[Array, Array, int], Array]


def read_over_metric(
    view: MetricView,
    keys: Array,
    runs: Array,
    x_key: int,
    lineage: Lineage,
    low: float | None,
    high: float | None,
    buckets: int,
) -> tuple[list[Drawn], ToX]:
    """
    Return the lines of *keys* over the values of *x_key* at the same steps, and the function that gives their x.

    A point whose step has no finite x is not drawn; nothing is interpolated. All points are read: which values of
    x a bucket of steps has is not known beforehand.
    """
    lines: list[Drawn] = []
    xs: dict[tuple[int, int], Array] = {}
    for run in runs.tolist():
        one = np.array([run], np.int32)
        spans, _ = view.spans(ints([*keys.tolist(), x_key]), one)
        points = view.points(ints([*keys.tolist(), x_key]), one)
        if not len(points):
            continue
        line, _ = draw(points, spans, lineage)
        axis = line.take((line.key == x_key) & np.isfinite(line.val))
        for key in keys.tolist():
            mine = line.take(line.key == key)
            if not len(mine) or not len(axis):
                continue
            row = np.minimum(np.searchsorted(axis.step, mine.step), len(axis) - 1)
            here = axis.step[row] == mine.step
            x = axis.val[row]
            if low is not None and high is not None:
                here &= (x >= low) & (x <= high)
            mine, x = mine.take(here), x[here]
            order = np.argsort(x, kind="stable")
            mine, x = mine.take(order), x[order]
            total_all = int(spans.n[(spans.key == key)].sum())
            drawn, at = _drawn(mine, x, key, run, total_all, buckets)
            lines.append(drawn)
            xs[key, run] = at

    # Each line carries its x in `step`: positions into the array of that line.
    table = {(line.key, line.run): xs[line.key, line.run] for line in lines}
    return [_renumber(line, number) for number, line in enumerate(lines)], _lookup(lines, table)


def _drawn(points: Points, x: Array, key: int, run: int, total_all: int, buckets: int) -> tuple[Drawn, Array]:
    if len(points) <= buckets:
        return Drawn(key, run, True, len(points), total_all, points, None, None), x
    low, high = float(x[0]), float(x[-1])
    width = (high - low) / buckets or 1.0
    bucket = np.minimum(((x - low) / width).astype(np.int64), buckets - 1)
    at = starts_of(bucket)
    end = np.append(at[1:], len(x)) - 1
    cells = combine(cells_of_points(points, np.zeros(len(points), np.int64), bucket))
    return Drawn(key, run, False, len(points), total_all, None, cells, None), x[end]


def _renumber(line: Drawn, number: int) -> Drawn:
    """Put (line, row) into ``step`` so that ``to_x`` finds each row's x again."""
    if line.points is not None:
        rows = (np.int64(number) << 32) | np.arange(len(line.points))
        line.points = Points(**{**line.points.columns(), "step": rows})
    if line.cells is not None:
        rows = (np.int64(number) << 32) | np.arange(len(line.cells))
        line.cells = type(line.cells)(**{**line.cells.columns(), "last_step": rows})
    return line


def _lookup(lines: list[Drawn], table: dict[tuple[int, int], Array]) -> ToX:
    order = [table[line.key, line.run] for line in lines]

    def to_x(steps: Array, _: Array, __: int) -> Array:
        if not len(steps):
            return np.empty(0)
        x = order[int(steps[0]) >> 32]
        found: Array = x[steps & 0xFFFFFFFF]
        return found

    return to_x


__all__ = ["read_over_metric"]
