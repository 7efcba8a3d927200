"""
Rows of aggregates that are made from points: where a correction joins two keys in one run, or cuts points away.

They stand in a table of the index beside the one that ingest writes, for the runs that need one only. A row is made
when it is first asked for, and again when its run has grown since.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from typing import Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement

from . import schema as t
from .columns import BIGINT, INT, Array, Items, Points, Spans, ints
from .corrected_view import CorrectedView
from .history import latest_items
from .line import Lineage
from .metadata import MetadataStore
from .metrics import MetricStore, MetricView
from .overlay import CutPoints, Overlay, ShownMetric, Source
from .state import SeriesStat

__all__ = ["DerivedHeads"]

_BATCH_POINTS: Final = 2_000_000
_RUNS_TOGETHER: Final = 2_000


class DerivedHeads:
    """
    Keeps the rows of one project that have to be made from points. Thread-safe.

    Args:
        metadata, metrics: of what was logged.
        refill: makes sure that the points of some runs (by id) are all there after a crash.
        visible_seq: the newest sequence number whose points can be read.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        metrics: MetricStore,
        project: int,
        refill: Callable[[Collection[int]], None],
        visible_seq: Callable[[], int],
    ) -> None:
        self._metadata = metadata
        self._metrics = metrics
        self._project = project
        self._refill = refill
        self._visible_seq = visible_seq
        self._lock = threading.Lock()
        self._stamp = ""
        self._seen: dict[int, int] = {}  # metric → sequence number up to which its rows are made
        self._have: set[int] = set()

    @property
    def have(self) -> set[int]:
        """The metrics of which there are rows."""
        return self._have

    def refresh(self, overlay: Overlay, stamp: str) -> None:
        """
        Make the rows that are not made yet. *stamp* is another one for every other overlay; older rows are dropped.
        """
        with self._lock:
            if stamp != self._stamp:
                self._metadata.drop_corrected(self._project)
                self._stamp, self._seen, self._have = stamp, {}, set()
            for number, metric in overlay.derived.items():
                since, now = self._seen.get(number, -1), self._visible_seq()
                if since < now:
                    self._make(overlay, metric, since)
                    self._seen[number] = now

    def _make(self, overlay: Overlay, metric: ShownMetric, since: int) -> None:
        runs = self._needing(metric, since)
        if not len(runs):
            return
        self._refill(runs.tolist())
        lines = 0
        with self._metrics.view(self._project) as view:
            shown = CorrectedView(view, overlay.altered, self._metadata.lineage)
            spans, _ = shown.spans(ints([metric.id]), ints(runs.tolist()))
            count = {int(run): 0 for run in runs.tolist()}
            for run, n in zip(spans.run.tolist(), spans.n.tolist(), strict=True):
                count[run] += n
            batch: list[int] = []
            for run, n in count.items():
                batch.append(run)
                lines += n
                if lines >= _BATCH_POINTS or len(batch) >= _RUNS_TOGETHER:
                    self._make_some(metric, batch, shown)
                    batch, lines = [], 0
            if batch:
                self._make_some(metric, batch, shown)

    def _make_some(self, metric: ShownMetric, runs: list[int], view: MetricView) -> None:
        keys, ids = ints([metric.id]), ints(runs)
        points = view.points(keys, ids)
        items = view.items(keys, ids)
        lineage = self._metadata.lineage(runs)
        spans, _ = view.spans(keys, ids)
        points, items = _counted(points, items, spans, lineage)
        rows = _stats(metric.id, runs, points, items, lineage)
        if rows:
            self._metadata.keep_corrected(self._project, self._stamp, rows)
            self._have = self._have | {metric.id}

    def _needing(self, metric: ShownMetric, since: int) -> Array:
        """Return the runs, of those changed after *since*, whose row does not follow from one row of the table."""
        s, r = t.series.c, t.runs.c
        keys = [source.key.id for source in metric.sources]
        changed = sa.select(r.id).where(r.project_id == self._project, r.seq > since)
        found: set[int] = set()
        with self._metadata.connect() as connection:
            if len(keys) > 1:
                several = sa.select(s.run_id).where(s.key_id.in_(keys)).group_by(s.run_id).having(sa.func.count() > 1)
                if since >= 0:
                    several = several.where(s.run_id.in_(changed))
                found.update(connection.scalars(several))
            for source in metric.sources:
                if source.cuts:
                    select = sa.select(s.run_id).where(s.key_id == source.key.id, sa.or_(*map(_may_cut, source.cuts)))
                    if since >= 0:
                        select = select.where(s.run_id.in_(changed))
                    found.update(self._cut_by_steps(source, list(connection.scalars(select))))
        return np.array(sorted(found), np.int64)

    def _cut_by_steps(self, source: Source, runs: list[int]) -> list[int]:
        """Return those of *runs* of which a cut may meet points, as far as steps and times tell."""
        if not runs:
            return []
        with self._metrics.view(self._project) as view:
            # Named one by one: what a fork inherits is only there for whoever asks for the fork.
            spans, _ = view.spans(ints([source.key.id]), ints(runs))
        hit = np.zeros(len(spans), np.bool_)
        for cut in source.cuts:
            hit |= cut.of_spans(spans)
        found: list[int] = np.unique(spans.run[hit]).tolist()
        return found


