"""
A heatmap of processes: one row a process, columns of steps or of time.

A cell is the mean, the least or the greatest of the finite points that the process has there; NaN and infinite points
count in ``counts`` alone. All columns are equally wide. They are as many as asked, or fewer: never narrower than one
step, nor than what lies between two points of the process with the most of them, so that a metric that is logged every
hundredth step is no picket fence.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from treering.errors import InvalidValue
from treering.limits import HEATMAP_MAX_COLUMNS, PROCESS_MAX_POINTS

from .columns import Array, Points, ints
from .metadata import MetadataStore
from .metrics import MetricStore
from .process_points import ProcessView, process_lineage, read_points
from .process_series import check_axis
from .processes import Job

__all__ = ["VALUES", "Heatmap", "HeatmapRequest", "read_heatmap"]

VALUES = ("mean", "min", "max")


class HeatmapRequest(msgspec.Struct, frozen=True):
    """Which metric of a job is drawn, over which axis (see ``ProcessSeriesRequest``), in how many columns at most."""

    key: str
    x: str = "step"
    range: tuple[float, float] | None = None
    columns: int = 200
    value: str = "mean"


class Heatmap(msgspec.Struct, frozen=True):
    """
    A row for each process, in the order of ``processes``; ``values`` and ``counts`` have shape (processes, columns).

    A value is NaN where the process has no finite point. ``x_edges`` has one entry more than there are columns; ``x``
    is the axis that was used: ``relative`` where steps were asked of a system metric. ``lo`` and ``hi`` are the least
    and greatest value, None if there is none.
    """

    key: str
    x: str
    value: str
    x_edges: NDArray[np.float64]
    processes: list[str]
    ranks: list[int]
    values: NDArray[np.float64]
    counts: NDArray[np.uint32]
    lo: float | None
    hi: float | None


def read_heatmap(metadata: MetadataStore, metrics: MetricStore, job: Job, request: HeatmapRequest) -> Heatmap:
    """
    Return the heatmap of a metric; without columns if no process logged it in the range.

    Raises:
        InvalidValue: an axis, a range, a value or a number of columns that cannot be.
        LimitExceeded: too many points would have to be read.
    """
    check_axis(request.x, request.range)
    if request.value not in VALUES or not 1 <= request.columns <= HEATMAP_MAX_COLUMNS:
        raise InvalidValue(
            f"value is one of {', '.join(VALUES)} and columns 1 to {HEATMAP_MAX_COLUMNS:,}; got {request.value!r} and "
            f"{request.columns:,}."
        )
    key = metadata.find_keys(job.project.id, "metric", [request.key]).get(request.key)
    axis, points = request.x, Points.empty()
    if key is not None and job.members:
        if request.x == "step" and metadata.key_names([key])[key][1] == "system":
            axis = "relative"
        lineage = process_lineage(metadata.lineage(list(job.states)), job)
        between = request.range
        steps = None
        if axis == "step" and between is not None:
            steps = (_whole(np.ceil(between[0])), _whole(np.floor(between[1])))
        with metrics.view(job.project.id) as view:
            points = read_points(
                ProcessView(view, job),
                ints([key]),
                ints(range(len(job.members))),
                lineage,
                steps=steps,
                most_points=PROCESS_MAX_POINTS,
            )
    return _draw(job, request, axis, points)


def _whole(value: float) -> int:
    return int(min(max(value, -float(1 << 62)), float(1 << 62)))


def _draw(job: Job, request: HeatmapRequest, axis: str, points: Points) -> Heatmap:
    x = points.step.astype(np.float64)
    if axis != "step":
        x = (points.ts - (job.origin_us if axis == "relative" else 0)) / 1e6
    between = request.range
    if between is not None and axis != "step":
        inside = (x >= between[0]) & (x <= between[1])
        points, x = points.take(inside), x[inside]
    rows = len(job.members)
    edges = _edges(x, points.run, axis, request.columns)
    columns = max(0, len(edges) - 1)
    place = np.minimum(np.searchsorted(edges, x, "right") - 1, columns - 1) if columns else np.empty(0, np.int64)
    cell = points.run.astype(np.int64) * columns + place
    counts = np.bincount(cell, minlength=rows * columns)[: rows * columns].astype(np.uint32)
    values = _values(points, cell, rows * columns, request.value)
    finite = values[np.isfinite(values)]
    return Heatmap(
        key=request.key,
        x=axis,
        value=request.value,
        x_edges=edges,
        processes=[member.id for member in job.members],
        ranks=[member.rank for member in job.members],
        values=values.reshape(rows, columns),
        counts=counts.reshape(rows, columns),
        lo=float(finite.min()) if len(finite) else None,
        hi=float(finite.max()) if len(finite) else None,
    )


def _edges(x: Array, process: Array, axis: str, most: int) -> Array:
    if not len(x):
        return np.empty(0)
    low, high = float(x.min()), float(x.max())
    points = int(np.bincount(process).max())
    if axis == "step":
        columns = min(most, points)
        width = -(-(high - low + 1) // columns)
        count = int(-(-(high - low + 1) // width))
        return low + width * np.arange(count + 1, dtype=np.float64)
    # Nobody logs in time like a clock: two points a column leave none empty.
    columns = max(1, min(most, points // 2))
    width = (high - low) / columns or 1.0
    edges: Array = low + width * np.arange(columns + 1, dtype=np.float64)
    edges[-1] = max(edges[-1], high)
    return edges


@np.errstate(over="ignore", invalid="ignore")
def _values(points: Points, cell: Array, size: int, value: str) -> Array:
    finite = np.isfinite(points.val)
    cell, mean = cell[finite], points.val[finite]
    found = np.full(size, np.nan)
    if value == "mean":
        n = np.bincount(cell, minlength=size)[:size]
        total = np.bincount(cell, mean, minlength=size)[:size]
        np.divide(total, n, out=found, where=n > 0)
        return found
    if value == "min":
        np.fmin.at(found, cell, np.fmin(mean, points.lo[finite]))
    else:
        np.fmax.at(found, cell, np.fmax(mean, points.hi[finite]))
    return found
