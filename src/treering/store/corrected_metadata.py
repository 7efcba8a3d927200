"""
Metadata as it is shown: the same, but names of metrics and their aggregates are those that corrections give.

This is the one place where a name becomes the number of a metric for whoever reads. What writes, and whoever asks for
what was logged, uses the metadata and the metrics beneath.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, cast

from .corrected_view import CorrectedMetrics
from .corrections import Correction, Corrections
from .derived_heads import DerivedHeads
from .heads import Heads, logged_heads, shown_heads
from .metadata import MetadataStore
from .metrics import MetricStore
from .overlay import Overlay, make_overlay

__all__ = ["run_ids_of", "shown", "shown_with"]


class _Made(NamedTuple):
    """An overlay and what it was made of."""

    of: tuple[Any, ...]
    stamp: str
    overlay: Overlay


def shown(
    metadata: MetadataStore,
    metrics: MetricStore,
    corrections: Corrections,
    refill: Callable[[Collection[int]], None],
    visible_seq: Callable[[], int],
) -> tuple[MetadataStore, MetricStore]:
    """
    Return *metadata* and *metrics* as they are shown.

    Args:
        refill: see ``run_columns.PointSource``.
        visible_seq: the newest sequence number whose points can be read; aggregates are written a moment earlier.
    """
    made = _ShownMetadata(metadata, metrics, corrections, refill, visible_seq)
    # All that is not about metrics is passed on, which no type can say.
    return cast(MetadataStore, made), CorrectedMetrics(metrics, made.overlay, metadata.lineage)


def shown_with(
    metadata: MetadataStore, metrics: MetricStore, project_id: int, overlay: Overlay
) -> tuple[MetadataStore, MetricStore]:
    """Return *metadata* and *metrics* as an overlay that is not saved would show those of a project."""
    made = _Tried(metadata, project_id, overlay)
    return cast(MetadataStore, made), CorrectedMetrics(metrics, made.overlay, metadata.lineage)


class _Tried:
    """Names only: enough for charts."""

    def __init__(self, metadata: MetadataStore, project_id: int, overlay: Overlay) -> None:
        self._metadata = metadata
        self._project_id = project_id
        self._overlay = overlay

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)

    def overlay(self, project_id: int) -> Overlay | None:
        return self._overlay if project_id == self._project_id else None

    def find_keys(self, project_id: int, space: str, names: Collection[str]) -> dict[str, int]:
        if space != "metric" or project_id != self._project_id:
            return self._metadata.find_keys(project_id, space, names)
        return self._overlay.find(names)

    def key_names(self, ids: Collection[int]) -> dict[int, tuple[str, str]]:
        return _renamed(self._metadata.key_names(ids), self._overlay)


def _renamed(names: dict[int, tuple[str, str]], overlay: Overlay) -> dict[int, tuple[str, str]]:
    for number in names:
        metric = overlay.metrics.get(number)
        if metric is not None:
            names[number] = metric.name, metric.kind
    return names


class _ShownMetadata:
    def __init__(
        self,
        metadata: MetadataStore,
        metrics: MetricStore,
        corrections: Corrections,
        refill: Callable[[Collection[int]], None],
        visible_seq: Callable[[], int],
    ) -> None:
        self._metadata = metadata
        self._metrics = metrics
        self._corrections = corrections
        self._refill = refill
        self._visible_seq = visible_seq
        self._lock = threading.Lock()
        self._made: dict[int, _Made] = {}
        self._derived: dict[int, DerivedHeads] = {}
        self._places: dict[int, tuple[str, str]] = {}
        self._index_id = metadata.index_id
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)

    # ── the overlay ─────────────────────────────────────────────────────────────────────────────────────────────

    def overlay(self, project_id: int) -> Overlay | None:
        made = self._overlay(project_id)
        return None if made is None else made.overlay

    def _overlay(self, project_id: int) -> _Made | None:
        if self._index_id != self._metadata.index_id:
            self._forget()
        changes = self._corrections.changes
        place = self._place(project_id)
        mine = [] if place is None else self._corrections.of_project(*place)
        if not any(one.enabled for one in mine):
            if project_id in self._made:
                del self._made[project_id]
            return None
        made = self._made.get(project_id)
        state: tuple[Any, ...] = (changes, self._metadata.keys_made)
        if made is None or made.of[:2] != state or (made.overlay.unresolved and made.of[2] != self._metadata.seq):
            with self._lock:
                made = self._make(project_id, mine, (*state, self._metadata.seq))
        return made

    def _make(self, project_id: int, mine: list[Correction], of: tuple[Any, ...]) -> _Made:
        keys = self._metadata.metric_keys(project_id)
        overlay = make_overlay(mine, keys, run_ids_of(self._metadata, mine))
        self._count += 1
        # Rows that were made of another overlay count no more: also those that an earlier process left behind.
        stamp = f"{id(self):x}.{of[2]}.{self._count}"
        before = self._made.get(project_id)
        if before is not None and _same(before.overlay, overlay) and before.of[0] == of[0]:
            stamp = before.stamp  # a key was logged for the first time that no correction is about
        made = self._made[project_id] = _Made(of, stamp, overlay)
        return made

    def _place(self, project_id: int) -> tuple[str, str] | None:
        place = self._places.get(project_id)
        if place is None:
            self._places = {one.id: (one.entity, one.name) for one in self._metadata.projects()}
            place = self._places.get(project_id)
        return place

    def _forget(self) -> None:
        with self._lock:
            self._index_id = self._metadata.index_id
            self._made, self._derived, self._places = {}, {}, {}

    # ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────

    def find_keys(self, project_id: int, space: str, names: Collection[str]) -> dict[str, int]:
        overlay = self.overlay(project_id) if space == "metric" else None
        return self._metadata.find_keys(project_id, space, names) if overlay is None else overlay.find(names)

    def key_names(self, ids: Collection[int]) -> dict[int, tuple[str, str]]:
        found = self._metadata.key_names(ids)
        for made in list(self._made.values()):
            found = _renamed(found, made.overlay)
        return found

    def keys_of_run(self, run_id: int) -> list[int]:
        keys = self._metadata.keys_of_run(run_id)
        state = self._metadata.runs_by_id([run_id]).get(run_id)
        overlay = None if state is None else self.overlay(state.project_id)
        if overlay is None:
            return keys
        return list(dict.fromkeys(overlay.number_of.get(key, key) for key in keys if key not in overlay.hidden))

    def heads(self, project_id: int, keys: Collection[int] | None = None) -> Heads:
        made = self._overlay(project_id)
        if made is None:
            return logged_heads(keys)
        derived = self._derived.get(project_id)
        return shown_heads(made.overlay, made.stamp, () if derived is None else derived.have, keys)

    def prepare(self, project_id: int) -> None:
        made = self._overlay(project_id)
        if made is None or not made.overlay.derived:
            return
        with self._lock:
            derived = self._derived.get(project_id)
            if derived is None:
                derived = DerivedHeads(self._metadata, self._metrics, project_id, self._refill, self._visible_seq)
                self._derived[project_id] = derived
        derived.refresh(made.overlay, made.stamp)


def run_ids_of(metadata: MetadataStore, corrections: Collection[Correction]) -> dict[str, int]:
    """Return run key → id of the runs that cuts of *corrections* name."""
    named = {key for one in corrections for key in one.rule.get("runs", ()) if isinstance(one.rule.get("runs"), list)}
    return {key: number for key, (number, _) in metadata.run_ids(named).items()} if named else {}


def _same(a: Overlay, b: Overlay) -> bool:
    """Return whether the metrics that have rows of their own are the same sources in both, given equal corrections."""

    def sources(overlay: Overlay) -> dict[int, list[int]]:
        return {number: [source.key.id for source in one.sources] for number, one in overlay.derived.items()}

    return sources(a) == sources(b) and a.unresolved == b.unresolved
