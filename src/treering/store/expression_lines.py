"""
Lines of expressions: the metrics of a run are joined by step, every point is evaluated, and then it is thinned.

Thinning first would be wrong: the mean of a quotient is not the quotient of means. So all points are read, within a
limit. A step at which one of the metrics has no point has no value either; nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from treering.limits import EXPRESSION_MAX_POINTS

from .axes import ToX
from .cells import cells_of_points, combine
from .column_points import read_runs_lines
from .columns import Array, Points, ints, series_id, starts_of, unread
from .expression import Expression
from .line import Lineage
from .metrics import MetricView
from .series import Drawn, Frame

__all__ = ["read_expressions"]

_FAR: Final = 1 << 62


def read_expressions(
    view: MetricView,
    expressions: Sequence[Expression],
    keys: dict[str, int],
    runs: Array,
    lineage: Lineage,
    frame: Frame,
    start_us: dict[int, int],
    x_key: int | None = None,
) -> tuple[list[Drawn], ToX]:
    """
    Return the lines of *expressions* and the function that gives their x; ``Drawn.key`` is the place in *expressions*.

    Args:
        keys: the number of each metric that exists; an expression that names another one has no line.
        frame: the axis, its range and the buckets. Times are seconds since *start_us* of each run.
        x_key: the metric that is the axis instead; *frame* then bounds its values.

    Raises:
        LimitExceeded: more points have to be read than ``EXPRESSION_MAX_POINTS``.
    """
    known = [(n, one) for n, one in enumerate(expressions) if all(name in keys for name in one.names)]
    needed = {keys[name] for _, one in known for name in one.names}
    if x_key is not None and needed:
        needed.add(x_key)
    found: list[tuple[Points, Array, int]] = []  # of one expression and run: its points, their x, and how many of all
    for line in read_runs_lines(view, ints(needed), runs, lineage, _FAR, EXPRESSION_MAX_POINTS):
        series = series_id(line.key, line.run)
        for run in np.unique(line.run).tolist():
            for number, expression in known:
                rows = [_rows(series, keys[name], run) for name in expression.names]
                axis = None if x_key is None else _rows(series, x_key, run)
                joined = _evaluate(line, rows, axis, expression, number)
                if joined is not None:
                    found.append(_bounded(*joined, run, frame, start_us.get(run, 0), over_metric=axis is not None))
    return _draw(found, frame, over_metric=x_key is not None)


def _rows(series: Array, key: int, run: int) -> slice:
    wanted = (key << 32) | run
    return slice(int(np.searchsorted(series, wanted, "left")), int(np.searchsorted(series, wanted, "right")))


def _evaluate(
    line: Points, rows: list[slice], axis: slice | None, expression: Expression, number: int
) -> tuple[Points, Array] | None:
    """Return the points of an expression and the values of the axis beside them, None if no step has all it needs."""
    every = [line.step[its] for its in ([*rows, axis] if axis is not None else rows)]
    steps = every[0]
    for further in every[1:]:
        steps = steps if np.array_equal(steps, further) else np.intersect1d(steps, further, assume_unique=True)
    if not len(steps):
        return None
    at = [its.start + np.searchsorted(line.step[its], steps) for its in rows]
    values = expression.evaluate({name: line.val[places] for name, places in zip(expression.names, at, strict=True)})
    points = _points(int(line.run[rows[0].start]), number, steps, line.ts[at[0]], np.ascontiguousarray(values))
    over = steps.astype(np.float64) if axis is None else line.val[axis.start + np.searchsorted(line.step[axis], steps)]
    return points, over


def _points(run: int, number: int, steps: Array, times: Array, values: Array) -> Points:
    """Return points of which only what is drawn takes memory."""
    columns = {name: unread(dtype, len(steps)) for name, dtype in Points.dtypes.items()}
    own = {"run": np.broadcast_to(np.int32(run), len(steps)), "key": np.broadcast_to(np.int32(number), len(steps))}
    return Points(**columns | own | {"step": steps, "ts": times, "val": values})


def _bounded(
    points: Points, over: Array, run: int, frame: Frame, start_us: int, *, over_metric: bool
) -> tuple[Points, Array, int]:
    """Return the points in range, in the order of x, their x, and how many there are without a range."""
    if over_metric:
        x = over
    elif frame.axis == "step":
        x = points.step.astype(np.float64)
    else:
        x = (points.ts - start_us) / 1e6
    keep = np.isfinite(x)
    if frame.low is not None and frame.high is not None:
        keep &= (x >= frame.low) & (x <= frame.high)
    total = len(points)
    points, x = (points, x) if bool(keep.all()) else (points.take(keep), x[keep])
    if bool((x[1:] < x[:-1]).any()):
        order = np.argsort(x, kind="stable")
        points, x = points.take(order), x[order]
    return points, x, total


def _draw(found: list[tuple[Points, Array, int]], frame: Frame, *, over_metric: bool) -> tuple[list[Drawn], ToX]:
    bounds: dict[int, tuple[float, float]] = {}
    for points, x, _ in found:
        if len(x):
            key = int(points.key[0])
            low, high = bounds.get(key, (np.inf, -np.inf))
            bounds[key] = min(low, float(x[0])), max(high, float(x[-1]))
    lines: list[Drawn] = []
    xs: list[Array] = []
    for points, x, total in found:
        if not len(x):
            continue
        key, run = int(points.key[0]), int(points.run[0])
        if len(x) <= frame.buckets:
            at, line = x, Drawn(key, run, True, len(x), total, points, None, None)
        else:
            low, high = (float(x[0]), float(x[-1])) if over_metric else bounds[key]
            width = (high - low) / frame.buckets or 1.0
            bucket = np.minimum(((x - low) / width).astype(np.int64), frame.buckets - 1)
            begin = starts_of(bucket)
            cells = combine(cells_of_points(points, np.zeros(len(x), np.int64), bucket))
            at = x[np.append(begin[1:], len(x)) - 1]
            line = Drawn(key, run, False, len(x), total, None, cells, None)
        lines.append(_renumbered(line, len(xs)))
        xs.append(at)

    def to_x(steps: Array, _: Array, __: int) -> Array:
        if not len(steps):
            return np.empty(0)
        found: Array = xs[int(steps[0]) >> 32][steps & 0xFFFFFFFF]
        return found

    return lines, to_x


def _renumbered(line: Drawn, number: int) -> Drawn:
    """Put (line, row) where steps stand, so that each row's x is found again: see ``axes``."""
    if line.points is not None:
        rows = (np.int64(number) << 32) | np.arange(len(line.points))
        line.points = Points(**{**line.points.columns(), "step": rows})
    if line.cells is not None:
        rows = (np.int64(number) << 32) | np.arange(len(line.cells))
        line.cells = type(line.cells)(**{**line.cells.columns(), "last_step": rows})
    return line