def _may_cut(cut: CutPoints) -> ColumnElement[bool]:
    """Return whether a cut by values can meet a row of the series table; one by steps and times alone may always."""
    if cut.below is None and cut.above is None:
        return sa.true()
    s = t.series.c
    a, b = (column * sa.literal(cut.factor, sa.Float(53)) + cut.offset for column in (s.min, s.max))
    tests: list[ColumnElement[bool]] = [s.n != s.finite]
    if cut.below is not None:
        tests += [a < cut.below, b < cut.below]
    if cut.above is not None:
        tests += [a > cut.above, b > cut.above]
    return sa.or_(*tests)


def _counted(points: Points, items: Items, spans: Spans, lineage: Lineage) -> tuple[Points, Items]:
    """Leave out what does not count in aggregates: ranks beside the main writer, and lives that were begun anew."""
    aside = lineage.aside(spans)
    if aside.any():
        strands = (spans.key[aside].astype(np.int64) << 32) | spans.seg[aside]
        points = points.take(~np.isin((points.key.astype(np.int64) << 32) | points.seg, strands))
    replaced = lineage.seg[lineage.fence <= 0]
    if len(replaced):
        points = points.take(~np.isin(points.seg, replaced))
        items = items.take(~np.isin(items.seg, replaced))
    return points, items


@np.errstate(over="ignore", invalid="ignore")
def _stats(number: int, runs: Iterable[int], points: Points, items: Items, lineage: Lineage) -> list[SeriesStat]:
    """Return a row per run, as ingest would have made it of these points; ``n`` is 0 where none are left."""
    order = np.lexsort((points.off, lineage.order_of(points.seg), points.run))
    p = points.take(order)
    texts = items.take(np.array([kind != "bigint" for kind in items.kind.tolist()], np.bool_))
    texts = latest_items(texts, lineage) if len(texts) else texts
    numbers = np.array(list(runs), np.int64)
    begin, end = np.searchsorted(p.run, numbers, "left"), np.searchsorted(p.run, numbers, "right")
    return [
        _stat_of(number, run, p.take(slice(a, b)), texts.take(texts.run == run), lineage)
        for run, a, b in zip(numbers.tolist(), begin.tolist(), end.tolist(), strict=True)
    ]


def _stat_of(number: int, run: int, p: Points, texts: Items, lineage: Lineage) -> SeriesStat:
    stat = SeriesStat(number, run, 0, 0, last_life_us=0, last_place=0, first_life_us=0, first_place=0)
    if len(p):
        # A step that is logged again without going back is one point, the last write.
        life, again = lineage.life_of(p.seg), np.zeros(len(p), np.bool_)
        again[:-1] = (p.step[1:] == p.step[:-1]) & (life[1:] == life[:-1]) & (p.attempt[1:] == p.attempt[:-1])
        kept = p.take(~again)
        finite = np.isfinite(kept.val)
        every = np.concatenate([p.val[np.isfinite(p.val)], p.lo[np.isfinite(p.lo)], p.hi[np.isfinite(p.hi)]])
        stat.n, stat.finite = len(kept), int(finite.sum())
        stat.sum = float(np.add.accumulate(np.append(0.0, kept.val[finite]))[-1])
        stat.min = float(every.min()) if len(every) else None
        stat.max = float(every.max()) if len(every) else None
        stat.first, stat.first_step = float(p.val[0]), int(p.step[0])
        stat.last, stat.last_step = float(p.val[-1]), int(p.step[-1])
        stat.is_int = bool(np.isin(p.kind, (INT, BIGINT)).all())
    if len(texts):
        stat.is_int = False
        stat.n += len(texts)
        when = np.lexsort((texts.off, lineage.order_of(texts.seg)))
        first, last = texts.take(when[:1]), texts.take(when[-1:])
        if not len(p) or _place(first, lineage) < _place(p, lineage):
            stat.first, stat.first_text, stat.first_step = None, str(first.ref[0])[:1000], int(first.step[0])
        if not len(p) or _place(last, lineage) > _place(p.take(slice(-1, None)), lineage):
            stat.last, stat.last_text, stat.last_step = None, str(last.ref[0])[:1000], int(last.step[0])
    return stat


def _place(rows: Points | Items, lineage: Lineage) -> tuple[int, int]:
    """Return where the first of *rows* stands in the run's log."""
    return int(lineage.order_of(rows.seg[:1])[0]), int(rows.off[0])
