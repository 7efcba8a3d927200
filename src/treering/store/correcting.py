"""What is asked of a project's corrections: list, try, save, change, undo."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from treering.errors import InvalidValue, ProjectNotFound
from treering.limits import CORRECTION_PREVIEW_KEYS, CORRECTION_PREVIEW_MAX_POINTS, CORRECTION_PREVIEW_RUNS

from . import charts
from . import schema as t
from .columns import Array, ints
from .corrected_metadata import run_ids_of, shown_with
from .correction_rules import Cut, Rule, describe, rule_data
from .corrections import Correction, Corrections, CorrectionVersion
from .metadata import MetadataStore, ProjectRef
from .metrics import MetricStore
from .model import SeriesColumns, SeriesRequest
from .overlay import Overlay, ShownMetric, Source, make_overlay

__all__ = ["ActingCorrection", "Correcting", "Preview", "PreviewKey"]

_BUCKETS = 300


class ActingCorrection(msgspec.Struct, frozen=True):
    """
    A correction and what it does now.

    Attributes:
        keys: the metrics that it acts on, by the names that they now have; none where it applies to nothing.
        conflicts: what it does that nobody asked for, such as two metrics that came under one name since.
    """

    correction: Correction
    keys: list[str]
    conflicts: list[str]


class PreviewKey(msgspec.Struct, frozen=True):
    """A metric that would change. ``before`` and ``after``: its names, None where it is not shown; and some lines."""

    before: str | None
    after: str | None
    lines_before: list[SeriesColumns]
    lines_after: list[SeriesColumns]


class Preview(msgspec.Struct, frozen=True):
    """
    What a correction would do.

    Attributes:
        text: it, in a few words.
        runs: how many runs have a value that would change.
        points: how many points would; of a cut, how many would not be shown. None: too many to count.
        keys: the metrics that would change, the first of ``keys_total`` with lines of some runs.
        conflicts: why it would be refused.
    """

    text: str
    runs: int
    points: int | None
    keys: list[PreviewKey]
    keys_total: int
    conflicts: list[str]


class Correcting:
    """
    The corrections of projects. All methods may be called from any thread.

    Args:
        metadata, metrics: of what was logged.
        changed: called when what is shown of a project is another.

    Raises, where a method takes them: ProjectNotFound, NotFound, InvalidValue, EditConflict, LimitExceeded, OSError.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        metrics: MetricStore,
        corrections: Corrections,
        refill: Callable[[Collection[int]], None],
        changed: Callable[[str, str], None],
    ) -> None:
        self._metadata = metadata
        self._metrics = metrics
        self._corrections = corrections
        self._refill = refill
        self._changed = changed

    def of_project(self, entity: str, project: str) -> list[ActingCorrection]:
        """Return the corrections of a project in the order in which they apply."""
        found = self._corrections.of_project(entity, project)
        overlay = self._overlay(self._project(entity, project), found)
        return [self._acting(one, overlay) for one in found]

    def find(self, correction_id: str) -> Correction:
        """Return a correction."""
        return self._corrections.find(correction_id)

    def read(self, correction_id: str) -> ActingCorrection:
        """Return a correction and what it does now."""
        one = self._corrections.find(correction_id)
        here = self._corrections.of_project(one.entity, one.project)
        return self._acting(one, self._overlay(self._project(one.entity, one.project), here))

    def versions(self, correction_id: str) -> list[CorrectionVersion]:
        """Return its latest versions, the newest first."""
        return self._corrections.versions(correction_id)

    def create(
        self, entity: str, project: str, rule: Rule, author: str, *, enabled: bool = True, note: str = ""
    ) -> ActingCorrection:
        """Save a correction, behind all others. What would bring two metrics under one name is refused."""
        place = self._project(entity, project)
        here = self._corrections.of_project(entity, project)
        self._check(place, here, [*here, _draft(place, rule, enabled, here)])
        made = self._corrections.create(entity, project, rule, author, enabled=enabled, note=note)
        self._changed(entity, project)
        return self.read(made.id)

    def change(
        self,
        correction_id: str,
        author: str,
        version: int,
        *,
        rule: Rule | None = None,
        enabled: bool | None = None,
        note: str | None = None,
        position: int | None = None,
    ) -> ActingCorrection:
        """Save the next version of a correction; what is None stays."""
        old = self._corrections.check_version(correction_id, version)
        here = self._corrections.of_project(old.entity, old.project)
        new = msgspec.structs.replace(
            old,
            rule=old.rule if rule is None else rule_data(rule),
            enabled=old.enabled if enabled is None else enabled,
            position=old.position if position is None else position,
        )
        after = [new if one.id == old.id else one for one in here]
        after.sort(key=lambda one: (one.position, one.created_at, one.id))
        self._check(self._project(old.entity, old.project), here, after)
        self._corrections.change(
            correction_id, author, version, rule=rule, enabled=enabled, note=note, position=position
        )
        self._changed(old.entity, old.project)
        return self.read(correction_id)

    def delete(self, correction_id: str, author: str) -> None:
        """Delete a correction: what is shown is as if it had never been, or the change is refused."""
        old = self._corrections.find(correction_id)
        here = self._corrections.of_project(old.entity, old.project)
        self._check(self._project(old.entity, old.project), here, [one for one in here if one.id != old.id])
        self._corrections.delete(correction_id, author)
        self._changed(old.entity, old.project)

    def _project(self, entity: str, project: str) -> ProjectRef:
        found = self._metadata.find_project(entity, project)
        if found is None:
            raise ProjectNotFound(f"there is no project {entity}/{project}.")
        return found

    def _overlay(self, project: ProjectRef, corrections: Sequence[Correction]) -> Overlay:
        return make_overlay(
            corrections, self._metadata.metric_keys(project.id), run_ids_of(self._metadata, corrections)
        )

    def _acting(self, one: Correction, overlay: Overlay) -> ActingCorrection:
        return ActingCorrection(
            one,
            list(overlay.acting.get(one.id, ())) if one.enabled else [],
            [conflict.text for conflict in overlay.conflicts if conflict.correction == one.id],
        )

    def _check(self, project: ProjectRef, before: Sequence[Correction], after: Sequence[Correction]) -> None:
        """Raise InvalidValue for a conflict that is not there before."""
        known = {conflict.text for conflict in self._overlay(project, before).conflicts}
        found = [one.text for one in self._overlay(project, after).conflicts if one.text not in known]
        if found:
            raise InvalidValue(f"{found[0]} {_HINT}")

    # ── trying ──────────────────────────────────────────────────────────────────────────────────────────────────

    def preview(
        self, entity: str, project: str, rule: Rule, replaces: str | None = None, runs: Sequence[str] | None = None
    ) -> Preview:
        """
        Return what a correction would do that is not saved.

        Args:
            replaces: the correction of which it would be the next version.
            runs: keys of runs whose lines are wanted; by default some of those that change.
        """
        place = self._project(entity, project)
        here = self._corrections.of_project(entity, project)
        draft = _draft(place, rule, enabled=True, here=here)
        others = [one for one in here if one.id != replaces]
        if replaces is not None and len(others) < len(here):
            after = [msgspec.structs.replace(draft, id=one.id) if one.id == replaces else one for one in here]
        else:
            after = [*here, draft]
        old, new = self._overlay(place, others), self._overlay(place, after)
        known = {conflict.text for conflict in self._overlay(place, here).conflicts}
        conflicts = [one.text for one in new.conflicts if one.text not in known]
        pairs = _changed_metrics(old, new)
        count, ids = self._count(place, pairs, rule)
        return Preview(
            describe(rule),
            len(ids),
            count,
            self._sample(place, pairs, old, new, ids, runs),
            len(pairs),
            conflicts,
        )

    def _count(
        self, project: ProjectRef, pairs: Sequence[tuple[ShownMetric | None, ShownMetric | None]], rule: Rule
    ) -> tuple[int | None, list[int]]:
        """Return how many points change, and the ids of the runs that have any."""
        sources = {s.key.id: s for a, b in pairs for s in (b or a).sources}  # type: ignore[union-attr]
        if not sources:
            return 0, []
        keys = ints(sources)
        s = t.series.c
        with self._metadata.connect() as connection:
            runs = ints(connection.scalars(sa.select(s.run_id).where(s.key_id.in_(list(sources))).distinct()))
        with self._metrics.view(project.id) as view:
            spans, _ = view.spans(keys, runs)
            total = int(spans.n.sum())
            if not isinstance(rule, Cut):
                return total, np.unique(spans.run).tolist()
            if total > CORRECTION_PREVIEW_MAX_POINTS:
                return None, np.unique(spans.run[_may_be_cut(spans, sources)]).tolist()
            self._refill(np.unique(spans.run).tolist())
            points = view.points(keys, runs, columns=("run", "key", "step", "ts", "val"))
        hit = np.zeros(len(points), np.bool_)
        for number, source in sources.items():
            if source.cuts:
                rows = np.flatnonzero(points.key == number)
                hit[rows] = source.cuts[-1].of_points(points.take(rows))
        return int(hit.sum()), np.unique(points.run[hit]).tolist()

    def _sample(
        self,
        project: ProjectRef,
        pairs: Sequence[tuple[ShownMetric | None, ShownMetric | None]],
        old: Overlay,
        new: Overlay,
        ids: Sequence[int],
        runs: Sequence[str] | None,
    ) -> list[PreviewKey]:
        if runs is None:
            states = self._metadata.runs_by_id(sorted(ids)[-CORRECTION_PREVIEW_RUNS:])
            chosen = [state.run_key for state in states.values() if not state.deleted]
        else:
            chosen = list(runs)[:CORRECTION_PREVIEW_RUNS]
        found = []
        for before, after in pairs[:CORRECTION_PREVIEW_KEYS]:
            if "media" in (before or after).kind or (before or after).kind == "text":  # type: ignore[union-attr]
                found.append(PreviewKey(_name(before), _name(after), [], []))
                continue
            lines = [self._lines(project, overlay, metric, chosen) for overlay, metric in ((old, before), (new, after))]
            found.append(PreviewKey(_name(before), _name(after), *lines))
        return found

    def _lines(
        self, project: ProjectRef, overlay: Overlay, metric: ShownMetric | None, runs: list[str]
    ) -> list[SeriesColumns]:
        if metric is None or not runs:
            return []
        metadata, metrics = shown_with(self._metadata, self._metrics, project.id, overlay)
        return charts.read_series(metadata, metrics, SeriesRequest(keys=[metric.name], runs=runs, buckets=_BUCKETS))


