"""Chart requests: lines and bands with x values, ready for the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from treering.errors import InvalidValue
from treering.limits import SERIES_MAX_BUCKETS, SERIES_MAX_KEYS, SERIES_MAX_POINTS, SERIES_MAX_RUNS

from .axes import read_over_metric
from .cells import Cells
from .columns import Array, Points, ints, starts_of
from .line import Lineage
from .metadata import MetadataStore, ProjectRef
from .metrics import MetricStore, MetricView
from .model import Ghost, Nonfinite, SeriesColumns, SeriesRequest
from .series import Drawn, Frame, read_lines

AXES: Final = ("step", "relative", "wall")

ToX = Callable[[Array, Array, int], Array]  # steps, microseconds, run → x


@dataclass(frozen=True, slots=True)
class _Runs:
    """The runs of one project that a request names."""

    project: ProjectRef
    keys: dict[int, str]  # run id → run key
    start_us: dict[int, int]


def read_series(metadata: MetadataStore, metrics: MetricStore, request: SeriesRequest) -> list[SeriesColumns]:
    """
    Return the lines that exist, in the order of runs (or groups) and keys asked for.

    Raises:
        InvalidValue: an unknown axis, a range that is none, or more than the limits allow.
    """
    _check(request)
    groups = request.groups or []
    wanted = list(dict.fromkeys([*(request.runs or []), *(run for group in groups for run in group.runs)]))
    found: list[SeriesColumns] = []
    for runs in _by_project(metadata, wanted):
        known = metadata.find_keys(runs.project.id, "metric", request.keys)
        kinds = metadata.key_names(list(known.values()))
        system = {number for number, (_, kind) in kinds.items() if kind == "system"}
        for axis, some in (
            (request.x, [n for n in known.values() if n not in system or request.x != "step"]),
            # The time axis is the only one that system metrics have.
            ("relative", [n for n in known.values() if n in system and request.x == "step"]),
        ):
            if some:
                found += _read(metadata, metrics, request, runs, axis, ints(some), {n: kinds[n][0] for n in some})
    order_run = {run: n for n, run in enumerate(wanted)}
    order_group = {group.id: n for n, group in enumerate(groups)}
    order_key = {key: n for n, key in enumerate(request.keys)}
    return sorted(
        found,
        key=lambda s: (
            s.group is None,
            order_group.get(s.group or "", 0),
            order_run.get(s.run or "", 0),
            order_key[s.key],
        ),
    )


def _check(request: SeriesRequest) -> None:
    if request.x not in AXES and not (request.x.startswith("metric:") and len(request.x) > 7):
        raise InvalidValue(f"x must be step, relative, wall or metric:<key>, got {request.x!r}.")
    if not 1 <= request.buckets <= SERIES_MAX_BUCKETS:
        raise InvalidValue(f"buckets must be 1 to {SERIES_MAX_BUCKETS:,}, got {request.buckets}.")
    if request.range is not None and not request.range[0] <= request.range[1]:
        raise InvalidValue(f"range must be [low, high] with low <= high, got {list(request.range)}.")
    runs = len(request.runs or []) + sum(len(group.runs) for group in request.groups or [])
    if runs > SERIES_MAX_RUNS or len(request.keys) > SERIES_MAX_KEYS:
        raise InvalidValue(
            f"{runs:,} runs and {len(request.keys):,} keys in one request; "
            f"at most {SERIES_MAX_RUNS:,} and {SERIES_MAX_KEYS:,}."
        )
    if runs * len(request.keys) * request.buckets > SERIES_MAX_POINTS:
        raise InvalidValue(
            f"{runs:,} runs × {len(request.keys):,} keys × {request.buckets:,} buckets is more than "
            f"{SERIES_MAX_POINTS:,} points; ask for fewer buckets, or in several requests."
        )


def _by_project(metadata: MetadataStore, wanted: list[str]) -> list[_Runs]:
    ids = metadata.run_ids(wanted)
    starts = metadata.run_starts([number for number, _ in ids.values()])
    projects = {project.id: project for project in metadata.projects()}
    by_project: dict[int, dict[int, str]] = {}
    for key, (number, project_id) in ids.items():
        by_project.setdefault(project_id, {})[number] = key
    return [_Runs(projects[p], keys, {n: starts[n] for n in keys}) for p, keys in by_project.items()]


def _read(
    metadata: MetadataStore,
    metrics: MetricStore,
    request: SeriesRequest,
    runs: _Runs,
    axis: str,
    keys: Array,
    names: dict[int, str],
) -> list[SeriesColumns]:
    run_ids = ints(runs.keys)
    low, high = request.range if request.range is not None else (None, None)
    with metrics.view(runs.project.id) as view:
        lineage = metadata.lineage(list(runs.keys))
        if axis.startswith("metric:"):
            x_key = metadata.find_keys(runs.project.id, "metric", [axis[7:]]).get(axis[7:])
            if x_key is None:
                return []
            lines, to_x = read_over_metric(view, keys, run_ids, x_key, lineage, low, high, request.buckets)
        else:
            lines, to_x = _read_on_axis(view, keys, run_ids, lineage, runs, axis, low, high, request.buckets)
    singles = set(request.runs or [])
    if request.individual:
        singles |= {run for group in request.groups or [] for run in group.runs}
    found = [
        _columns(line, runs.keys[line.run], names[line.key], to_x) for line in lines if runs.keys[line.run] in singles
    ]
    for group in request.groups or []:
        members = {number for number, key in runs.keys.items() if key in set(group.runs)}
        for key in keys.tolist():
            mine = [line for line in lines if line.key == key and line.run in members]
            if mine:
                found.append(_band(mine, group.id, names[key], to_x, request.buckets))
    return found


def _read_on_axis(
    view: MetricView,
    keys: Array,
    run_ids: Array,
    lineage: Lineage,
    runs: _Runs,
    axis: str,
    low: float | None,
    high: float | None,
    buckets: int,
) -> tuple[list[Drawn], ToX]:
    relative = axis == "relative"
    starts = np.array([runs.start_us[n] if relative else 0 for n in run_ids.tolist()], np.int64)
    frame = Frame("step" if axis == "step" else "time", low, high, buckets)
    lines = read_lines(view, keys, run_ids, lineage, frame, starts)

    def to_x(steps: Array, times: Array, run: int) -> Array:
        if axis == "step":
            return steps.astype(np.float64)
        seconds: Array = (times - (runs.start_us[run] if relative else 0)) / 1e6
        return seconds

    return lines, to_x


# ── one line ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _columns(line: Drawn, run: str, key: str, to_x: ToX) -> SeriesColumns:
    if line.exact:
        assert line.points is not None
        x, y, nonfinite = _exact_columns(line.points, line.run, to_x)
        lo = hi = count = None
    else:
        assert line.cells is not None
        x, y, lo, hi, count, nonfinite = _bucket_columns(line.cells, line.run, to_x)
    ghost = None
    if line.ghost is not None and len(line.ghost):
        ghost = Ghost(to_x(line.ghost.step, line.ghost.ts, line.run), line.ghost.val)
    return SeriesColumns(
        run=run,
        group=None,
        key=key,
        exact=line.exact,
        n=len(x),
        total=line.total,
        total_all=line.total_all,
        x=x,
        y=y,
        lo=lo,
        hi=hi,
        count=count,
        nonfinite=nonfinite,
        ghost=ghost,
        first_x=float(x[0]) if len(x) else None,
        last_x=float(x[-1]) if len(x) else None,
    )


def _rising(x: Array) -> Array | None:
    """Return the order in which x rises, or None if it does: a clock may have been set back."""
    return None if bool((x[1:] >= x[:-1]).all()) else np.argsort(x, kind="stable")


def _exact_columns(points: Points, run: int, to_x: ToX) -> tuple[Array, Array, Nonfinite | None]:
    x, y = to_x(points.step, points.ts, run), points.val
    order = _rising(x)
    if order is not None:
        x, y = x[order], y[order]
    bad = np.flatnonzero(~np.isfinite(y))
    if not len(bad):
        return x, y, None
    kind = np.where(np.isnan(y[bad]), 1, np.where(y[bad] > 0, 2, 3)).astype(np.uint8)
    return x, y, Nonfinite(x[bad], kind)


def _bucket_columns(cells: Cells, run: int, to_x: ToX) -> tuple[Array, Array, Array, Array, Array, Nonfinite | None]:
    x = to_x(cells.last_step, cells.max_ts, run)
    order = _rising(x)
    if order is not None:
        cells, x = cells.take(order), x[order]
    marks: list[tuple[Array, Array]] = []
    for kind, counts in ((1, cells.nan), (2, cells.pinf), (3, cells.ninf)):
        rows = np.flatnonzero(counts)
        if len(rows):
            marks.append((x[rows], np.full(len(rows), kind, np.uint8)))
    nonfinite = None
    if marks:
        at = np.concatenate([m[0] for m in marks])
        kinds = np.concatenate([m[1] for m in marks])
        by_x = np.argsort(at, kind="stable")
        nonfinite = Nonfinite(at[by_x], kinds[by_x])
    return x, cells.last, cells.min, cells.max, cells.n.astype(np.uint32), nonfinite


# ── bands ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _band(lines: list[Drawn], group: str, key: str, to_x: ToX, buckets: int) -> SeriesColumns:
    """
    Mean ± standard deviation over runs, bucket by bucket: per bucket the mean of each run's mean, nothing interpolated.

    Runs whose every point is drawn (few of them) are put into the buckets of the others by their x.
    """
    xs: list[Array] = []
    means: list[Array] = []
    weights: list[Array] = []
    for line in lines:
        if line.exact:
            assert line.points is not None
            keep = np.isfinite(line.points.val)
            xs.append(to_x(line.points.step[keep], line.points.ts[keep], line.run))
            means.append(line.points.val[keep])
            weights.append(np.ones(int(keep.sum())))
        else:
            assert line.cells is not None
            finite = line.cells.finite
            keep = finite > 0
            xs.append(to_x(line.cells.last_step[keep], line.cells.max_ts[keep], line.run))
            means.append(line.cells.sum[keep] / finite[keep])
            weights.append(finite[keep].astype(np.float64))
    who = np.repeat(np.arange(len(lines)), [len(x) for x in xs])
    x, value, weight = np.concatenate(xs), np.concatenate(means), np.concatenate(weights)
    total, total_all = sum(line.total for line in lines), sum(line.total_all for line in lines)
    exact = all(line.exact for line in lines) and len(np.unique(x)) <= buckets
    bucket = _shared_buckets(x, buckets, exact=exact)
    at_x, mean, std, count = _over_runs(bucket, who, x, value, weight)
    return SeriesColumns(
        run=None,
        group=group,
        key=key,
        exact=exact,
        n=len(at_x),
        total=total,
        total_all=total_all,
        x=at_x,
        y=mean,
        lo=mean - std,
        hi=mean + std,
        count=count.astype(np.uint32),
        nonfinite=None,
        ghost=None,
        first_x=float(at_x[0]) if len(at_x) else None,
        last_x=float(at_x[-1]) if len(at_x) else None,
        band="std",
    )


def _shared_buckets(x: Array, buckets: int, *, exact: bool) -> Array:
    if exact or not len(x):
        return np.unique(x, return_inverse=True)[1]
    low, high = float(x.min()), float(x.max())
    width = (high - low) / buckets or 1.0
    return np.minimum(((x - low) / width).astype(np.int64), buckets - 1)


@np.errstate(over="ignore", invalid="ignore")
def _over_runs(bucket: Array, who: Array, x: Array, value: Array, weight: Array) -> tuple[Array, Array, Array, Array]:
    order = np.lexsort((x, who, bucket))
    bucket, who, x, value, weight = bucket[order], who[order], x[order], value[order], weight[order]
    each = starts_of(bucket, who)
    if not len(each):
        none = np.empty(0)
        return none, none, none, none
    run_mean = np.add.reduceat(value * weight, each) / np.add.reduceat(weight, each)
    last = np.maximum.reduceat(x, each)
    bucket = bucket[each]
    at = starts_of(bucket)
    count = np.diff(np.append(at, len(bucket)))
    mean = np.add.reduceat(run_mean, at) / count
    deviation = run_mean - np.repeat(mean, count)
    square = np.add.reduceat(deviation * deviation, at)
    std = np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), 0.0)
    return np.maximum.reduceat(last, at), mean, std, count
