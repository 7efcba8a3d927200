"""Chart requests: lines and bands with x values, ready for the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec.structs import replace

from treering.errors import InvalidValue
from treering.limits import SERIES_MAX_BUCKETS, SERIES_MAX_KEYS, SERIES_MAX_POINTS, SERIES_MAX_RUNS

from .axes import read_over_metric
from .bands import BANDS, CENTERS, draw_band
from .cells import Cells
from .columns import Array, Points, ints
from .expression import Expression, is_expression, parse_expression
from .expression_lines import read_expressions
from .line import Lineage
from .metadata import MetadataStore, ProjectRef
from .metrics import MetricStore, MetricView
from .model import Ghost, Nonfinite, SeriesColumns, SeriesRequest
from .series import Drawn, Frame, read_lines

AXES: Final = ("step", "relative", "wall")

# Points of several lines that are looked at together: a large reply needs little memory for it.
_TOGETHER: Final = 262_144

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
        ExpressionError: a key that begins with ``=`` and does not parse.
        LimitExceeded: an expression needs too many points.
    """
    _check(request)
    groups = request.groups or []
    wanted = list(dict.fromkeys([*(request.runs or []), *(run for group in groups for run in group.runs)]))
    expressions = [parse_expression(key) for key in request.keys if is_expression(key)]
    plain = [key for key in request.keys if not is_expression(key)]
    found: list[SeriesColumns] = []
    for runs in _by_project(metadata, wanted):
        if expressions:
            found += _read_expressions(metadata, metrics, request, runs, expressions)
        known = metadata.find_keys(runs.project.id, "metric", plain)
        kinds = metadata.key_names(list(known.values()))
        system = {number for number, (_, kind) in kinds.items() if kind == "system"}
        # A metric may be asked for by the name that it has and by the one that it was logged under.
        asked = {number: name for name, number in reversed(known.items())}
        others = [(asked[number], name) for name, number in known.items() if asked[number] != name]
        begin = len(found)
        for axis, some in (
            (request.x, [n for n in asked if n not in system or request.x != "step"]),
            # The time axis is the only one that system metrics have.
            ("relative", [n for n in asked if n in system and request.x == "step"]),
        ):
            if some:
                found += _read(metadata, metrics, request, runs, axis, ints(some), {n: asked[n] for n in some})
        found += [replace(one, key=name) for first, name in others for one in found[begin:] if one.key == first]
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
    if request.center not in CENTERS or request.band not in BANDS or not 0 < request.confidence < 1:
        raise InvalidValue(
            f"center is one of {', '.join(CENTERS)}, band one of {', '.join(BANDS)} and confidence between 0 and 1; "
            f"got {request.center!r}, {request.band!r} and {request.confidence}."
        )
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
    return _singles_and_bands(request, runs, lines, names, to_x)


def _read_expressions(
    metadata: MetadataStore,
    metrics: MetricStore,
    request: SeriesRequest,
    runs: _Runs,
    expressions: list[Expression],
) -> list[SeriesColumns]:
    over = request.x[7:] if request.x.startswith("metric:") else None
    names = {name for one in expressions for name in one.names} | ({over} if over is not None else set())
    known = metadata.find_keys(runs.project.id, "metric", list(names))
    if over is not None and over not in known:
        return []
    kinds = metadata.key_names(list(known.values()))
    low, high = request.range if request.range is not None else (None, None)
    found: list[SeriesColumns] = []
    for axis in ("step", "time"):
        # System metrics have no step: of those alone an expression is drawn over time, as they are.
        mine = {
            number: one
            for number, one in enumerate(expressions)
            if axis == _axis_of(request.x, [kinds[known[name]][1] for name in one.names if name in known])
        }
        if not mine:
            continue
        starts = {n: 0 if request.x == "wall" else us for n, us in runs.start_us.items()}
        with metrics.view(runs.project.id) as view:
            lines, to_x = read_expressions(
                view,
                list(mine.values()),
                known,
                ints(runs.keys),
                metadata.lineage(list(runs.keys)),
                Frame(axis, low, high, request.buckets),
                starts,
                None if over is None else known[over],
            )
        texts = dict(enumerate(request.keys[place] for place in _places(request, list(mine))))
        found += _singles_and_bands(request, runs, lines, texts, to_x)
    return found


