"""
Lines of processes: one each, or all of them as a band.

The band is per bucket of x: each process counts once, with the mean of its finite points there; y is the mean over the
processes, lo and hi are the lowest and the highest of them, count is how many have a point. Over time, where no two
processes log at the same moment, a bucket is wide enough for about two points of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from treering.errors import InvalidValue
from treering.limits import SERIES_MAX_BUCKETS, SERIES_MAX_KEYS, SERIES_MAX_POINTS

from .bands import draw_band, over_runs
from .charts import AXES, columns_of_lines
from .columns import Array, Points, ints
from .expression import is_expression, parse_expression
from .expression_lines import read_expressions
from .metadata import MetadataStore
from .metrics import MetricStore
from .model import SeriesColumns, SeriesRequest
from .process_points import ProcessView, process_lineage, read_points
from .processes import Job
from .series import Drawn, Frame, read_lines

__all__ = ["FORMS", "ProcessSeriesRequest", "check_axis", "read_process_series"]

FORMS = ("band", "each")

_FAR = 1 << 61
_DIRECT_POINTS = 2_000_000

ToX = Callable[[Array, Array, int], Array]
Key = TypeVar("Key")


class ProcessSeriesRequest(msgspec.Struct, frozen=True):
    """
    Lines of the processes of a job. ``x`` is ``step``, ``relative`` (seconds since the first of the runs began) or
    ``wall`` (unix seconds); ``range`` is inclusive at both ends; ``form`` is ``band`` or ``each``.
    """

    keys: list[str]
    x: str = "step"
    range: tuple[float, float] | None = None
    buckets: int = 1_000
    form: str = "band"


def check_axis(x: str, between: tuple[float, float] | None) -> None:
    """Raise InvalidValue for an axis or a range that is none."""
    if x not in AXES:
        raise InvalidValue(f"x must be one of {', '.join(AXES)}, got {x!r}.")
    if between is not None and not between[0] <= between[1]:
        raise InvalidValue(f"range must be [low, high] with low <= high, got {list(between)}.")


def read_process_series(
    metadata: MetadataStore, metrics: MetricStore, job: Job, request: ProcessSeriesRequest
) -> list[SeriesColumns]:
    """
    Return the lines that exist, by key and then by rank. Of system metrics, x is relative time where steps are asked.

    Raises:
        InvalidValue: an unknown axis or form, a range that is none, or more than the limits allow.
        ExpressionError: a key that begins with ``=`` and does not parse.
        LimitExceeded: an expression needs too many points.
    """
    check_axis(request.x, request.range)
    if request.form not in FORMS:
        raise InvalidValue(f"form must be one of {', '.join(FORMS)}, got {request.form!r}.")
    if not 1 <= request.buckets <= SERIES_MAX_BUCKETS or len(request.keys) > SERIES_MAX_KEYS:
        raise InvalidValue(
            f"buckets must be 1 to {SERIES_MAX_BUCKETS:,} and keys at most {SERIES_MAX_KEYS:,}; "
            f"got {request.buckets:,} and {len(request.keys):,}."
        )
    lines = len(request.keys) * (1 if request.form == "band" else max(1, len(job.members)))
    if lines * request.buckets > SERIES_MAX_POINTS:
        raise InvalidValue(
            f"{lines:,} lines of {request.buckets:,} buckets are more than {SERIES_MAX_POINTS:,} points. "
            "Ask for fewer keys or buckets, or for the band."
        )
    if not job.members:
        return []
    drawn = _Drawing(metadata, metrics, job, request)
    found = drawn.plain([key for key in request.keys if not is_expression(key)])
    found += drawn.expressions([key for key in request.keys if is_expression(key)])
    order = {key: place for place, key in enumerate(request.keys)}
    return sorted(found, key=lambda line: order[line.key])


class _Drawing:
    """Draws the keys of one request."""

    def __init__(self, metadata: MetadataStore, metrics: MetricStore, job: Job, request: ProcessSeriesRequest) -> None:
        self._metadata = metadata
        self._metrics = metrics
        self._job = job
        self._request = request
        self._numbers = ints(range(len(job.members)))
        self._lineage = process_lineage(metadata.lineage(list(job.states)), job)

    def plain(self, keys: Sequence[str]) -> list[SeriesColumns]:
        known = self._metadata.find_keys(self._job.project.id, "metric", list(keys))
        kinds = self._metadata.key_names(list(known.values()))
        found: list[SeriesColumns] = []
        for axis, some in _by_axis(
            self._request.x, {name: kinds[number][1] == "system" for name, number in known.items()}
        ):
            names = {known[name]: name for name in some}
            with self._metrics.view(self._job.project.id) as view:
                if self._request.form == "band" and axis == "step":
                    direct = self._step_bands(ProcessView(view, self._job), names)
                    found += direct
                    names = {number: name for number, name in names.items() if name not in {d.key for d in direct}}
                if not names:
                    continue
                lines = read_lines(
                    ProcessView(view, self._job),
                    ints(names),
                    self._numbers,
                    self._lineage,
                    self._frame(axis),
                    self._starts(axis),
                )
            found += self._columns(lines, names, axis, self._to_x(axis))
        return found

    def _step_bands(self, view: ProcessView, names: Mapping[int, str]) -> list[SeriesColumns]:
        """
        Return the bands of keys of which every step is a bucket, straight from the points: hundreds of lines need not
        be made first. A key that more of its points would have to be read for is left out.
        """
        low, high = self._request.range if self._request.range is not None else (-_FAR, _FAR)
        steps = int(np.ceil(max(low, -_FAR))), int(np.floor(min(high, _FAR)))
        found: list[SeriesColumns] = []
        for key, name in names.items():
            spans, _ = view.spans(ints([key]), self._numbers)
            inside = (spans.last_step >= steps[0]) & (spans.first_step <= steps[1])
            if not inside.any() or int(spans.n[inside].sum()) > _DIRECT_POINTS:
                continue
            first = max(steps[0], int(spans.first_step[inside].min()))
            width = min(steps[1], int(spans.last_step[inside].max())) - first + 1
            if not 0 < width <= self._request.buckets:
                continue
            points = read_points(
                view, ints([key]), self._numbers, self._lineage, steps=steps, most_points=_DIRECT_POINTS
            )
            found.append(self._step_band(name, points, first, width, int(spans.n.sum())))
        return found

    def _step_band(self, name: str, points: Points, first: int, width: int, total_all: int) -> SeriesColumns:
        finite = np.isfinite(points.val)
        value, place = points.val[finite], points.step[finite] - first
        count = np.bincount(place, minlength=width)
        order = np.argsort(place.astype(np.uint16), kind="stable")  # small numbers: sorted by radix
        there = np.flatnonzero(count)
        x = (there + first).astype(np.float64)
        center, low, high, n, _ = over_runs(place[order], value[order], "mean", "minmax", 0.95)
        return SeriesColumns(
            run=self._run,
            group="processes",
            key=name,
            exact=True,
            n=len(x),
            total=len(points),
            total_all=total_all,
            x=x,
            y=center,
            lo=low,
            hi=high,
            count=n.astype(np.uint32),
            nonfinite=None,
            ghost=None,
            first_x=float(x[0]) if len(x) else None,
            last_x=float(x[-1]) if len(x) else None,
            band="minmax",
            center="mean",
        )

    @property
    def _run(self) -> str | None:
        """The one run that all processes are of, if it is one."""
        runs = {member.state.run_key for member in self._job.members}
        return runs.pop() if len(runs) == 1 else None

    def expressions(self, texts: Sequence[str]) -> list[SeriesColumns]:
        if not texts:
            return []
        parsed = [parse_expression(text) for text in texts]
        known = self._metadata.find_keys(
            self._job.project.id, "metric", list({name for one in parsed for name in one.names})
        )
        kinds = self._metadata.key_names(list(known.values()))

        def is_system(number: int) -> bool:
            mine = [kinds[known[name]][1] for name in parsed[number].names if name in known]
            return bool(mine) and all(kind == "system" for kind in mine)

        found: list[SeriesColumns] = []
        for axis, some in _by_axis(self._request.x, {number: is_system(number) for number in range(len(parsed))}):
            starts = dict(enumerate(self._starts(axis).tolist()))
            with self._metrics.view(self._job.project.id) as view:
                lines, to_x = read_expressions(
                    ProcessView(view, self._job),
                    [parsed[number] for number in some],
                    known,
                    self._numbers,
                    self._lineage,
                    self._frame(axis),
                    starts,
                    None,
                )
            found += self._columns(lines, {place: texts[number] for place, number in enumerate(some)}, axis, to_x)
        return found

    def _frame(self, axis: str) -> Frame:
        low, high = self._request.range if self._request.range is not None else (None, None)
        return Frame("step" if axis == "step" else "time", low, high, self._request.buckets)

    def _starts(self, axis: str) -> Array:
        origin = self._job.origin_us if axis == "relative" else 0
        return np.full(len(self._numbers), origin, np.int64)

    def _to_x(self, axis: str) -> ToX:
        origin = self._job.origin_us if axis == "relative" else 0

        def to_x(steps: Array, times: Array, _: int) -> Array:
            if axis == "step":
                return steps.astype(np.float64)
            seconds: Array = (times - origin) / 1e6
            return seconds

        return to_x

    def _columns(self, lines: list[Drawn], names: dict[int, str], axis: str, to_x: ToX) -> list[SeriesColumns]:
        members = self._job.members
        if self._request.form == "each":
            found = columns_of_lines(lines, {n: m.state.run_key for n, m in enumerate(members)}, names, to_x)
            whose = [members[line.run] for line in lines]
            named = [
                msgspec.structs.replace(columns, process=member.id, rank=member.rank)
                for columns, member in zip(found, whose, strict=True)
            ]
            place = {member.id: number for number, member in enumerate(members)}
            return sorted(named, key=lambda columns: place[columns.process or ""])
        by_key: dict[int, list[Drawn]] = {}
        for line in lines:
            by_key.setdefault(line.key, []).append(line)
        return [self._band(mine, names[key], axis, to_x) for key, mine in by_key.items()]

    def _band(self, lines: list[Drawn], name: str, axis: str, to_x: ToX) -> SeriesColumns:
        buckets = self._request.buckets
        if axis != "step":
            most = max(len(line.points) if line.points is not None else len(line.cells or ()) for line in lines)
            buckets = max(1, min(buckets, most // 2))
        request = SeriesRequest(keys=[name], buckets=buckets, center="mean", band="minmax")
        return msgspec.structs.replace(draw_band(lines, "processes", name, to_x, request), run=self._run)


def _by_axis(x: str, is_system: dict[Key, bool]) -> list[tuple[str, list[Key]]]:
    """Return the axes and what is drawn over each: system metrics have time alone."""
    timed = [key for key, its in is_system.items() if its and x == "step"]
    others = [key for key, its in is_system.items() if not its or x != "step"]
    return [(axis, some) for axis, some in ((x, others), ("relative", timed)) if some]
