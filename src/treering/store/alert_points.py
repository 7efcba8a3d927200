"""Points for alert rules: which logged keys a rule means, whole lines for a judge that begins, and what was before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple

import numpy as np
import sqlalchemy as sa

from treering.limits import ALERT_QUEUE_POINTS, ALERT_REFERENCE_POINTS, ALERT_REFERENCE_RUNS

from . import schema as t
from .alert_judges import Past
from .columns import Array, Points, ints, starts_of
from .correction_rules import Pattern
from .metadata import MetadataStore, ProjectRef
from .metrics import MetricStore
from .model import Selection
from .overlay import Source, scaled
from .selection import choose_runs, newest_first
from .state import RunState

__all__ = ["AlertPoints", "Line", "Meant", "as_shown", "lines_of"]

r = t.runs.c
_LIVE: Final = ("running", "crashed")


class Meant(NamedTuple):
    """A logged key as a rule means it: under which name it is shown, and how; None for as it was logged."""

    name: str
    source: Source | None


class Line(NamedTuple):
    """Points of one key, one run and one writer in the order in which they were logged, as they are shown."""

    run: int
    key: int
    writer: int
    points: Points


class AlertPoints:
    """
    What alert rules read of a store.

    Args:
        shown: names as corrections give them.
        metadata, metrics: what was logged.
        refill: makes sure that the points of some runs are all there after a crash.
    """

    def __init__(
        self,
        shown: MetadataStore,
        metadata: MetadataStore,
        metrics: MetricStore,
        refill: Callable[[Collection[int]], None],
    ) -> None:
        self._shown = shown
        self._metadata = metadata
        self._metrics = metrics
        self._refill = refill

    def project(self, entity: str, project: str) -> ProjectRef | None:
        """Return a project that has had a run."""
        return self._metadata.find_project(entity, project)

    @property
    def keys_made(self) -> int:
        """Grows whenever a run logs a key that its project did not have."""
        return self._metadata.keys_made

    def meant(self, project_id: int, pattern: str) -> dict[int, Meant]:
        """Return the logged keys of numbers whose shown name a pattern matches, by number."""
        match = Pattern(pattern)
        overlay = self._shown.overlay(project_id)
        found: dict[int, Meant] = {}
        for key in self._metadata.metric_keys(project_id):
            if key.kind not in ("number", "system") or (overlay is not None and key.id in overlay.hidden):
                continue
            number = key.id if overlay is None else overlay.number_of.get(key.id)
            metric = None if overlay is None or number is None else overlay.metrics.get(number)
            if metric is None:
                if match.matches(key.name):
                    found[key.id] = Meant(key.name, None)
            elif match.matches(metric.name):
                source = next(source for source in metric.sources if source.key.id == key.id)
                found[key.id] = Meant(metric.name, source)
        return found

    def runs(self, run_keys: Collection[str]) -> dict[str, RunState]:
        """Return the documents of runs that are not deleted."""
        return {key: run for key, run in self._metadata.runs_by_key(run_keys).items() if not run.deleted}

    def recent(self, project_id: int, since_us: int) -> list[str]:
        """Return the keys of a project's runs that may be running, or ended since."""
        late = r.state.in_(_LIVE) | (r.ended_us >= since_us) | (r.activity_us >= since_us)
        query = sa.select(r.run_key).where(r.project_id == project_id, r.deleted.is_(False), late)
        with self._metadata.connect() as connection:
            return list(connection.scalars(query))

    def matching(self, project: ProjectRef, text: str, run_keys: Collection[str]) -> set[str]:
        """Return those of some runs that pass a filter. Raises FilterError."""
        if not text or not run_keys:
            return set(run_keys)
        chosen = choose_runs(self._shown, project, Selection(project.entity, project.name, text, runs=list(run_keys)))
        with self._metadata.connect() as connection:
            return set(connection.scalars(sa.select(r.run_key).where(chosen.where)))

    def newest(self, project: ProjectRef, text: str, limit: int) -> list[RunState]:
        """Return the newest runs that pass a filter. Raises FilterError."""
        chosen = choose_runs(self._shown, project, Selection(project.entity, project.name, text))
        query = sa.select(r.id).where(chosen.where).order_by(*newest_first()).limit(limit)
        return self._states(query)

    def _states(self, query: sa.Select[int]) -> list[RunState]:
        with self._metadata.connect() as connection:
            ids = list(connection.scalars(query))
        states = self._metadata.runs_by_id(ids)
        return [states[number] for number in ids if number in states]

    def lines(self, project_id: int, keys: Collection[int], runs: Collection[int]) -> Iterator[Line]:
        """Yield every line of some logged keys of some runs, as it was logged; a million points are read at once."""
        if not keys or not runs:
            return
        self._refill(runs)
        lineage = self._metadata.lineage(runs)
        for some_keys, some_runs in self._portions(project_id, keys, runs):
            with self._metrics.view(project_id) as view:
                points = view.points(some_keys, some_runs)
            if len(points):
                order = np.lexsort((points.off, lineage.order_of(points.seg), points.writer, points.key, points.run))
                yield from lines_of(points.take(order))

    def _portions(self, project_id: int, keys: Collection[int], runs: Collection[int]) -> Iterator[tuple[Array, Array]]:
        """Yield keys and runs that have at most ``ALERT_QUEUE_POINTS`` points together, or are one line each."""
        with self._metrics.view(project_id) as view:
            spans = view.spans(ints(keys), ints(runs))[0]
        if int(spans.n.sum()) <= ALERT_QUEUE_POINTS:
            yield ints(keys), ints(runs)
            return
        some: list[int] = []
        held = 0
        for run in np.unique(spans.run).tolist():
            mine = spans.run == run
            count = int(spans.n[mine].sum())
            if some and held + count > ALERT_QUEUE_POINTS:
                yield ints(keys), ints(some)
                some, held = [], 0
            if count > ALERT_QUEUE_POINTS:
                for key in np.unique(spans.key[mine]).tolist():
                    yield ints([key]), ints([run])
                continue
            some.append(run)
            held += count
        if some:
            yield ints(keys), ints(some)

    def count_points(self, project_id: int, keys: Collection[int], runs: Collection[int]) -> int:
        """Return how many points some keys of some runs have."""
        with self._metrics.view(project_id) as view:
            return int(view.spans(ints(keys), ints(runs))[0].n.sum()) if keys and runs else 0

    def past(self, project: ProjectRef, run: RunState, keys: dict[int, Meant], text: str) -> Past:
        """Return what earlier runs of a run's group, or of its project, had of a metric. Raises FilterError."""
        chosen = choose_runs(self._shown, project, Selection(project.entity, project.name, text))
        group = run.text("group")
        same = r.group_name == group if group else sa.true()
        before = (r.created_us < run.created_ns // 1000) & (r.state != "running") & (r.id != run.id) & same
        query = sa.select(r.id).where(chosen.where, before).order_by(*newest_first()).limit(ALERT_REFERENCE_RUNS)
        ids = [state.id for state in self._states(query)]
        lines: dict[int, tuple[Array, Array]] = {}
        for line in self.lines(project.id, list(keys), ids):
            steps, values = _drawn(line.points, keys[line.key])
            if len(steps) > 1 and len(steps) > len(lines.get(line.run, ((), ()))[0]):
                lines[line.run] = steps, values
        return Past.of_lines(list(lines.values()))


def lines_of(points: Points) -> Iterator[Line]:
    """Yield the lines of points that are in order of run, key and writer, and within each as they were logged."""
    begin = starts_of(points.run, points.key, points.writer)
    for a, b in zip(begin.tolist(), [*begin[1:].tolist(), len(points)], strict=True):
        yield Line(int(points.run[a]), int(points.key[a]), int(points.writer[a]), points.take(slice(a, b)))


def as_shown(points: Points, meant: Meant) -> Points:
    """Return points of one key as they are shown: rescaled, without those that are cut."""
    source = meant.source
    if source is None:
        return points
    keep = np.ones(len(points), np.bool_)
    for cut in source.cuts:
        keep &= ~cut.of_points(points)
    kept = points if bool(keep.all()) else points.take(keep)
    columns = kept.columns()
    with np.errstate(over="ignore", invalid="ignore"):
        columns["val"] = scaled(kept.val, source.factor, source.offset)
    return Points(**columns)


def _drawn(points: Points, meant: Meant) -> tuple[Array, Array]:
    """Return steps, each once and sorted, and the finite values that were logged last there; thinned."""
    points = as_shown(points, meant)
    points = points.take(np.isfinite(points.val))
    order = np.argsort(points.step, kind="stable")
    steps, values = points.step[order], points.val[order]
    last = np.append(steps[1:] != steps[:-1], True) if len(steps) else np.zeros(0, np.bool_)
    steps, values = steps[last], values[last]
    every = max(1, -(-len(steps) // ALERT_REFERENCE_POINTS))
    return steps[::every], values[::every]