def _axis_of(x: str, kinds: list[str]) -> str:
    if x == "step" and kinds and all(kind == "system" for kind in kinds):
        return "time"
    return "time" if x in ("relative", "wall") else "step"


def _places(request: SeriesRequest, numbers: list[int]) -> list[int]:
    """Return where the expressions with these numbers stand among the request's keys."""
    places = [place for place, key in enumerate(request.keys) if is_expression(key)]
    return [places[number] for number in numbers]


def _singles_and_bands(
    request: SeriesRequest, runs: _Runs, lines: list[Drawn], names: dict[int, str], to_x: ToX
) -> list[SeriesColumns]:
    singles = set(request.runs or [])
    if request.individual:
        singles |= {run for group in request.groups or [] for run in group.runs}
    found = columns_of_lines([line for line in lines if runs.keys[line.run] in singles], runs.keys, names, to_x)
    for group in request.groups or []:
        wanted = set(group.runs)
        by_key: dict[int, list[Drawn]] = {}
        for line in lines:
            if runs.keys[line.run] in wanted:
                by_key.setdefault(line.key, []).append(line)
        found += [draw_band(mine, group.id, names[key], to_x, request) for key, mine in by_key.items()]
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


# ── single lines ─────────────────────────────────────────────────────────────────────────────────────────────────
def columns_of_lines(
    lines: list[Drawn], runs: Mapping[int, str], names: Mapping[int, str], to_x: ToX
) -> list[SeriesColumns]:
    """Return lines with their x values; *runs* and *names* are by the numbers of runs and keys in *lines*."""
    xs = [
        to_x(line.points.step, line.points.ts, line.run) if line.points is not None and line.exact else None
        for line in lines
    ]
    plain = _plain_lines(lines, xs)
    return [
        _columns(line, runs[line.run], names[line.key], to_x, x if is_plain else None)
        for line, x, is_plain in zip(lines, xs, plain, strict=True)
    ]


def _plain_lines(lines: list[Drawn], xs: list[Array | None]) -> list[bool]:
    """
    Return which lines are drawn as they are: every y is finite and x rises.

    Asked of all lines at once. numpy lets go of the interpreter in every operation on more than 500 elements and has to
    win it back from whoever took it; done line by line, a chart of 120 lines waits hundreds of times beside an ingest.
    """
    plain = [False] * len(lines)
    some: list[int] = []
    count = 0
    for n, x in enumerate(xs):
        if x is None or not len(x):
            continue
        if some and count + len(x) > _TOGETHER:
            _mark_plain(lines, xs, some, plain)
            some, count = [], 0
        some.append(n)
        count += len(x)
    if some:
        _mark_plain(lines, xs, some, plain)
    return plain


def _mark_plain(lines: list[Drawn], xs: list[Array | None], some: list[int], plain: list[bool]) -> None:
    x = np.concatenate([xs[n] for n in some])
    y = np.concatenate([lines[n].points.val for n in some])  # type: ignore[union-attr]
    begin = np.cumsum([0, *(len(xs[n]) for n in some[:-1])])  # type: ignore[arg-type]
    good = np.isfinite(y)
    rises = np.ones(len(x), np.bool_)
    rises[1:] = x[1:] >= x[:-1]
    rises[begin] = True
    good &= rises
    for n, is_good in zip(some, np.logical_and.reduceat(good, begin).tolist(), strict=True):
        plain[n] = is_good


def _columns(line: Drawn, run: str, key: str, to_x: ToX, plain_x: Array | None = None) -> SeriesColumns:
    if line.exact:
        assert line.points is not None
        if plain_x is not None:
            x, y, nonfinite = plain_x, line.points.val, None
        else:
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