_HINT = (
    "To join metrics, merge them in the order in which they count; to exchange two names, rename both in one "
    'correction: from ["a", "b"] to ["b", "a"].'
)


def _draft(project: ProjectRef, rule: Rule, enabled: bool, here: Sequence[Correction]) -> Correction:
    """Return a correction that is not saved, behind all others."""
    position = max((one.position for one in here), default=0) + 1
    data = rule_data(rule)
    return Correction(
        id="",
        entity=project.entity,
        project=project.name,
        kind=str(data["kind"]),
        rule=data,
        text=describe(rule),
        enabled=enabled,
        note="",
        position=position,
        created_by="",
        created_at=0.0,
        changed_by="",
        changed_at=0.0,
        version=0,
    )


def _changed_metrics(old: Overlay, new: Overlay) -> list[tuple[ShownMetric | None, ShownMetric | None]]:
    """Return the metrics that differ, as they are before and after."""

    def about(metric: ShownMetric | None) -> Any:
        if metric is None:
            return None
        sources = tuple((s.key.id, s.factor, s.offset, tuple(map(_about_cut, s.cuts))) for s in metric.sources)
        return metric.name, metric.unit, sources

    before = {source.key.id: metric for metric in old.shown.values() for source in metric.sources}
    after = {source.key.id: metric for metric in new.shown.values() for source in metric.sources}
    found: dict[tuple[str | None, str | None], tuple[ShownMetric | None, ShownMetric | None]] = {}
    for key in [*after, *(key for key in before if key not in after)]:
        a, b = before.get(key), after.get(key)
        if about(a) != about(b):
            found[_name(a), _name(b)] = a, b
    return [pair for pair in found.values() if any(s.key.runs for m in pair if m is not None for s in m.sources)]


def _about_cut(cut: Any) -> tuple[Any, ...]:
    runs = None if cut.runs is None else tuple(cut.runs.tolist())
    return runs, cut.steps, cut.times, cut.below, cut.above, cut.factor, cut.offset


def _name(metric: ShownMetric | None) -> str | None:
    return None if metric is None else metric.name


def _may_be_cut(spans: Any, sources: dict[int, Source]) -> Array:
    hit = np.zeros(len(spans), np.bool_)
    for number, source in sources.items():
        for cut in source.cuts[-1:]:
            hit |= (spans.key == number) & cut.of_spans(spans)
    return hit
