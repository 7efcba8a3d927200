"""Values at a step: of each run, what a metric was when another was best, or as far as a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from treering.errors import LimitExceeded
from treering.limits import COLUMN_READ_MAX_POINTS

from .columns import INT, Array, Points, Spans, ints, series_id
from .line import Lineage, dirty_steps, draw, draw_simple
from .metadata import MetadataStore, ProjectRef
from .metrics import MetricStore, MetricView
from .model import Column

__all__ = ["read_at_steps", "read_runs_lines"]

_BATCH_POINTS: Final = 2_000_000
_FAR: Final = 1 << 62
_SIMPLE: Final = ("run", "key", "step", "val", "kind", "lo", "hi")


def read_at_steps(
    metadata: MetadataStore,
    metrics: MetricStore,
    project: ProjectRef,
    ids: Sequence[int],
    columns: Sequence[Column],
) -> list[dict[int, float | int]]:
    """
    Return per column run id → value, of the runs that have one. The aggregates are ``at`` and ``when``.

    *at* is the value at the last step that is not beyond ``step``. *when* is the value at the last step that is not
    beyond the one at which ``of`` has its least or greatest finite value, the first of equals. Both are of the line
    that a chart draws: replaced and hidden points do not count.

    Raises:
        LimitExceeded: there are too many points.
    """
    names = {name for column in columns for name in _names_of(column)}
    keys = metadata.find_keys(project.id, "metric", list(names))
    found: list[dict[int, float | int]] = [{} for _ in columns]
    upto = max((column.step for column in columns if column.agg == "at" and column.step is not None), default=-_FAR)
    if any(column.agg == "when" for column in columns):
        upto = _FAR
    with metrics.view(project.id) as view:
        lineage = metadata.lineage(ids)
        for line in read_runs_lines(view, ints(keys.values()), ints(ids), lineage, upto, COLUMN_READ_MAX_POINTS):
            series = series_id(line.key, line.run)
            for run in np.unique(line.run).tolist():
                for column, values in zip(columns, found, strict=True):
                    value = _value(line, series, keys, run, column)
                    if value is not None:
                        values[run] = value
    return found


def read_runs_lines(
    view: MetricView, keys: Array, runs: Array, lineage: Lineage, upto: int, most_points: int
) -> Iterator[Points]:
    """
    Yield the drawn points of *keys*, whole runs at a time and so many that they fit into memory, by key, run and step.

    Raises:
        LimitExceeded: they are more than *most_points* together.
    """
    if not len(keys) or not len(runs):
        return
    spans, _ = view.spans(keys, runs)
    spans = spans.take(spans.first_step <= upto)
    total = int(spans.n.sum())
    if total > most_points:
        raise LimitExceeded(
            f"{total:,} points of {len(np.unique(spans.run)):,} runs would have to be read; at most {most_points:,}. "
            "Ask for fewer runs."
        )
    order = np.argsort(spans.run, kind="stable")
    reach = np.cumsum(spans.n[order]) // _BATCH_POINTS
    by_run = spans.run[order]
    first = np.unique(by_run, return_index=True)
    batch_of_run = reach[first[1]]
    for batch in np.unique(batch_of_run).tolist():
        some = first[0][batch_of_run == batch].astype(np.int32)
        yield _lines(view, keys, some, spans.take(np.isin(spans.run, some)), lineage, upto)


def _lines(view: MetricView, keys: Array, runs: Array, spans: Spans, lineage: Lineage, upto: int) -> Points:
    ids = series_id(spans.key, spans.run)
    _, number = np.unique(ids, return_inverse=True)
    contested, _, _ = dirty_steps(spans, number, lineage)
    dirty = np.unique(spans.run[np.isin(number, contested)])
    clean = np.setdiff1d(runs, dirty).astype(np.int32)
    steps = None if upto >= _FAR else (-_FAR, upto)
    found: list[Points] = []
    if len(clean):
        found.append(draw_simple(view.points(keys, clean, steps=steps, columns=(*_SIMPLE, "ts"))))
    if len(dirty):
        some = dirty.astype(np.int32)
        line, _ = draw(view.points(keys, some, steps=steps), spans.take(np.isin(spans.run, some)), lineage)
        found.append(line)
    line = Points.concat(found)
    if len(found) > 1:
        line = line.take(np.argsort(series_id(line.key, line.run), kind="stable"))
    return line


def _names_of(column: Column) -> list[str]:
    name = column.by.removeprefix("metric:")
    return [name] if column.of is None or column.agg != "when" else [name, column.of.key]


def _value(line: Points, series: Array, keys: dict[str, int], run: int, column: Column) -> float | int | None:
    rows = _rows(series, keys.get(column.by.removeprefix("metric:")), run)
    step = column.step
    if column.agg == "when":
        assert column.of is not None
        step = _best_step(line, _rows(series, keys.get(column.of.key), run), column.of.agg)
    if step is None or rows.start == rows.stop:
        return None
    place = int(np.searchsorted(line.step[rows], step, "right")) - 1
    if place < 0:
        return None
    place += rows.start
    value = float(line.val[place])
    return int(value) if line.kind[place] == INT else value


def _rows(series: Array, key: int | None, run: int) -> slice:
    if key is None:
        return slice(0, 0)
    wanted = (key << 32) | run
    return slice(int(np.searchsorted(series, wanted, "left")), int(np.searchsorted(series, wanted, "right")))


def _best_step(line: Points, rows: slice, agg: str) -> int | None:
    values = line.val[rows]
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return None
    best = finite[np.argmin(values[finite]) if agg == "min" else np.argmax(values[finite])]
    return int(line.step[rows][best])
